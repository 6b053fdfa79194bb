"""The journal's file: permissions, lock, files that are left unchanged, older journals, and forgetting a member."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.journal.database import AlreadyRunning, JournalError, forget_user
from bot.journal.entries import DENIED, EntryFilter
from bot.journal.store import Journal
from tests.support.journal import DANA, JOE, change, requester, rows

CALL = CallRef(1, 302)
NOT_THE_OWNER = 0 if os.name == "nt" else 0o077
"""The permissions of everybody but the owner. Windows has none of these."""
REMOVED = Result(Outcome.REMOVED, Reason.CONFIRMED, status=200)

SCHEMA_1 = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, action TEXT NOT NULL, asked_at REAL NOT NULL,
    sent_at REAL, ended_at REAL, outcome TEXT, why TEXT, status INTEGER, reference TEXT, guild_id INTEGER,
    channel_id INTEGER, user_id INTEGER, way TEXT NOT NULL, server_id INTEGER, call_id INTEGER, token TEXT,
    unposted INTEGER
);
CREATE INDEX by_request ON entries (request);
CREATE INDEX by_user ON entries (user_id, number);
CREATE INDEX by_call ON entries (call_id, number);
CREATE INDEX by_outcome ON entries (outcome, number);
CREATE INDEX by_time ON entries (asked_at);
CREATE INDEX left_open ON entries (number) WHERE ended_at IS NULL;
CREATE INDEX unanswered ON entries (number) WHERE token IS NOT NULL;
CREATE INDEX unposted ON entries (number) WHERE unposted = 1;
PRAGMA user_version = 1;
"""
"""The schema of version 0.1.0, as hosts have it. Never change this text."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "journal.db"


async def test_journal_with_schema_1_opens_shows_its_history_and_takes_new_entries(path: Path) -> None:
    path.parent.mkdir()
    now = time.time()
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(SCHEMA_1)
        db.executemany(
            "INSERT INTO entries (request, action, asked_at, sent_at, ended_at, outcome, why, status, reference, "
            "user_id, way, server_id, call_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 7, '/remove911', 1, ?)",
            [
                ("a", "remove", now, now, now, "removed", "CONFIRMED", 200, None, 301),
                ("b", "remove", now, now, now, "unknown", "NO_ANSWER", None, "trace", 302),
                ("c", "create", now, now, now, "created", "CONFIRMED", 200, "404", 303),
                ("d", "remove", now, None, now, "refused", None, None, None, None),
                ("e", "remove", now, None, now, "not sent", "LINE_FULL", None, None, 305),
                ("f", "remove", now, now, None, None, None, None, None, 306),
            ],
        )
    async with Journal(path) as journal:
        history = list(reversed(await journal.page(EntryFilter(user_id=7), None, 10)))
        assert [one.outcome for one in history] == [
            "removed",
            "unknown",
            Outcome.CREATED.value,
            DENIED,
            "not sent",
            None,
        ]
        assert [one.result for one in history] == [
            REMOVED,
            Result(Outcome.UNKNOWN, Reason.NO_ANSWER, reference="trace"),
            Result(Outcome.CREATED, Reason.CONFIRMED, status=200, new_call_id=404),
            None,
            Result(Outcome.NOT_SENT, Reason.LINE_FULL),
            None,
        ]
        assert [one.request for one in await journal.unfinished()] == ["f"]
        assert await journal.removed_since(CallRef(1, 301), now - 1) == history[0]
        await journal.mark_ended("f", REMOVED)
        assert await journal.record_completed(CALL, requester(), REMOVED) == 7
    assert rows(path, "outcome")[5:] == [("removed",), ("removed",)]


async def test_journal_with_schema_1_takes_removals_that_were_not_confirmed(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(SCHEMA_1)
    gone = Result(Outcome.GONE_UNCONFIRMED, Reason.NOT_LISTED)
    async with Journal(path) as journal:
        await journal.record_completed(CALL, requester(), gone)
    async with Journal(path) as journal:
        (entry,) = await journal.page(EntryFilter(outcome="gone after our request, not confirmed"), None, 10)
        assert entry.result == gone
        assert await journal.removed_since(CALL, time.time() - 1) == entry


async def test_journal_is_synchronous_and_overwrites_what_it_deletes(path: Path) -> None:
    async with Journal(path) as journal:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1)):
            ((found,),) = await journal._file.connection.execute_fetchall(f"PRAGMA {pragma}")
            assert found == value
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


async def test_only_the_owner_can_read_the_files(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        for file in [path.parent, *path.parent.iterdir()]:
            assert not stat.S_IMODE(file.stat().st_mode) & NOT_THE_OWNER, file.name


async def test_restored_copy_that_others_can_read_is_closed_to_them(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
    path.chmod(0o644)
    async with Journal(path) as journal:
        await journal.record_request("r2", CALL, requester())
        for file in path.parent.iterdir():
            assert not stat.S_IMODE(file.stat().st_mode) & NOT_THE_OWNER, file.name


async def test_second_process_is_refused_until_the_first_is_killed(path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from bot.journal.store import Journal\n"
        "async def hold():\n"
        "    async with Journal(Path(sys.argv[1])):\n"
        "        print('held', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(hold())"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning):
            await Journal(path).__aenter__()
        other.kill()
        other.wait()
    async with Journal(path) as journal:  # the crash has released the lock
        await journal.record_request("r1", CALL, requester())


@pytest.mark.parametrize("content", [b"not a database, but a file that is wanted\n" * 200, b"SQLite format 3\0" * 500])
async def test_file_that_is_no_database_is_not_changed(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    async with Journal(path) as journal:
        with pytest.raises(JournalError):
            await journal.record_request("r1", CALL, requester())
    assert path.read_bytes() == content
    assert f"stop the bot and move {path} aside" in caplog.text


async def test_damaged_journal_is_not_changed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Journal(path) as journal:
        for number in range(200):
            await journal.record_request(f"r{number}", CALL, requester())
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 8] = b"\xa5" * 4096 * 5
    path.write_bytes(content)
    async with Journal(path) as journal:
        with pytest.raises(JournalError):
            await journal.record_request("r1", CALL, requester())
    assert path.read_bytes() == content
    assert "move" in caplog.text


async def test_another_programs_database_is_not_changed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    async with Journal(path) as journal:
        with pytest.raises(JournalError, match="not open"):
            await journal.unfinished()
    assert path.read_bytes() == before
    assert "another program's database" in caplog.text


async def test_journal_of_a_newer_version_is_refused(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Journal(path):
        pass
    change(path, "PRAGMA user_version = 99")
    async with Journal(path) as journal:
        with pytest.raises(JournalError):
            await journal.unfinished()
    assert "a newer version of this bot wrote it" in caplog.text


async def test_forget_deletes_a_members_ids_while_the_bot_runs_and_keeps_the_entries(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        await journal.mark_ended("r1", REMOVED)
        await journal.record_request("r2", CallRef(1, 303), requester())
        await journal.record_request("r3", CALL, requester(JOE))
        assert await forget_user(path, DANA) == (2, 1)
        assert rows(path, "user_id, channel_id, call_id, outcome") == [
            (None, None, 302, "removed"), (None, None, 303, None), (JOE, 20, 302, None),
        ]  # fmt: skip
        for file in (path, path.with_name("journal.db-wal")):
            assert DANA.to_bytes(8, "big").lstrip(b"\0") not in file.read_bytes()
        await journal.mark_ended("r2", REMOVED)
        assert rows(path, "user_id")[:2] == [(None,), (None,)]
        assert await forget_user(path, DANA) == (0, 0)


async def test_forget_without_a_journal_creates_no_file(path: Path) -> None:
    with pytest.raises(JournalError, match="no such file"):
        await forget_user(path, DANA)
    assert not path.exists()
