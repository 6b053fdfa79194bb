"""The call cache against the fake CAD, which counts the requests. In both versions of the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import inf

import pytest

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import CallRef, Plan
from bot.cad.request_queue import RequestQueue, one_every
from bot.cad.results import Outcome, Reason
from bot.calls.cache import CallCache, CallsSnapshot
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from tests.support.clocks import InstantClock, ManualClock, until

pytestmark = pytest.mark.both_api_versions

CALL = CallRef(1, 302)


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
def cad() -> FakeCad:
    return FakeCad(plan=Plan.PLUS)


@asynccontextmanager
async def opened(
    cad: FakeCad, api: CadApi, clock: InstantClock | ManualClock | None = None, refresh_wait: float = 2.0
) -> AsyncIterator[tuple[CallCache, CadClient]]:
    async with (
        cad.serving() as account,
        CadClient(account, api, timeout=3.0, clock=clock or InstantClock()) as client,
        CallCache(client, refresh_wait) as cache,
    ):
        yield cache, client


@pytest.fixture
async def cache(cad: FakeCad, api: CadApi, clock: InstantClock) -> AsyncIterator[CallCache]:
    async with opened(cad, api, clock) as (cache, _):
        yield cache


def ids(snapshot: CallsSnapshot) -> list[int]:
    return [call.ref.call_id for call in snapshot.calls]


async def test_calls_of_a_server_come_with_the_time_of_the_list(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    before = clock.wall()
    snapshot = await cache.calls(1)
    assert ids(snapshot) == [301, 302, 303, 304]
    assert snapshot.listed_at is not None
    assert before <= snapshot.listed_at <= clock.wall()
    assert snapshot.error is None
    call = cache.find(CALL)
    assert call is not None
    assert call.caller == "Ana Ortega"
    assert cache.find(CallRef(2, 11)) is None
    assert cad.kinds.count("GET_CALLS") == 1


async def test_calls_are_requested_every_15_seconds_at_most(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    for _ in range(3):
        await cache.calls(1)
    clock.t = 14
    await cache.calls(1)
    assert cad.kinds.count("GET_CALLS") == 1
    del cad.calls[CALL]
    clock.t = 15
    assert ids(await cache.calls(1)) == [301, 303, 304]
    assert cad.kinds.count("GET_CALLS") == 2


async def test_50_concurrent_callers_share_one_request_per_server(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    cad.delays_by_kind["GET_CALLS"] = 0.02
    for _ in range(2):
        snapshots = await asyncio.gather(*(cache.calls() for _ in range(50)))
        assert all(len(one.calls) == 6 for one in snapshots)
    assert cad.kinds.count("GET_CALLS") == 2
    assert cad.kinds.count("GET_SERVERS") == 1
    clock.t += 15
    await asyncio.gather(*(cache.calls(1) for _ in range(50)))
    assert cad.kinds.count("GET_CALLS") == 3


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "<html>"),
        (200, '{"emergencyCalls": [], "error": "server offline"}'),
        (404, "default backend - 404"),
        (404, '{"error": "Not found"}'),
        (404, ""),
    ],
)
async def test_failed_request_keeps_the_old_calls_and_is_not_repeated_within_15_seconds(
    cad: FakeCad, cache: CallCache, clock: InstantClock, status: int, text: str
) -> None:
    await cache.calls(1)
    clock.t += 15
    cad.canned = status, text
    for _ in range(3):
        snapshot = await cache.calls(1)
        assert ids(snapshot) == [301, 302, 303, 304]
        assert snapshot.error is not None
        assert snapshot.error.reason is not Reason.NO_SUCH_SERVER
    assert cad.kinds.count("GET_CALLS") == 2
    cad.canned = None
    clock.t += 15
    assert (await cache.calls(1)).error is None
    assert cad.kinds.count("GET_CALLS") == 3


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STANDARD])
async def test_calls_are_never_requested_below_plus(
    cad: FakeCad, cache: CallCache, clock: InstantClock, plan: Plan
) -> None:
    cad.plan = plan
    for number in (1, 2, None, 1):
        snapshot = await cache.calls(number)
        clock.t += 60
        assert snapshot.calls == ()
    assert snapshot.error is not None
    assert (snapshot.error.outcome, snapshot.error.reason) == (Outcome.NOT_SENT, Reason.PLAN)
    assert "GET_CALLS" not in cad.kinds
    assert cad.kinds.count("GET_VERSION") == 1


async def test_caller_waits_for_refresh_wait_at_most_and_a_late_list_is_cached(cad: FakeCad, api: CadApi) -> None:
    cad.delays_by_kind["GET_CALLS"] = 0.2
    async with opened(cad, api, refresh_wait=0.05) as (cache, _):
        started = time.monotonic()
        assert (await cache.calls(1)).calls == ()
        assert (await cache.calls()).calls == ()
        assert time.monotonic() - started < 0.2
        await until(lambda: cache.find(CALL) is not None)
        assert ids(await cache.calls(1)) == [301, 302, 303, 304]


async def test_callers_get_empty_snapshots_when_the_cad_never_answers(cad: FakeCad, api: CadApi) -> None:
    cad.delays_by_kind |= {"GET_VERSION": inf, "GET_SERVERS": inf}
    async with opened(cad, api, refresh_wait=0.05) as (cache, _):
        assert (await cache.calls()).calls == ()
        assert (await cache.servers()).listed.servers == ()


async def test_servers_are_refreshed_one_at_a_time_the_stalest_first(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    cad.servers = {1: "A", 2: "B", 3: "C"}
    for number in (3, 1, 2):
        clock.t += 1
        await cache.calls(number)
    clock.t += 20
    cad.requests.clear()
    cad.kinds.clear()
    await cache.calls()
    requests = [str(body or path) for path, body in cad.requests]
    order = [one for one, kind in zip(requests, cad.kinds, strict=True) if kind == "GET_CALLS"]
    assert len(order) == 3
    for one, number in zip(order, (3, 1, 2), strict=True):
        assert f"'serverId': {number}" in one or f"/servers/{number}/" in one


async def test_removed_call_disappears_at_once_and_an_older_list_does_not_bring_it_back(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    await cache.calls(1)
    cache.mark_removed(CALL)
    assert cache.find(CALL) is None
    clock.t += 15
    cad.delays_by_kind["GET_CALLS"] = 0.1
    calls = asyncio.create_task(cache.calls(1))
    await until(lambda: cad.kinds.count("GET_CALLS") == 2)
    other = CallRef(1, 303)
    cache.mark_removed(other)  # during the request, whose list still has it
    # A list that was requested after the removal of 302 has it: so it is open.
    assert ids(await calls) == [301, 302, 304]
    assert cache.find(other) is None
    clock.t += 15
    assert ids(await cache.calls(1)) == [301, 302, 303, 304]


async def test_call_listed_in_the_same_tick_as_its_removal_is_not_hidden(cad: FakeCad, api: CadApi) -> None:
    """On Windows with Python 3.11, the clock stands still for 16 ms."""
    async with (
        cad.serving() as account,
        CadClient(account, api, clock=ManualClock(), queue=RequestQueue(one_every(0))) as client,
        CallCache(client, 2.0) as cache,
    ):
        cache.mark_removed(CALL)
        assert CALL in [call.ref for call in (await cache.calls(1)).calls]  # requested after the removal: open again
        cache.mark_removed(CALL)
        assert CALL not in [call.ref for call in (await cache.calls(1)).calls]


async def test_call_never_changed_in_the_future_although_the_cads_clock_may_be_ahead(
    cache: CallCache, clock: InstantClock
) -> None:
    clock.ahead -= 86_400
    for call in (await cache.calls(1)).calls:
        assert call.updated == datetime.fromtimestamp(clock.wall(), UTC)


async def test_unreadable_fields_are_empty_and_only_unreadable_calls_are_dropped(
    cad: FakeCad, cache: CallCache
) -> None:
    cad.calls[CALL] = FakeCall(CALL, 5, None, "Fire")  # type: ignore[arg-type]
    cad.calls[CallRef(1, 303)] = FakeCall(CallRef(1, "x"), "Joe", "Pier", "Smoke")  # type: ignore[arg-type]
    snapshot = await cache.calls(1)
    assert ids(snapshot) == [301, 302, 304]
    call = cache.find(CALL)
    assert call is not None
    assert (call.caller, call.location, call.description) == ("", "", "Fire")


async def test_mark_stale_during_a_request_hides_no_call_of_its_list(cad: FakeCad, cache: CallCache) -> None:
    """The list was requested after the removal and has the call: so it is open."""
    cache.mark_removed(CALL)
    cad.delays_by_kind["GET_CALLS"] = 0.2
    calls = asyncio.create_task(cache.calls(1))
    await until(lambda: "GET_CALLS" in cad.kinds)
    cache.mark_stale(1)
    snapshot = await calls
    assert (302 in ids(snapshot), snapshot.pruned) == (True, False)


async def test_servers_are_requested_every_10_minutes_or_15_seconds_after_a_failure(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    cad.plan = Plan.STANDARD
    snapshots = await asyncio.gather(*(cache.servers() for _ in range(20)))
    assert {tuple((one.id, one.name) for one in each.listed.servers) for each in snapshots} == {
        ((1, "Los Santos"), (2, "Blaine County"))
    }
    clock.t = 599
    await cache.servers()
    assert cad.kinds.count("GET_SERVERS") == 1
    clock.t = 600
    cad.canned = 200, "<html>"
    for _ in range(2):
        failed = await cache.servers()
        assert len(failed.listed.servers) == 2
        assert failed.error is not None
    assert cad.kinds.count("GET_SERVERS") == 2
    cad.canned = None
    clock.t = 615
    assert (await cache.servers()).error is None


async def test_calls_of_an_unlisted_server_are_not_requested(cad: FakeCad, cache: CallCache) -> None:
    await cache.servers()
    assert (await cache.calls(9)).calls == ()
    assert "GET_CALLS" not in cad.kinds


async def test_server_that_is_missing_from_an_older_list_is_looked_for_once_in_15_seconds(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    await cache.servers()
    cad.servers = {**cad.servers, 3: "Cayo Perico"}
    cad.calls[CallRef(3, 1)] = FakeCall(CallRef(3, 1), "Ana", "Pier", "Smoke")
    for _ in range(3):
        missing = await cache.calls(3)
        assert missing.error is not None
        assert (missing.error.reason, missing.error.listed_at) == (Reason.NO_SUCH_SERVER, clock.ahead)
    assert cad.kinds.count("GET_SERVERS") == 1
    clock.t += 15
    assert ids(await cache.calls(3)) == [1]
    for _ in range(3):
        assert (await cache.servers(9)).proves_missing(9)
    assert cad.kinds.count("GET_SERVERS") == 2


async def test_list_of_servers_that_can_not_be_refreshed_proves_nothing(
    cad: FakeCad, cache: CallCache, clock: InstantClock
) -> None:
    await cache.servers()
    clock.t += 15
    cad.canned = 200, "<html>"
    assert not (await cache.servers(9)).proves_missing(9)


async def test_cache_keeps_max_servers_and_drops_the_stalest(
    cad: FakeCad, cache: CallCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.calls.cache.MAX_CACHED_SERVERS", 3)
    for number in range(1, 8):
        await cache.calls(number)
    assert sorted(cache._by_server) == [5, 6, 7]
    assert cad.kinds.count("GET_CALLS") == 7


async def test_removal_overtakes_a_queued_list_of_calls(cad: FakeCad) -> None:
    clock = ManualClock()
    async with opened(cad, v1, clock, refresh_wait=0.05) as (cache, client):
        client.refresh_plan()
        await until(lambda: client.plan is not None)
        await cache.calls(1)
        removal = client.start_removal(CALL)
        await until(lambda: client.queue_length() == 2)
        clock.tick(1.05)
        assert (await client.wait_for(removal)).outcome is Outcome.REMOVED
        clock.tick(1.05)
        await until(lambda: cache.find(CallRef(1, 301)) is not None)
    assert cad.kinds == ["GET_VERSION", "REMOVE_911", "GET_CALLS"]


async def test_bug_is_logged_and_callers_get_empty_snapshots(
    cache: CallCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(CadClient, "open_calls", broken)
    monkeypatch.setattr(CadClient, "servers", broken)
    assert (await cache.calls(1)).calls == ()
    assert (await cache.calls()).calls == ()
    assert (await cache.servers()).listed.servers == ()
    assert "a bug in this bot" in caplog.text
