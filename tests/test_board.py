"""What the board knows, and how little it asks for it: counted at the loopback CAD, in both versions of the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from bot.board import Board, SeenCalls
from bot.cad import v1
from bot.cad.client import CadClient
from bot.cad.dialect import Dialect
from bot.cad.model import CallRef, End, Plan, Why
from bot.sandbox.cad import Call, LoopbackCad
from tests.clocks import HandClock, JumpClock, until

CALL = CallRef(1, 302)


class Later:
    """Lets time pass for the board."""

    def __init__(self) -> None:
        self.by = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.by


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    later = Later()
    monkeypatch.setattr("bot.board.monotonic", later)
    return later


@pytest.fixture
def cad() -> LoopbackCad:
    return LoopbackCad(plan=Plan.PLUS)


@asynccontextmanager
async def opened(
    cad: LoopbackCad, dialect: Dialect, clock: JumpClock | HandClock | None = None, patience: float = 2.0
) -> AsyncIterator[tuple[Board, CadClient]]:
    async with (
        cad.serving() as account,
        CadClient(account, dialect, patience=3.0, clock=clock or JumpClock()) as client,
        Board(client, patience) as board,
    ):
        yield board, client


@pytest.fixture
async def board(cad: LoopbackCad, dialect: Dialect, later: Later) -> AsyncIterator[Board]:
    assert later.by == 0
    async with opened(cad, dialect) as (board, _):
        yield board


def ids(seen: SeenCalls) -> list[int]:
    return [call.ref.call_id for call in seen.calls]


async def test_the_calls_of_a_server_as_last_seen_with_their_age(cad: LoopbackCad, board: Board) -> None:
    before = time.time()
    seen = await board.calls(1)
    assert ids(seen) == [301, 302, 303, 304]
    assert seen.at is not None
    assert before <= seen.at <= time.time()
    assert seen.trouble is None
    call = board.call(CALL)
    assert call is not None
    assert call.caller == "Ana Ortega"
    assert board.call(CallRef(2, 11)) is None
    assert cad.kinds.count("GET_CALLS") == 1


async def test_they_are_asked_for_every_fifteen_seconds_at_most(cad: LoopbackCad, board: Board, later: Later) -> None:
    for _ in range(3):
        await board.calls(1)
    later.by = 14
    await board.calls(1)
    assert cad.kinds.count("GET_CALLS") == 1
    del cad.calls[CALL]
    later.by = 15
    assert ids(await board.calls(1)) == [301, 303, 304]
    assert cad.kinds.count("GET_CALLS") == 2


async def test_fifty_people_typing_cause_one_list_for_each_server(cad: LoopbackCad, board: Board, later: Later) -> None:
    cad.slow["GET_CALLS"] = 0.02
    for _ in range(2):
        seen = await asyncio.gather(*(board.calls() for _ in range(50)))
        assert all(len(one.calls) == 6 for one in seen)
    assert cad.kinds.count("GET_CALLS") == 2
    assert cad.kinds.count("GET_SERVERS") == 1
    later.by = 15
    await asyncio.gather(*(board.calls(1) for _ in range(50)))
    assert cad.kinds.count("GET_CALLS") == 3


async def test_a_list_that_fails_is_not_kept_and_not_tried_by_each_who_asks(
    cad: LoopbackCad, board: Board, later: Later
) -> None:
    await board.calls(1)
    later.by = 15
    cad.garble = True
    for _ in range(3):
        seen = await board.calls(1)
        assert ids(seen) == [301, 302, 303, 304]
        assert seen.trouble is not None
        assert seen.trouble.end is End.UNKNOWN
    assert cad.kinds.count("GET_CALLS") == 2
    cad.garble = False
    later.by = 30
    assert (await board.calls(1)).trouble is None
    assert cad.kinds.count("GET_CALLS") == 3


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STANDARD])
async def test_without_plus_no_list_of_calls_is_ever_asked_for(
    cad: LoopbackCad, board: Board, later: Later, plan: Plan
) -> None:
    cad.plan = plan
    for number in (1, 2, None, 1):
        seen = await board.calls(number)
        later.by += 60
        assert seen.calls == ()
    assert seen.trouble is not None
    assert (seen.trouble.end, seen.trouble.why) == (End.NOT_SENT, Why.PLAN)
    assert "GET_CALLS" not in cad.kinds
    assert cad.kinds.count("GET_VERSION") == 1


async def test_nobody_waits_longer_than_the_patience_and_what_comes_later_is_kept(
    cad: LoopbackCad, dialect: Dialect
) -> None:
    cad.slow["GET_CALLS"] = 0.2
    async with opened(cad, dialect, patience=0.05) as (board, _):
        begun = time.monotonic()
        assert (await board.calls(1)).calls == ()
        assert (await board.calls()).calls == ()
        assert time.monotonic() - begun < 0.2
        await until(lambda: board.call(CALL) is not None)
        assert ids(await board.calls(1)) == [301, 302, 303, 304]


async def test_a_cad_that_never_answers_holds_nobody_up(cad: LoopbackCad, dialect: Dialect) -> None:
    cad.slow |= {"GET_VERSION": inf, "GET_SERVERS": inf}
    async with opened(cad, dialect, patience=0.05) as (board, _):
        assert (await board.calls()).calls == ()
        assert (await board.servers()).servers == ()


async def test_the_stalest_is_asked_for_first_and_one_at_a_time(cad: LoopbackCad, board: Board, later: Later) -> None:
    cad.servers = {1: "A", 2: "B", 3: "C"}
    for number in (3, 1, 2):
        later.by += 1
        await board.calls(number)
    later.by += 20
    cad.requests.clear()
    cad.kinds.clear()
    await board.calls()
    asked = [body for _, body in cad.requests]
    paths = [path for path, _ in cad.requests]
    order = [str(body or path) for body, path in zip(asked, paths, strict=True)]
    order = [one for one, kind in zip(order, cad.kinds, strict=True) if kind == "GET_CALLS"]
    assert len(order) == 3
    for one, number in zip(order, (3, 1, 2), strict=True):
        assert f"'serverId': {number}" in one or f"/servers/{number}/" in one


async def test_a_removed_call_leaves_at_once_and_an_older_list_does_not_bring_it_back(
    cad: LoopbackCad, board: Board, later: Later
) -> None:
    await board.calls(1)
    board.removed(CALL)
    assert board.call(CALL) is None
    later.by = 15
    cad.slow["GET_CALLS"] = 0.1
    looking = asyncio.create_task(board.calls(1))
    await until(lambda: cad.kinds.count("GET_CALLS") == 2)
    other = CallRef(1, 303)
    board.removed(other)  # while the list, which has it, is on its way
    # The CAD goes on listing 302 in a list that was asked for after its removal: then it is open, whatever was said.
    assert ids(await looking) == [301, 302, 304]
    assert board.call(other) is None
    later.by = 30
    assert ids(await board.calls(1)) == [301, 302, 303, 304]


async def test_wrong_shapes_lose_only_what_can_not_be_read(cad: LoopbackCad, board: Board) -> None:
    cad.calls[CALL] = Call(CALL, 5, None, "Fire")  # type: ignore[arg-type]
    cad.calls[CallRef(1, 303)] = Call(CallRef(1, "x"), "Joe", "Pier", "Smoke")  # type: ignore[arg-type]
    seen = await board.calls(1)
    assert ids(seen) == [301, 302, 304]
    call = board.call(CALL)
    assert call is not None
    assert (call.caller, call.location, call.description) == ("", "", "Fire")


async def test_a_call_that_is_created_while_a_list_is_on_its_way_hides_nothing_of_it(
    cad: LoopbackCad, board: Board
) -> None:
    """The CAD lists a call that was removed before the list was asked for: it is open again, or was all along."""
    board.removed(CALL)
    cad.slow["GET_CALLS"] = 0.2
    coming = asyncio.create_task(board.calls(1))
    await until(lambda: "GET_CALLS" in cad.kinds)
    board.created(1)
    seen = await coming
    assert (302 in ids(seen), seen.less) == (True, False)


async def test_the_servers_every_ten_minutes(cad: LoopbackCad, board: Board, later: Later) -> None:
    cad.plan = Plan.STANDARD
    seen = await asyncio.gather(*(board.servers() for _ in range(20)))
    assert {tuple((one.id, one.name) for one in each.servers) for each in seen} == {
        ((1, "Los Santos"), (2, "Blaine County"))
    }
    later.by = 599
    await board.servers()
    assert cad.kinds.count("GET_SERVERS") == 1
    later.by = 600
    cad.garble = True
    for _ in range(2):
        failed = await board.servers()
        assert len(failed.servers) == 2
        assert failed.trouble is not None
    assert cad.kinds.count("GET_SERVERS") == 2
    cad.garble = False
    later.by = 615
    assert (await board.servers()).trouble is None


async def test_a_server_that_the_cad_does_not_list_is_not_asked_about(cad: LoopbackCad, board: Board) -> None:
    await board.servers()
    assert (await board.calls(9)).calls == ()
    assert "GET_CALLS" not in cad.kinds


async def test_any_number_of_servers_that_people_type_costs_little_memory(
    cad: LoopbackCad, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.board.MOST_SERVERS", 3)
    for number in range(1, 8):
        await board.calls(number)
    assert sorted(board._sheets) == [5, 6, 7]
    assert cad.kinds.count("GET_CALLS") == 7


async def test_a_removal_goes_before_a_list_that_waits_already(cad: LoopbackCad) -> None:
    clock = HandClock()
    async with opened(cad, v1, clock, patience=0.05) as (board, client):
        client.find_out_plan()
        await until(lambda: client.plan is not None)
        await board.calls(1)
        removal = client.begin_removal(CALL)
        await until(lambda: client.waiting() == 2)
        clock.tick(1.05)
        assert (await client.follow(removal)).end is End.REMOVED
        clock.tick(1.05)
        await until(lambda: board.call(CallRef(1, 301)) is not None)
    assert cad.kinds == ["GET_VERSION", "REMOVE_911", "GET_CALLS"]


async def test_a_bug_is_in_the_log_and_nobody_gets_it(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(CadClient, "calls", broken)
    monkeypatch.setattr(CadClient, "servers", broken)
    assert (await board.calls(1)).calls == ()
    assert (await board.calls()).calls == ()
    assert (await board.servers()).servers == ()
    assert "a bug in this bot" in caplog.text
