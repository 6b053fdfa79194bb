"""The journal on real files: what is recorded, what happens if it can't be written, and maintenance."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.journal.database import JournalError
from bot.journal.entries import EntryFilter
from bot.journal.store import MAX_UNPOSTED, Journal
from tests.support.clocks import ManualClock
from tests.support.journal import DANA, JOE, WriteLock, change, requester, rows

CALL = CallRef(1, 302)
REMOVED = Result(Outcome.REMOVED, Reason.CONFIRMED, status=200)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "journal.db"


async def test_request_is_recorded_then_marked_sent_then_ended(path: Path) -> None:
    started = time.time()
    async with Journal(path) as journal:
        number = await journal.record_request("r1", CALL, requester())
        ((asked_at,),) = rows(path, "asked_at")
        assert isinstance(asked_at, float)
        assert started <= asked_at <= time.time()
        assert rows(
            path, "number, guild_id, channel_id, user_id, way, server_id, call_id, token, sent_at, outcome"
        ) == [(number, 10, 20, DANA, "/remove911", 1, 302, "interaction-token", None, None)]
        await journal.mark_sent("r1")
        assert rows(path, "sent_at IS NOT NULL, ended_at") == [(1, None)]
        await journal.mark_ended("r1", REMOVED)
        assert rows(path, "ended_at IS NOT NULL, outcome, why, status") == [(1, "removed", "CONFIRMED", 200)]
        await journal.clear_token("interaction-token")
        assert rows(path, "token") == [(None,)]


async def test_entry_that_joins_a_request_gets_its_sent_time_and_outcome(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        await journal.mark_sent("r1")
        await journal.record_request("r1", CALL, requester(JOE))
        assert rows(path, "user_id, sent_at IS NOT NULL, outcome") == [(DANA, 1, None), (JOE, 1, None)]
        await journal.mark_ended("r1", REMOVED)
        late = await journal.record_request("r1", CALL, requester(3))
        assert rows(path, "outcome") == [("removed",)] * 3
        await journal.mark_ended("r1", Result(Outcome.UNKNOWN, Reason.STOPPED))
        assert rows(path, "outcome") == [("removed",)] * 3
        assert [entry.number for entry in await journal.unfinished()] == []
        (entry,) = [entry for entry in await journal.page(EntryFilter(), None, 9) if entry.number == late]
        assert entry.ended_at == entry.asked_at


async def test_full_disk_raises_until_there_is_space_again(path: Path) -> None:
    async with Journal(path) as journal:
        ((pages,),) = await journal._file.connection.execute_fetchall("PRAGMA page_count")
        await journal._file.connection.execute_fetchall(f"PRAGMA max_page_count = {pages}")

        async def fill() -> None:
            for number in range(1000):
                await journal.record_request(f"r{number}", CALL, requester())

        with pytest.raises(JournalError, match="full"):
            await fill()
        recorded = len(rows(path, "number"))
        await journal._file.connection.execute_fetchall("PRAGMA max_page_count = 100000")
        await journal.record_request("after", CALL, requester())
        assert len(rows(path, "number")) == recorded + 1


async def test_trying_to_write_leaves_no_gap_in_the_numbers(path: Path) -> None:
    """An admin would take it for a deleted entry."""
    async with Journal(path) as journal:
        await journal.check_writable()
        await journal.record_request("r1", CALL, requester())
        await journal.check_writable()
        await journal.record_request("r2", CALL, requester())
    assert rows(path, "number") == [(1,), (2,)]


async def test_locked_file_raises_until_it_is_released(path: Path) -> None:
    async with Journal(path) as journal:
        await journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 50")
        with WriteLock(path), pytest.raises(JournalError, match="locked"):
            await journal.record_request("r1", CALL, requester())
        await journal.record_request("r1", CALL, requester())


async def end_while_locked(journal: Journal, path: Path) -> None:
    """End a request while the file is locked."""
    await journal.record_request("r1", CALL, requester())
    await journal.mark_sent("r1")
    await journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 50")
    with WriteLock(path), pytest.raises(JournalError, match="locked"):
        await journal.mark_ended("r1", REMOVED)


async def test_deferred_outcome_is_written_by_maintenance(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.journal.store._MAINTENANCE_INTERVAL", 0.01)
    async with Journal(path) as journal, asyncio.timeout(5):
        await end_while_locked(journal, path)
        while rows(path, "outcome") != [("removed",)]:
            await asyncio.sleep(0.01)
        assert await journal.removed_since(CALL, 0.0) is not None


async def test_deferred_outcome_is_written_when_the_journal_closes(path: Path) -> None:
    async with Journal(path) as journal:
        await end_while_locked(journal, path)
        assert rows(path, "outcome") == [(None,)]
    assert rows(path, "outcome") == [("removed",)]


async def test_outcome_whose_write_is_cancelled_is_written_when_the_journal_closes(path: Path) -> None:
    """As by a drain whose time is over while a slow disk writes."""
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        await journal.mark_sent("r1")
        await journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 50")
        with WriteLock(path):
            writing = asyncio.create_task(journal.mark_ended("r1", REMOVED))
            await asyncio.sleep(0)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            with pytest.raises(JournalError, match="locked"):
                await journal.clear_token(
                    "interaction-token"
                )  # runs after the cancelled write, which has failed by then
        assert rows(path, "outcome") == [(None,)]
    assert rows(path, "outcome") == [("removed",)]


async def test_unusable_folder_raises_and_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    async with Journal(tmp_path / "file" / "journal.db") as journal:
        with pytest.raises(JournalError):
            await journal.record_request("r1", CALL, requester())
    assert "The bot refuses removals until this is fixed" in caplog.text


async def test_journal_that_could_not_be_opened_is_opened_by_maintenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.journal.store._MAINTENANCE_INTERVAL", 0.01)
    (tmp_path / "folder").write_text("in the way")
    async with Journal(tmp_path / "folder" / "journal.db") as journal, asyncio.timeout(5):
        (tmp_path / "folder").unlink()
        while True:
            try:
                await journal.record_request("r1", CALL, requester())
                break
            except JournalError:
                await asyncio.sleep(0.01)
    assert rows(tmp_path / "folder" / "journal.db", "call_id") == [(302,)]


async def test_maintenance_deletes_expired_tokens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.journal.store._MAINTENANCE_INTERVAL", 0.01)
    async with Journal(path) as journal, asyncio.timeout(5):
        await journal.record_request("r1", CALL, requester())
        await journal.record_request("r2", CALL, requester())
        change(path, "UPDATE entries SET asked_at = asked_at - 901 WHERE request = 'r1'")
        await journal._maintain()
        # Not right after the start: the clock may have been set before it. Discord knows whether the token is too old.
        assert rows(path, "token") == [("interaction-token",)] * 2
        journal._started -= 901
        while rows(path, "token") != [(None,), ("interaction-token",)]:
            await asyncio.sleep(0.01)


async def test_disk_that_does_not_answer_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.journal.file.STATEMENT_SECONDS", 0.05)
    async with Journal(path) as journal:
        await journal._file.connection.create_function("hang", 0, lambda: time.sleep(0.3))
        slow = asyncio.create_task(journal._file.connection.execute_fetchall("SELECT hang()"))
        await asyncio.sleep(0)
        with pytest.raises(JournalError, match="its disk did not answer"):
            await journal.record_request("r1", CALL, requester())
        await slow


async def test_expired_entries_leave_no_trace_in_the_file_unless_unfinished(path: Path) -> None:
    async with Journal(path, retention_days=30) as journal:
        for request, days in (("old", 31), ("young", 29), ("unfinished", 31)):
            await journal.record_request(request, CALL, requester(token=None, way=f"way of {request}"))
            if request != "unfinished":
                await journal.mark_ended(request, REMOVED)
            change(path, f"UPDATE entries SET asked_at = asked_at - {days * 86400} WHERE request = '{request}'")
    async with Journal(path, retention_days=30):
        assert rows(path, "request") == [("young",), ("unfinished",)]
        assert path.with_name("journal.db-wal").stat().st_size == 0
        assert b"way of old" not in path.read_bytes()
        assert b"way of young" in path.read_bytes()


async def test_maintenance_keeps_max_unposted_entries_for_the_audit_channel(path: Path) -> None:
    async with Journal(path, audited=True) as journal:
        for _ in range(MAX_UNPOSTED + 3):
            await journal.record_completed(CALL, requester(), REMOVED)
        await journal._maintain()
        first = (await journal.awaiting_post(1))[0]
        assert first.number == 4
        assert rows(path, "count(unposted)") == [(MAX_UNPOSTED,)]


async def test_entries_of_one_reply_await_it_once_all_have_ended_and_clear_together(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_completed(CALL, requester(token="of-three"), REMOVED)
        for request in ("r2", "r3"):
            await journal.record_request(request, CallRef(1, 303), requester(token="of-three"))
        other = await journal.record_completed(CALL, requester(token="of-one"), REMOVED)
        await journal.mark_ended("r2", REMOVED)
        assert [entry.number for entry in await journal.awaiting_reply()] == [other]
        await journal.mark_ended("r3", REMOVED)
        assert len(await journal.awaiting_reply()) == 4
        await journal.clear_token("of-three")
        assert rows(path, "token") == [(None,), (None,), (None,), ("of-one",)]


async def test_token_stays_while_an_entry_of_its_reply_has_no_outcome(path: Path) -> None:
    async with Journal(path) as journal:
        for request in ("r1", "r2"):
            await journal.record_request(request, CALL, requester(token="of-two"))
        await journal.mark_ended("r1", REMOVED)
        await journal.clear_token("of-two")
        assert rows(path, "token") == [("of-two",), ("of-two",)]


async def test_request_that_has_ended_can_not_be_marked_as_sent(path: Path) -> None:
    """Another process settled it meanwhile: on a copy of the path, or after the lock file was deleted."""
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        change(path, "UPDATE entries SET ended_at = asked_at, outcome = 'not sent', why = 'RESTARTED'")
        with pytest.raises(JournalError, match="another process uses the journal"):
            await journal.mark_sent("r1")
    assert rows(path, "sent_at") == [(None,)]


async def test_denied_attempts_are_the_first_that_the_audit_channel_loses_and_the_log_says_so(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Journal(path, audited=True) as journal:
        removal = await journal.record_completed(CALL, requester(), REMOVED)
        for _ in range(MAX_UNPOSTED + 2):
            await journal.record_completed(CALL, requester(), None)
        await journal._maintain()
        first = (await journal.awaiting_post(1))[0]
    assert first.number == removal
    assert rows(path, "count(unposted)") == [(MAX_UNPOSTED,)]
    assert "the audit channel never gets 3 entries, because more than 500 waited for it" in caplog.text


async def test_nothing_is_deleted_by_its_age_right_after_the_clock_was_set(path: Path) -> None:
    clock = ManualClock()
    async with Journal(path, retention_days=30, clock=clock) as journal:
        await journal.record_completed(CALL, requester(), REMOVED)
        journal._last_deletion = float("-inf")
        clock.ahead += 40 * 86_400
        await journal._maintain()
        assert rows(path, "token") == [("interaction-token",)]
        clock.t += 901
        await journal._maintain()
        assert rows(path, "token") == []


async def test_expired_entries_can_be_deleted_while_entries_are_read(path: Path) -> None:
    async with Journal(path) as journal:
        for _ in range(100):
            await journal.record_completed(CALL, requester(), REMOVED)
        reading = journal.entries(EntryFilter())
        await anext(reading)
        await journal._delete_expired()
        assert len([entry async for entry in reading]) == 99
