"""Autocomplete for the options of a command."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf

import pytest

from bot.cad.models import Account, CallRef, Plan
from bot.calls.cache import REFRESH_WAIT
from bot.config.settings import Settings
from bot.sandbox.simulation import Roles, settings_for
from tests.support.simulation import V1_ONLY, OpenSimulation, open_on, remove, suggestions

pytestmark = pytest.mark.both_api_versions


async def test_calls_are_suggested_by_text_and_number(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    assert await suggestions(simulation, "ortega", server_id=1) == [
        ("302 · Ana Ortega · 24/7, Grove Street · Man with a shotgun, cashier on the floor.", 302)
    ]
    assert [value for _, value in await suggestions(simulation, "", server_id=1)] == [304, 303, 302, 301]
    assert [value for _, value in await suggestions(simulation, "30", server_id=1)] == [304, 303, 302, 301]
    assert [value for _, value in await suggestions(simulation, "alta", server_id=1)] == [301]
    assert await suggestions(simulation, "zebra", server_id=1) == []


async def test_without_server_id_calls_of_all_servers_are_suggested_with_their_server(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    names = [name for name, _ in await suggestions(simulation)]
    assert len(names) == 6
    assert any(name.startswith("302 on 1 Los Santos · Ana Ortega") for name in names)
    assert any(name.startswith("12 on 2 Blaine County · Unknown caller") for name in names)
    assert all(len(name) <= 100 for name in names)


async def test_without_server_id_calls_of_the_default_server_are_suggested(make_simulation: OpenSimulation) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return replace(settings_for(account, roles), default_server_id=2)

    simulation = await open_on(make_simulation, Plan.PLUS, settings=settings)
    assert [value for _, value in await suggestions(simulation)] == [12, 11]


async def test_servers_are_suggested_by_name_and_number(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.STANDARD)
    assert await suggestions(simulation, "", "server_id") == [("1 Los Santos", 1), ("2 Blaine County", 2)]
    assert await suggestions(simulation, "blaine", "server_id") == [("2 Blaine County", 2)]
    assert await suggestions(simulation, "1", "server_id") == [("1 Los Santos", 1)]


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STARTER, Plan.STANDARD])
async def test_without_plus_no_request_for_calls_is_sent(make_simulation: OpenSimulation, plan: Plan) -> None:
    simulation = await open_on(make_simulation, plan)
    assert await suggestions(simulation, "ortega", server_id=1) == []
    assert await suggestions(simulation, "") == []
    await simulation.dispatcher.slash(simulation.room, "calls911", server_id=1)
    await remove(simulation, call_id=99)
    assert simulation.cad.requests_of("GET_CALLS") == []


async def test_members_without_the_role_get_no_suggestions_and_no_request_is_sent(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    for who in (simulation.civilian, simulation.administrator):
        for command, option in (("remove911", "call_id"), ("remove911", "server_id"), ("calls911", "server_id")):
            assert await who.autocomplete(simulation.room, command, option, "") == []
    assert simulation.cad.requests_of("GET_CALLS") == []
    assert simulation.cad.requests_of("GET_SERVERS") == []


async def test_removed_call_is_no_longer_suggested(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    assert 302 in [value for _, value in await suggestions(simulation, "", server_id=1)]
    result = await remove(simulation)
    _, kind, *said = result.split("\n")
    assert kind.startswith("🚨 Emergency call, last updated <t:")
    assert said == [
        "Caller: `Ana Ortega`",
        "Place: `24/7, Grove Street`",
        "Description: `Man with a shotgun, cashier on the floor.`",
    ]
    assert 302 not in [value for _, value in await suggestions(simulation, "", server_id=1)]
    assert len(simulation.cad.requests_of("GET_CALLS")) == 1
    assert CallRef(1, 302) not in simulation.cad.calls


async def test_cad_that_is_down_yields_no_suggestions_and_no_error(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await simulation.cad.go_down()
    assert await suggestions(simulation, "", server_id=1) == []
    assert await suggestions(simulation, "", "server_id") == []


@pytest.mark.parametrize("typed", ["x" * 6000, "`*_~|\\", "\u202e", "0", "-1", "99999999999999999999"])
async def test_any_typed_text_is_answered(make_simulation: OpenSimulation, typed: str) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    assert isinstance(await suggestions(simulation, typed, server_id=1), list)


@V1_ONLY
async def test_missing_server_names_are_waited_for_once_and_numbers_shown_instead(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await simulation.call_cache.calls(2)
    simulation.cad.delays_by_kind["GET_SERVERS"] = inf
    started = time.perf_counter()
    assert [name[:9] for name, _ in await suggestions(simulation)] == ["12 on 2 ·", "11 on 2 ·"]
    # Discord allows three seconds in all; the cache waits half of that for a newer list.
    assert time.perf_counter() - started < 2 * REFRESH_WAIT
