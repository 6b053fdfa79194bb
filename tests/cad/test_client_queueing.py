"""The client over real HTTP: positions in the queue, slow disks and the drain, with clocks that the test controls."""

from __future__ import annotations

import asyncio

import pytest

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import CallRef
from bot.cad.request_queue import QueuedRequest, RequestQueue
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.cad.scheduler import Scheduler
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock, ManualClock, until
from tests.support.faulty_server import http, read_request, serve
from tests.support.scripted_cad import OK, ScriptedCad, busy, start_removals

pytestmark = pytest.mark.both_api_versions

CALL = CallRef(1, 302)
API_OFF = http("400 Bad Request", b"API IS NOT ENABLED FOR THIS COMMUNITY")


@pytest.fixture(autouse=True)
def _use_api(api: CadApi) -> None:
    ScriptedCad.api = api


async def test_removals_are_sent_at_the_v1_interval() -> None:
    clock = InstantClock()
    cad = ScriptedCad(REMOVE_911=[OK] * 3)
    async with cad.client(clock) as client:
        for number in (1, 2, 3):
            assert (await remove_and_wait(client, CallRef(1, number))).outcome is Outcome.REMOVED
    assert clock.slept == [1.05, 1.05]


async def test_removal_queued_over_two_seconds_reports_its_position_once() -> None:
    clock = ManualClock()
    positions: list[tuple[int, int]] = []
    cad = ScriptedCad(REMOVE_911=[OK] * 5)
    async with cad.client(clock) as client:
        tasks = await start_removals(client, 5, lambda number, position: positions.append((number, position.ahead)))
        await until(lambda: len(positions) == 3)
        assert positions == [(3, 1), (4, 2), (5, 3)]  # the first was sent at once
        for number in range(2, 6):
            clock.tick(1.05)
            await until(lambda number=number: len(cad.requests) == number)
        assert {(await one).outcome for one in tasks} == {Outcome.REMOVED}
    assert len(positions) == 3


async def test_late_joiner_gets_the_current_position() -> None:
    """The wait was 3 s for the first caller. Then the CAD is busy for another minute."""
    clock = ManualClock()
    positions: list[QueuePosition] = []

    async def on_wait(position: QueuePosition | None) -> None:
        assert position is not None
        positions.append(position)

    cad = ScriptedCad(REMOVE_911=[busy("Retry-After: 3"), busy("Retry-After: 60"), OK])
    async with cad.client(clock) as client:
        refused = client.start_removal(CALL)
        queued = client.start_removal(CallRef(1, 303))
        callers = [asyncio.create_task(client.wait_for(queued, on_wait))]
        await until(lambda: len(positions) == 1)
        clock.tick(3)
        assert (await client.wait_for(refused)).reason is Reason.BUSY
        await until(lambda: queued.position is not None and queued.position.expected_at > positions[0].expected_at + 50)
        callers.append(asyncio.create_task(client.wait_for(queued, on_wait)))
        await until(lambda: len(positions) == 2)
        clock.tick(60)
        assert [(await one).outcome for one in callers] == [Outcome.REMOVED, Outcome.REMOVED]
    assert len(positions) == 2
    assert positions[1].expected_at > positions[0].expected_at + 50


async def test_wait_for_a_busy_cad_is_no_wait_for_its_answer() -> None:
    clock = ManualClock()
    cad = ScriptedCad(REMOVE_911=[busy("Retry-After: 60"), OK])
    async with cad.client(clock) as client:
        removal = client.start_removal(CALL)
        await until(lambda: client.queue_length() == 1)
        assert removal._slow_timer is None
        clock.tick(60)
        assert (await client.wait_for(removal)).outcome is Outcome.REMOVED
    assert removal._slow_timer is None


async def test_closed_client_leaves_no_timer() -> None:
    async with ScriptedCad(REMOVE_911=[OK]).client(ManualClock()) as client:
        await start_removals(client, 2, lambda *_: None)
        await until(lambda: any("ManualClock._sleep_until" in repr(task) for task in asyncio.all_tasks()))
    await asyncio.sleep(0)
    assert not any("ManualClock._sleep_until" in repr(task) for task in asyncio.all_tasks())


async def test_full_queue_rejects_at_once() -> None:
    clock = ManualClock()
    cad = ScriptedCad(REMOVE_911=[OK])
    async with cad.client(clock, RequestQueue(v1.RATE_LIMITS, max_queued=2)) as client:
        tasks = await start_removals(client, 4, lambda *_: None)
        await until(lambda: sum(one.done() for one in tasks) == 2)
        results = [one.result() for one in tasks if one.done()]
        assert sorted(result.reason.name for result in results) == ["CONFIRMED", "LINE_FULL"]


async def test_thirty_callers_share_one_removal() -> None:
    cad = FakeCad(delays={CALL: 0.05})
    async with cad.serving() as account, CadClient(account, ScriptedCad.api) as client:
        removal = client.start_removal(CALL)
        results = await asyncio.gather(*(client.wait_for(removal) for _ in range(30)))
    assert {result.outcome for result in results} == {Outcome.REMOVED}
    assert len(cad.requests_of("REMOVE_911")) == 1


async def test_queued_removals_end_at_once_when_a_429_moves_their_slots_past_ten_minutes() -> None:
    """One removal gets a 429 for 15 minutes, which blocks all queued ones."""
    clock = ManualClock()
    cad = ScriptedCad(REMOVE_911=[busy("Retry-After: 900")])
    async with cad.client(clock) as client:
        tasks = await start_removals(client, 3, lambda *_: None)
        results = [await one for one in tasks]
    assert [(result.outcome, result.reason) for result in results] == [(Outcome.NOT_SENT, Reason.BUSY)] * 3
    assert [result.retry_at for result in results] == [pytest.approx(clock.wall() + 900, abs=5)] * 3
    assert len(cad.requests) == 1


async def test_queued_removal_reports_position_and_completes_after_429() -> None:
    clock = ManualClock()
    positions: list[int] = []
    cad = ScriptedCad(REMOVE_911=[busy("Retry-After: 60"), OK, OK])
    async with cad.client(clock) as client:
        tasks = await start_removals(client, 2, lambda number, _: positions.append(number))
        await until(lambda: len(positions) == 2)
        clock.tick(60)
        await until(lambda: len(cad.requests) == 2)
        clock.tick(1.05)
        assert [(await one).outcome for one in tasks] == [Outcome.REMOVED, Outcome.REMOVED]
    assert positions == [1, 2]


async def test_drain_rejects_queued_removals_at_once_and_retries_nothing() -> None:
    released = asyncio.Event()
    arrived: list[str] = []

    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.append((await read_request(reader))[0])
        await released.wait()

    clock = ManualClock()
    async with (
        serve(play) as account,
        CadClient(account, ScriptedCad.api, clock=clock, queue=RequestQueue(v1.RATE_LIMITS)) as client,
    ):
        sent, queued = await start_removals(client, 2, lambda *_: None)
        await until(lambda: len(arrived) == 1)
        draining = asyncio.create_task(client.drain(5))
        result = await queued
        assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.CLOSING)
        assert not sent.done()
        released.set()
        result = await sent
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.CONNECTION_LOST)
        await draining
        refused = await client.probe()
        assert refused == Result(Outcome.NOT_SENT, Reason.CLOSING)
    assert len(arrived) == 1


class SlowDiskRecorder:
    """A recorder whose writes all wait for the same disk."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.writes = 0

    async def before_send(self) -> bool:
        self.writes += 1
        await self.ready.wait()
        return True

    async def finished(self, result: Result, /) -> None:
        pass


async def test_removals_delayed_by_a_slow_disk_are_not_sent_in_a_burst() -> None:
    clock, disk = ManualClock(), SlowDiskRecorder()
    cad = ScriptedCad(REMOVE_911=[OK] * 3)
    async with cad.client(clock) as client:
        removals = [client.start_removal(CallRef(1, number), disk) for number in (1, 2, 3)]
        for writes in (1, 2, 3):
            await until(lambda writes=writes: disk.writes == writes)
            clock.tick(1.05)
        disk.ready.set()
        for sent in (1, 2):
            await until(lambda sent=sent: sum(removal.result is not None for removal in removals) == sent)
            assert (len(cad.requests), client.queue_length()) == (sent, 3 - sent)
            clock.tick(1.05)
        assert {(await client.wait_for(removal)).outcome for removal in removals} == {Outcome.REMOVED}
    assert disk.writes == 3


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [(busy("Retry-After: 7"), Outcome.REMOVED), (API_OFF, Outcome.NOT_SENT)],
    ids=["busy", "switched off"],
)
async def test_refusal_that_comes_while_the_disk_writes_holds_the_removal_back(
    refusal: bytes, outcome: Outcome
) -> None:
    clock, disk = ManualClock(), SlowDiskRecorder()
    cad = ScriptedCad(REMOVE_911=[refusal, OK, OK])
    async with cad.client(clock, RequestQueue(())) as client:
        writing = client.start_removal(CallRef(1, 2), disk)
        await until(lambda: disk.writes == 1)
        refused = client.start_removal(CallRef(1, 1))
        await until(lambda: client.queue_length() == 1 or refused.result is not None)
        disk.ready.set()
        await until(lambda: client.queue_length() == 2 or writing.result is not None)
        assert len(cad.requests) == 1
        clock.tick(7)
        assert (await client.wait_for(writing)).outcome is outcome


async def test_removal_delayed_by_a_slow_disk_is_not_sent_after_a_drain() -> None:
    clock, disk = ManualClock(), SlowDiskRecorder()
    cad = ScriptedCad()
    async with cad.client(clock) as client:
        removal = client.start_removal(CALL, disk)
        await until(lambda: disk.writes == 1)
        clock.tick(1)
        draining = asyncio.create_task(client.drain(5))
        disk.ready.set()
        result = await client.wait_for(removal)
        assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.CLOSING)
        await draining
    assert cad.requests == []


class StuckRecorder:
    """A recorder whose disk takes the first write, and not the second."""

    def __init__(self) -> None:
        self.writing = asyncio.Event()
        self.result: Result | None = None

    async def before_send(self) -> bool:
        return True

    async def finished(self, result: Result, /) -> None:
        self.result = result
        self.writing.set()
        await asyncio.Event().wait()


async def test_caller_gets_the_result_although_a_drain_cancels_its_recording() -> None:
    async with ScriptedCad(REMOVE_911=[OK]).client() as client:
        stuck = StuckRecorder()
        caller = asyncio.create_task(client.wait_for(client.start_removal(CALL, stuck)))
        await stuck.writing.wait()
        await client.drain(0)
        async with asyncio.timeout(5):
            assert await caller == stuck.result
        assert stuck.result is not None
        assert stuck.result.outcome is Outcome.REMOVED


async def test_bug_in_the_scheduler_rejects_queued_requests(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    async with ScriptedCad(REMOVE_911=[OK, OK]).client(clock) as client:
        await remove_and_wait(client, CALL)
        with monkeypatch.context() as broken:
            broken.setattr(Scheduler, "_reject_blocked", lambda _: 1 / 0)  # pyright: ignore[reportUnknownLambdaType]
            result = await remove_and_wait(client, CallRef(1, 303))
        assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.OUR_BUG)
        assert "all queued requests are rejected" in caplog.text
        clock.tick(2)
        assert (await remove_and_wait(client, CallRef(1, 304))).outcome is Outcome.REMOVED


async def test_removal_is_not_sent_after_the_machine_slept_for_14_minutes() -> None:
    """The monotonic clock may stand still meanwhile; the wall clock does not."""
    clock, cad = ManualClock(), ScriptedCad(REMOVE_911=[OK])
    async with cad.client(clock) as client:
        first, second = (client.start_removal(CallRef(1, number)) for number in (1, 2))
        assert (await client.wait_for(first)).outcome is Outcome.REMOVED
        clock.ahead += 841
        clock.tick(1.05)
        result = await client.wait_for(second)
    assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.EXPIRED)
    assert cad.requests == ["REMOVE_911"]


async def test_cancelled_request_leaves_the_queue_and_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    clock, cad = ManualClock(), ScriptedCad(REMOVE_911=[OK] * 2)
    async with cad.client(clock) as client:
        assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
        waiting = asyncio.create_task(client._scheduler.acquire(QueuedRequest(RequestKind.REMOVE, 100)))
        await until(lambda: client.queue_length() == 1)
        waiting.cancel()
        removal = client.start_removal(CallRef(1, 2))
        await until(lambda: client.queue_length() == 1 and waiting.cancelled())
        clock.tick(1.05)
        assert (await client.wait_for(removal)).outcome is Outcome.REMOVED
    assert "a bug in this bot" not in caplog.text
