"""The welcome text is true, and people can act at the same time. The page in a browser is tested in tests/e2e."""

from __future__ import annotations

import asyncio
import re
from math import inf

import pytest

from bot.cad.models import Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.live_preview import LivePreview
from bot.sandbox.page import SILENT_CALL, _run_until_closed, welcome
from bot.sandbox.simulation import NAME
from tests.support.clocks import ManualClock, until
from tests.support.simulation import V1_ONLY, OpenSimulation, open_on, remove, settle_until

pytestmark = pytest.mark.both_api_versions


@pytest.mark.parametrize(
    ("plan", "says", "reads"),
    [
        (Plan.PLUS, "**304**: removed, but the CAD never says so", "No call **304** on server **1**"),
        (Plan.STANDARD, "**304**: the CAD never answers", "**Check the CAD**"),
        (Plan.FREE, "**Every removal fails:**", "not removed (server"),
    ],
)
async def test_welcome_text_says_what_happens_to_the_silent_call(
    make_simulation: OpenSimulation, plan: Plan, says: str, reads: str
) -> None:
    assert says in welcome(plan)
    simulation = await make_simulation(cad=FakeCad(plan=plan, delays={SILENT_CALL: inf}), timeout=0.1)
    shown = await simulation.dispatcher.slash(
        simulation.room, "remove911", call_id=SILENT_CALL.call_id, server_id=SILENT_CALL.server_id
    )
    assert shown.response is not None
    assert reads in shown.response.content


async def test_administrator_without_the_role_can_only_use_history_and_status(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation()
    for command in ("remove911", "calls911"):
        options = {"server_id": 1} | ({"call_id": 302} if command == "remove911" else {})
        shown = await simulation.administrator.slash(simulation.room, command, **options)
        assert shown.response is not None
        assert "Being an admin isn't enough" in shown.response.content
    for command in ("cad911 history", "cad911 status"):
        shown = await simulation.administrator.slash(simulation.room, command)
        assert shown.response is not None
        assert shown.response.embeds


async def test_first_status_has_nothing_to_warn_of(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS, audited=True)
    shown = await simulation.administrator.slash(simulation.room, "cad911 status")
    assert shown.response is not None
    text = shown.response.content + "".join(str(embed.to_dict()) for embed in shown.response.embeds)
    assert NAME in text
    assert re.findall("⚠️|❌", text) == []


@V1_ONLY
async def test_other_people_can_act_while_a_status_request_is_queued(make_simulation: OpenSimulation) -> None:
    clock = ManualClock()
    simulation = await make_simulation(cad=FakeCad(plan=Plan.FREE), clock=clock, parked=True)
    await settle_until(simulation, lambda: simulation.cad.kinds == ["GET_VERSION"])  # at the bot's start
    shown = await simulation.administrator.slash(simulation.room, "cad911 status")
    assert shown.deferred
    refused = await simulation.civilian.slash(simulation.room, "calls911", server_id=1)
    assert refused.response is not None
    assert "⛔ Only **" in refused.response.content
    assert simulation.cad.kinds == ["GET_VERSION"]
    clock.tick(1.05)
    await settle_until(simulation, lambda: bool(shown.response and shown.response.embeds))
    assert simulation.cad.kinds == ["GET_VERSION"] * 2


@V1_ONLY
async def test_session_that_ends_while_the_page_is_refreshed_ends_without_an_error(
    make_simulation: OpenSimulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = await make_simulation(audited=True)
    ended = asyncio.Event()
    async with LivePreview(simulation) as preview:
        close, refresh, refreshed = preview._server.close, preview.refresh, asyncio.Event()

        async def close_later() -> None:
            await ended.wait()
            await close()

        async def refresh_and_say() -> None:
            refreshed.set()
            await refresh()

        monkeypatch.setattr(preview._server, "close", close_later)
        monkeypatch.setattr(preview, "refresh", refresh_and_say)
        running = asyncio.create_task(_run_until_closed(simulation, preview, asyncio.Event()))
        await asyncio.sleep(0)
        closing = asyncio.create_task(preview.close())
        await until(lambda: preview.is_closing)
        async with preview.turn:
            await remove(simulation)  # the next pass shows it
        try:
            await until(refreshed.is_set)
        finally:
            ended.set()
        await running
        await closing
