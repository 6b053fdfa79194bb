"""A community's own emergency number appears in every text; only command names keep 911."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.cad.models import Account, Plan
from bot.calls.posts import PostError
from bot.config.settings import Settings
from bot.messages.posts import post_error
from bot.sandbox.simulation import Roles, settings_for
from tests.support.simulation import V1_ONLY, OpenSimulation, open_on

NAMES = re.compile(r"<t:\d+:\w>|remove911|calls911|cad911|Remove 911 call")


def texts(payload: object) -> Iterator[str]:
    """Yield all descriptions in a request to Discord."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            if key == "description":
                yield str(value)
            yield from texts(value)
    elif isinstance(payload, list):
        for one in payload:
            yield from texts(one)


@V1_ONLY
async def test_emergency_number_999_replaces_911_in_all_texts(make_simulation: OpenSimulation) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return replace(settings_for(account, roles), emergency_number="999")

    simulation = await open_on(make_simulation, Plan.PLUS, settings=settings)
    (put,) = [sent for sent in simulation.env.http_requests if sent.method == "PUT" and "/guilds/" in sent.path]
    shown_texts = [*texts(put.json), *(post_error(error, "999") for error in PostError)]
    shown = await simulation.dispatcher.slash(simulation.room, "calls911", server_id=1)
    assert shown.response is not None
    shown_texts += [shown.response.content, shown.response.embeds[0].description or ""]
    removed = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert removed.response is not None
    shown_texts.append(removed.response.content)
    assert "Remove a 999 call from the CAD" in shown_texts
    assert [text for text in shown_texts if "911" in NAMES.sub("", text)] == []
