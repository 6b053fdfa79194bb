"""What the sandbox's page is told at its start, and whether that is true; the page itself is in tests/browser."""

from __future__ import annotations

from math import inf

import pytest

from bot.cad.model import Plan
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.page import SILENT, welcome
from tests.clocks import HandClock
from tests.conftest import V1_ONLY, OpenTown
from tests.test_waiting import settled


@pytest.mark.parametrize(
    ("plan", "says", "reads"),
    [
        (Plan.PLUS, "looks for it in the list", "not among the server's open calls"),
        (Plan.STANDARD, "the bot asks twice", "**not known** whether it was removed"),
        (Plan.FREE, "lets nobody remove a call", "**not removed**"),
    ],
)
async def test_what_it_says_of_the_silent_call_is_true(make_town: OpenTown, plan: Plan, says: str, reads: str) -> None:
    assert says in welcome(plan)
    town = await make_town(cad=LoopbackCad(plan=plan, seconds={SILENT: inf}), patience=0.1)
    shown = await town.dispatcher.slash(town.room, "remove911", call_id=SILENT.call_id, server_id=SILENT.server_id)
    assert shown.response is not None
    assert reads in shown.response.content


async def test_the_administrator_who_is_refused_the_rest_may_look(make_town: OpenTown) -> None:
    town = await make_town()
    for command in ("remove911", "calls911"):
        given = {"server_id": 1} | ({"call_id": 302} if command == "remove911" else {})
        shown = await town.administrator.slash(town.room, command, **given)
        assert shown.response is not None
        assert "That goes for administrators too." in shown.response.content
    for command in ("cad911 history", "cad911 status"):
        shown = await town.administrator.slash(town.room, command)
        assert shown.response is not None
        assert shown.response.embeds


@V1_ONLY
async def test_others_can_act_while_an_admin_waits_behind_the_line(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await make_town(cad=LoopbackCad(plan=Plan.FREE), clock=clock, parked=True)
    await settled(town, lambda: town.cad.kinds == ["GET_VERSION"])  # at the bot's start
    shown = await town.administrator.slash(town.room, "cad911 status")
    assert shown.deferred
    refused = await town.civilian.slash(town.room, "calls911", server_id=1)
    assert refused.response is not None
    assert "You need the role" in refused.response.content
    assert town.cad.kinds == ["GET_VERSION"]
    clock.tick(1.05)
    await settled(town, lambda: bool(shown.response and shown.response.embeds))
    assert town.cad.kinds == ["GET_VERSION"] * 2
