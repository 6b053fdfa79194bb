"""The removal service with a journal on a real file: what it sends if the journal can't be written."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

import pytest

from bot.cad import v1
from bot.cad.client import CadClient
from bot.cad.models import CallRef, EmergencyCall, Plan
from bot.cad.request_queue import RequestQueue
from bot.cad.results import Outcome, Reason, Result
from bot.calls.cache import CallCache
from bot.journal.database import JournalError
from bot.journal.entries import NewEntry, Requester
from bot.journal.store import Journal
from bot.removals.errors import AlreadyRecreated
from bot.removals.result import RemovalResult
from bot.removals.service import RemovalService, StartedRemoval
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.audit import dispatcher_of, restart
from tests.support.clocks import ManualClock, until
from tests.support.journal import WriteLock, change, requester, rows
from tests.support.simulation import OpenSimulation, open_on, remove

CALL = CallRef(1, 302)


async def start_one(removals: RemovalService, ref: CallRef, user_id: int) -> StartedRemoval:
    (started,) = await removals.start([ref], requester(user_id))
    return started


async def test_members_share_one_request_although_the_first_could_not_be_recorded(tmp_path: Path) -> None:
    """The journal is locked for the first request only. The third joins the second."""
    clock, cad, path = ManualClock(), FakeCad(), tmp_path / "journal.db"
    async with (
        cad.serving() as account,
        Journal(path, clock=clock) as journal,
        CadClient(account, clock=clock, queue=RequestQueue(v1.RATE_LIMITS)) as client,
    ):
        removals = RemovalService(client, journal, CallCache(client))

        def start(user_id: int, ref: CallRef = CALL) -> asyncio.Task[StartedRemoval]:
            return asyncio.create_task(start_one(removals, ref, user_id))

        other = await removals.wait_for(await start(1, CallRef(1, 7)))  # the next request has to wait for its slot
        await journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 100")
        with WriteLock(path):
            unrecorded = (await start(2, CallRef(1, 301))).pending
            first, second = start(2), start(3)
            refused = (await first).pending
        assert isinstance(unrecorded, RemovalResult)
        assert CallRef(1, 301) not in removals._in_progress
        assert isinstance(refused, RemovalResult)
        assert refused.result.reason is Reason.JOURNAL
        started = [await second, await start(4)]
        await until(lambda: client.queue_length() > 0)
        clock.tick(10)
        async with asyncio.timeout(5):
            outcomes = [(await removals.wait_for(one)).result.outcome for one in started]
    assert other.result.reason is Reason.NO_SUCH_CALL
    assert outcomes == [Outcome.REMOVED, Outcome.REMOVED]
    assert len(cad.requests_of("REMOVE_911")) == 2


async def test_removal_is_refused_when_the_journal_can_not_be_written(
    make_simulation: OpenSimulation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database\n" * 400)
    simulation = await make_simulation(journal=tmp_path / "journal.db")
    result = await remove(simulation)
    assert result.startswith("❌ Call **302** not removed (server **1**): the bot can't write its journal")
    assert "Remove the call in the CAD" in result
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert CallRef(1, 302) in simulation.cad.calls
    assert "call 302 on server 1: no new request is sent, because the journal can't be written" in caplog.text


async def test_removal_is_not_sent_when_it_can_not_be_marked_as_sent(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await simulation.journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 20")
    lock, record = WriteLock(simulation.bot.settings.database_path), simulation.journal.record

    async def record_then_lock(*given: object) -> int:
        number = await record(*given)  # type: ignore[arg-type]
        lock.acquire()
        return number

    monkeypatch.setattr(simulation.journal, "record", record_then_lock)
    result = await remove(simulation)
    lock.release()
    assert "not removed (server **1**): the bot can't write its journal" in result
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert CallRef(1, 302) in simulation.cad.calls


async def test_outcome_that_can_not_be_written_is_shown_and_its_entry_stays_unfinished(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await simulation.journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 20")
    lock, mark_sent = WriteLock(simulation.bot.settings.database_path), simulation.journal.mark_sent

    async def mark_sent_then_lock(request: str) -> None:
        await mark_sent(request)
        lock.acquire()

    monkeypatch.setattr(simulation.journal, "mark_sent", mark_sent_then_lock)
    assert (await remove(simulation)).startswith("✅ Call **302** removed (server **1**).")
    lock.release()
    assert "ended as REMOVED (confirmed, HTTP 200), but the journal can't be written" in caplog.text
    assert rows(simulation.bot.settings.database_path, "sent_at IS NULL, outcome") == [(False, None)]
    assert await simulation.journal.unfinished() == []  # the outcome is known, and written as soon as that is possible
    await simulation.journal._maintain()
    assert rows(simulation.bot.settings.database_path, "outcome") == [("removed",)]


async def test_repeated_removal_is_answered_from_the_journal_after_a_restart(simulation: Simulation) -> None:
    await remove(simulation)
    await restart(simulation)
    text = await remove(simulation)
    assert "was already removed" in text
    assert f"by <@{simulation.dispatcher.id}>" in text
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1
    assert simulation.env.errors == []


async def test_re_creation_is_not_sent_when_it_can_not_be_recorded(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=FakeCad(plan=Plan.PLUS))
    call = EmergencyCall(CallRef(1, 302), True, "Ana", "Here", "Help", {}, None)
    db, simulation.journal._file._db = simulation.journal._file._db, None
    removed = RemovalResult(call.ref, Result(Outcome.REMOVED, Reason.CONFIRMED), call=call)
    recreation = await simulation.bot.removals.recreate(removed, dispatcher_of(simulation, "Re-create call"))
    simulation.journal._file._db = db
    assert (recreation.result.outcome, recreation.result.reason) == (Outcome.NOT_SENT, Reason.JOURNAL)
    assert simulation.cad.requests_of("CALL_911") == []


async def test_member_who_joins_a_removal_on_its_way_reads_its_result_although_the_journal_is_locked(
    tmp_path: Path,
) -> None:
    cad, path = FakeCad(delays={CALL: 0.3}), tmp_path / "journal.db"
    async with cad.serving() as account, Journal(path) as journal, CadClient(account) as client:
        removals = RemovalService(client, journal, CallCache(client))
        first = await start_one(removals, CALL, 1)
        await until(lambda: len(cad.requests_of("REMOVE_911")) == 1)
        await journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 20")
        with WriteLock(path):
            second = await start_one(removals, CALL, 2)
        results = [(await removals.wait_for(one)).result.outcome for one in (first, second)]
    assert results == [Outcome.REMOVED, Outcome.REMOVED]
    assert rows(path, "user_id, outcome") == [(1, "removed")]


async def test_confirmation_is_recorded_whole_or_not_at_all(tmp_path: Path) -> None:
    cad, path = FakeCad(), tmp_path / "journal.db"
    refs = [CallRef(1, number) for number in (301, 302, 303)]
    async with cad.serving() as account, Journal(path) as journal, CadClient(account) as client:
        change(
            path,
            "CREATE TRIGGER full BEFORE INSERT ON entries WHEN new.call_id = 303 "
            "BEGIN SELECT raise(ABORT, 'the disk is full'); END",
        )
        removals = RemovalService(client, journal, CallCache(client))
        started = await removals.start(refs, requester())
        results = [(await removals.wait_for(one)).result.reason for one in started]
    assert results == [Reason.JOURNAL] * 3
    assert rows(path, "call_id") == []
    assert cad.requests == []


async def test_number_that_the_cad_lists_again_is_removed_again(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    call = simulation.cad.calls[CALL]
    assert (await remove(simulation)).startswith("✅")
    simulation.cad.calls[CALL] = call
    simulation.call_cache.mark_stale(1)
    await simulation.call_cache.calls(1)
    assert (await remove(simulation)).startswith("✅")
    assert len(simulation.cad.requests_of("REMOVE_911")) == 2


async def test_second_request_after_the_answer_from_memory_is_sent(simulation: Simulation) -> None:
    assert (await remove(simulation)).startswith("✅")
    assert "was already removed" in await remove(simulation)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1
    assert "it is gone, or a number is wrong" in await remove(simulation)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 2


async def test_re_creation_counts_for_its_removal_and_not_for_a_later_one_of_that_number(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await make_simulation(cad=FakeCad(plan=Plan.PLUS))
    removals, who = simulation.bot.removals, dispatcher_of(simulation, "Re-create call")
    call = EmergencyCall(CALL, True, "Ana", "Here", "Help", {}, None)
    first, later = (
        RemovalResult(CALL, Result(Outcome.REMOVED, Reason.CONFIRMED), call=call, request=request)
        for request in ("first", "later")
    )
    assert (await removals.recreate(first, who)).result.outcome is Outcome.CREATED
    with pytest.raises(AlreadyRecreated):
        await removals.recreate(first, who)
    assert (await removals.recreate(later, who)).result.outcome is Outcome.CREATED


async def test_removal_without_response_at_a_stop_is_left_to_the_next_start(tmp_path: Path) -> None:
    cad, path = FakeCad(delays={CALL: inf}), tmp_path / "journal.db"
    async with cad.serving() as account, Journal(path) as journal, CadClient(account) as client:
        removals = RemovalService(client, journal, CallCache(client))
        started = await start_one(removals, CALL, 1)
        await until(lambda: len(cad.requests_of("REMOVE_911")) == 1)
        await client.drain(0)
        result = (await removals.wait_for(started)).result
        await removals.replies.mark_answered("interaction-token")
        assert [entry.ref for entry in await removals.left_unfinished()] == [CALL]
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.STOPPED)
    assert rows(path, "outcome, token") == [(None, "interaction-token")]


async def test_journal_that_hangs_refuses_a_new_removal_and_shares_the_one_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cad = FakeCad(delays={CALL: 0.5})
    async with cad.serving() as account, Journal(tmp_path / "journal.db") as journal, CadClient(account) as client:
        removals = RemovalService(client, journal, CallCache(client))
        first = await start_one(removals, CALL, 1)
        await until(lambda: len(cad.requests_of("REMOVE_911")) == 1)

        async def hang(*_: object) -> int:
            return await asyncio.get_running_loop().create_future()

        monkeypatch.setattr(journal, "record", hang)
        monkeypatch.setattr("bot.removals.service.RECORD_SECONDS", 0.05)
        second, other = await start_one(removals, CALL, 2), await start_one(removals, CallRef(1, 301), 2)
        results = [(await removals.wait_for(one)).result for one in (first, second, other)]
    assert [result.outcome for result in results] == [Outcome.REMOVED, Outcome.REMOVED, Outcome.NOT_SENT]
    assert results[2].reason is Reason.JOURNAL
    assert CallRef(1, 301) in cad.calls


async def test_result_of_a_shared_removal_that_ends_while_the_journal_hangs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cad = FakeCad(delays={CALL: 0.2})
    async with cad.serving() as account, Journal(tmp_path / "journal.db") as journal, CadClient(account) as client:
        removals = RemovalService(client, journal, CallCache(client))
        first = await start_one(removals, CALL, 1)

        async def hang(*_: object) -> int:
            await removals.wait_for(first)
            return await asyncio.get_running_loop().create_future()

        monkeypatch.setattr(journal, "record", hang)
        monkeypatch.setattr("bot.removals.service.RECORD_SECONDS", 2.0)
        second = await start_one(removals, CALL, 2)
        result = (await removals.wait_for(second)).result
    assert result.outcome is Outcome.REMOVED


async def test_member_who_asks_while_another_request_is_being_recorded_shares_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal takes the first member's entry, slowly, and not the second's: "nothing was sent" would be false."""
    cad = FakeCad()
    async with cad.serving() as account, Journal(tmp_path / "journal.db") as journal, CadClient(account) as client:
        removals = RemovalService(client, journal, CallCache(client))
        record, slow = journal.record, asyncio.Event()

        async def record_the_first(who: Requester, *new: NewEntry) -> int:
            if who.user_id != 1:
                raise JournalError("locked")
            await slow.wait()
            return await record(who, *new)

        monkeypatch.setattr(journal, "record", record_the_first)
        first, second = (asyncio.create_task(start_one(removals, CALL, user)) for user in (1, 2))
        await asyncio.sleep(0.05)  # longer than the second needs if it does not wait
        slow.set()
        results = [(await removals.wait_for(await one)).result.outcome for one in (first, second)]
    assert results == [Outcome.REMOVED, Outcome.REMOVED]
    assert len(cad.requests_of("REMOVE_911")) == 1
