"""A town's own emergency number stands in all that people read; names of commands stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.cad.model import Account, Plan
from bot.footers import Unread
from bot.sandbox.town import Roles, settings_for
from bot.settings import Settings
from bot.words_clicks import unread
from tests.conftest import V1_ONLY, OpenTown
from tests.test_autocomplete import open_on

NAMES = re.compile(r"remove911|calls911|cad911|Remove 911 call")


def texts(payload: object) -> Iterator[str]:
    """All descriptions in what Discord is told."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            if key == "description":
                yield str(value)
            yield from texts(value)
    elif isinstance(payload, list):
        for one in payload:
            yield from texts(one)


@V1_ONLY
async def test_999_is_read_everywhere(make_town: OpenTown) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return replace(settings_for(account, roles), emergency_number="999")

    town = await open_on(make_town, Plan.PLUS, settings=settings)
    (put,) = [sent for sent in town.env.http_requests if sent.method == "PUT" and "/guilds/" in sent.path]
    said = [*texts(put.json), *(unread(why, "999") for why in Unread)]
    shown = await town.dispatcher.slash(town.room, "calls911", server_id=1)
    assert shown.response is not None
    said += [shown.response.content, shown.response.embeds[0].description or ""]
    removed = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert removed.response is not None
    said.append(removed.response.content)
    assert "Remove a 999 call from the CAD" in said
    assert [text for text in said if "911" in NAMES.sub("", text)] == []
