"""What a dispatcher is offered while typing, and what nobody else is."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf

import pytest

from bot.board import PATIENCE
from bot.cad.model import Account, CallRef, Plan
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.town import Roles, Town, settings_for
from bot.settings import Settings
from tests.clocks import until
from tests.conftest import V1_ONLY, OpenTown
from tests.test_remove911 import ask


async def open_on(make_town: OpenTown, plan: Plan, **how: object) -> Town:
    town = await make_town(cad=LoopbackCad(plan=plan), **how)
    await until(lambda: town.client.plan is plan)
    return town


async def offered(town: Town, typed: str = "", option: str = "call_id", **given: object) -> list[tuple[str, object]]:
    found = await town.dispatcher.autocomplete(town.room, "remove911", option, typed, **given)
    return [(one["name"], one["value"]) for one in found]


async def test_calls_are_picked_by_what_they_say(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    assert await offered(town, "ortega", server_id=1) == [
        ("302 · Ana Ortega · 24/7, Grove Street · Man with a shotgun, cashier on the floor.", 302)
    ]
    assert [value for _, value in await offered(town, "", server_id=1)] == [304, 303, 302, 301]
    assert [value for _, value in await offered(town, "30", server_id=1)] == [304, 303, 302, 301]
    assert [value for _, value in await offered(town, "alta", server_id=1)] == [301]
    assert await offered(town, "zebra", server_id=1) == []


async def test_without_a_server_calls_of_all_are_offered_with_their_server(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    names = [name for name, _ in await offered(town)]
    assert len(names) == 6
    assert any(name.startswith("302 on 1 Los Santos · Ana Ortega") for name in names)
    assert any(name.startswith("12 on 2 Blaine County · Unknown caller") for name in names)
    assert all(len(name) <= 100 for name in names)


async def test_the_default_server_is_meant_where_none_is_given(make_town: OpenTown) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return replace(settings_for(account, roles), default_server_id=2)

    town = await open_on(make_town, Plan.PLUS, settings=settings)
    assert [value for _, value in await offered(town)] == [12, 11]


async def test_servers_are_picked_by_name_and_number(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.STANDARD)
    assert await offered(town, "", "server_id") == [("1 Los Santos", 1), ("2 Blaine County", 2)]
    assert await offered(town, "blaine", "server_id") == [("2 Blaine County", 2)]
    assert await offered(town, "1", "server_id") == [("1 Los Santos", 1)]


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STARTER, Plan.STANDARD])
async def test_no_request_for_calls_leaves_without_plus(make_town: OpenTown, plan: Plan) -> None:
    town = await open_on(make_town, plan)
    assert await offered(town, "ortega", server_id=1) == []
    assert await offered(town, "") == []
    await town.dispatcher.slash(town.room, "calls911", server_id=1)
    await ask(town, call_id=99)
    assert town.cad.asked_for("GET_CALLS") == []


async def test_strangers_are_offered_nothing_and_nothing_is_asked(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    for who in (town.civilian, town.administrator):
        for command, option in (("remove911", "call_id"), ("remove911", "server_id"), ("calls911", "server_id")):
            assert await who.autocomplete(town.room, command, option, "") == []
    assert town.cad.asked_for("GET_CALLS") == []
    assert town.cad.asked_for("GET_SERVERS") == []


async def test_a_removed_call_is_not_offered_any_more(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    assert 302 in [value for _, value in await offered(town, "", server_id=1)]
    answer = await ask(town)
    _, kind, *said = answer.split("\n")
    assert kind.startswith("🚨 Emergency call, last changed <t:")
    assert said == [
        "Caller: `Ana Ortega`",
        "Place: `24/7, Grove Street`",
        "Description: `Man with a shotgun, cashier on the floor.`",
    ]
    assert 302 not in [value for _, value in await offered(town, "", server_id=1)]
    assert len(town.cad.asked_for("GET_CALLS")) == 1
    assert CallRef(1, 302) not in town.cad.calls


async def test_a_cad_that_is_down_offers_nothing_and_fails_nothing(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    await town.cad.go_down()
    assert await offered(town, "", server_id=1) == []
    assert await offered(town, "", "server_id") == []


@pytest.mark.parametrize("typed", ["x" * 6000, "`*_~|\\", "\u202e", "0", "-1", "99999999999999999999"])
async def test_whatever_is_typed_is_answered(make_town: OpenTown, typed: str) -> None:
    town = await open_on(make_town, Plan.PLUS)
    assert isinstance(await offered(town, typed, server_id=1), list)


@V1_ONLY
async def test_servers_that_do_not_come_are_waited_for_once_and_their_numbers_shown(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    await town.board.calls(2)
    town.cad.slow["GET_SERVERS"] = inf
    begun = time.perf_counter()
    assert [name[:9] for name, _ in await offered(town)] == ["12 on 2 ·", "11 on 2 ·"]
    # Discord gives three seconds in all; the board waits half of them for something newer.
    assert time.perf_counter() - begun < 2 * PATIENCE
