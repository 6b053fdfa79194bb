"""The journal on real files: what is on record, what is refused, and what a person can have removed from it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.cad.model import Answer, CallRef, End, Why
from bot.entries import Asker, Filter, page_query
from bot.journal import MOST_UNPOSTED, Journal
from bot.journal_file import AlreadyRunning, JournalError, forget

CALL = CallRef(1, 302)
OTHERS = 0 if os.name == "nt" else 0o077
"""The rights that nobody but the owner may have; Windows keeps no such rights."""
DANA, JOE = 100000000000000001, 100000000000000002
REMOVED = Answer(End.REMOVED, Why.CONFIRMED, status=200)


def asker(user_id: int = DANA, token: str | None = "interaction-token") -> Asker:
    return Asker(user_id=user_id, guild_id=10, channel_id=20, way="/remove911", token=token)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "journal.db"


def rows(path: Path, columns: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT {columns} FROM entries ORDER BY number").fetchall()


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


async def test_the_three_marks(path: Path) -> None:
    begun = time.time()
    async with Journal(path) as journal:
        number = await journal.asked("r1", CALL, asker())
        ((asked_at,),) = rows(path, "asked_at")
        assert isinstance(asked_at, float)
        assert begun <= asked_at <= time.time()
        assert rows(
            path, "number, guild_id, channel_id, user_id, way, server_id, call_id, token, sent_at, outcome"
        ) == [(number, 10, 20, DANA, "/remove911", 1, 302, "interaction-token", None, None)]
        await journal.sent("r1")
        assert rows(path, "sent_at IS NOT NULL, ended_at") == [(1, None)]
        await journal.ended("r1", REMOVED)
        assert rows(path, "ended_at IS NOT NULL, outcome, why, status") == [(1, "removed", "CONFIRMED", 200)]
        await journal.answered("interaction-token")
        assert rows(path, "token") == [(None,)]


async def test_it_is_on_the_disk_before_it_goes_on(path: Path) -> None:
    async with Journal(path) as journal:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1)):
            ((found,),) = await journal._open_db.execute_fetchall(f"PRAGMA {pragma}")
            assert found == value
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


async def test_who_joins_is_as_far_as_the_request_is(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.asked("r1", CALL, asker())
        await journal.sent("r1")
        await journal.asked("r1", CALL, asker(JOE))
        assert rows(path, "user_id, sent_at IS NOT NULL, outcome") == [(DANA, 1, None), (JOE, 1, None)]
        await journal.ended("r1", REMOVED)
        late = await journal.asked("r1", CALL, asker(3))
        assert rows(path, "outcome") == [("removed",)] * 3
        await journal.ended("r1", Answer(End.UNKNOWN, Why.STOPPED))
        assert rows(path, "outcome") == [("removed",)] * 3
        assert [entry.number for entry in await journal.left_open()] == []
        (entry,) = [entry for entry in await journal.page(Filter(), None, 9) if entry.number == late]
        assert entry.ended_at == entry.asked_at


async def test_only_its_owner_can_read_it(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.asked("r1", CALL, asker())
        for one in [path.parent, *path.parent.iterdir()]:
            assert not stat.S_IMODE(one.stat().st_mode) & OTHERS, one.name


async def test_a_second_process_is_told_so(path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from bot.journal import Journal\n"
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
    async with Journal(path) as journal:  # what a crash held is free
        await journal.asked("r1", CALL, asker())


@pytest.mark.parametrize(
    "content", [b"this is no database, but somebody may want it\n" * 200, b"SQLite format 3\0" * 500]
)
async def test_a_file_that_is_no_database_is_never_overwritten(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    async with Journal(path) as journal:
        with pytest.raises(JournalError):
            await journal.asked("r1", CALL, asker())
    assert path.read_bytes() == content
    assert f"stop the bot and move {path} aside" in caplog.text


async def test_a_damaged_journal_is_left_as_it_is(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Journal(path) as journal:
        for number in range(200):
            await journal.asked(f"r{number}", CALL, asker())
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 8] = b"\xa5" * 4096 * 5
    path.write_bytes(content)
    async with Journal(path) as journal:
        with pytest.raises(JournalError):
            await journal.asked("r1", CALL, asker())
    assert path.read_bytes() == content
    assert "move" in caplog.text


async def test_another_programs_database_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    async with Journal(path) as journal:
        with pytest.raises(JournalError, match="not open"):
            await journal.left_open()
    assert path.read_bytes() == before
    assert "some other program's database" in caplog.text


async def test_a_newer_journal_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Journal(path):
        pass
    change(path, "PRAGMA user_version = 99")
    async with Journal(path) as journal:
        with pytest.raises(JournalError):
            await journal.left_open()
    assert "written by a newer version of this bot" in caplog.text


async def test_a_full_disk_is_said_and_over_when_it_is_over(path: Path) -> None:
    async with Journal(path) as journal:
        ((pages,),) = await journal._open_db.execute_fetchall("PRAGMA page_count")
        await journal._open_db.execute_fetchall(f"PRAGMA max_page_count = {pages}")

        async def fill() -> None:
            for number in range(1000):
                await journal.asked(f"r{number}", CALL, asker())

        with pytest.raises(JournalError, match="full"):
            await fill()
        noted = len(rows(path, "number"))
        await journal._open_db.execute_fetchall("PRAGMA max_page_count = 100000")
        await journal.asked("after", CALL, asker())
        assert len(rows(path, "number")) == noted + 1


async def test_a_locked_file_is_said(path: Path) -> None:
    async with Journal(path) as journal:
        await journal._open_db.execute_fetchall("PRAGMA busy_timeout = 50")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="locked"):
                await journal.asked("r1", CALL, asker())
        await journal.asked("r1", CALL, asker())


async def an_end_that_is_late(journal: Journal, path: Path) -> None:
    """Let a request end while the file is locked."""
    await journal.asked("r1", CALL, asker())
    await journal.sent("r1")
    await journal._open_db.execute_fetchall("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked"):
            await journal.ended("r1", REMOVED)


async def test_an_end_that_could_not_be_written_is_written_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.journal._TEND_EVERY", 0.01)
    async with Journal(path) as journal, asyncio.timeout(5):
        await an_end_that_is_late(journal, path)
        while rows(path, "outcome") != [("removed",)]:
            await asyncio.sleep(0.01)
        assert await journal.removed_since(CALL, 0.0) is not None


async def test_an_end_that_could_not_be_written_is_written_when_the_journal_is_closed(path: Path) -> None:
    async with Journal(path) as journal:
        await an_end_that_is_late(journal, path)
        assert rows(path, "outcome") == [(None,)]
    assert rows(path, "outcome") == [("removed",)]


async def test_an_end_whose_note_is_cut_short_is_written_when_the_journal_is_closed(path: Path) -> None:
    """As by a drain that has no more time for a slow disk."""
    async with Journal(path) as journal:
        await journal.asked("r1", CALL, asker())
        await journal.sent("r1")
        await journal._open_db.execute_fetchall("PRAGMA busy_timeout = 50")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            noting = asyncio.create_task(journal.ended("r1", REMOVED))
            await asyncio.sleep(0)
            noting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await noting
            with pytest.raises(JournalError, match="locked"):
                await journal.answered("interaction-token")  # stands behind the note, which has failed by then
        assert rows(path, "outcome") == [(None,)]
    assert rows(path, "outcome") == [("removed",)]


async def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    async with Journal(tmp_path / "file" / "journal.db") as journal:
        with pytest.raises(JournalError):
            await journal.asked("r1", CALL, asker())
    assert "No removal is taken until it can" in caplog.text


async def test_it_is_tried_again_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.journal._TEND_EVERY", 0.01)
    (tmp_path / "folder").write_text("in the way")
    async with Journal(tmp_path / "folder" / "journal.db") as journal, asyncio.timeout(5):
        (tmp_path / "folder").unlink()
        while True:
            try:
                await journal.asked("r1", CALL, asker())
                break
            except JournalError:
                await asyncio.sleep(0.01)
    assert rows(tmp_path / "folder" / "journal.db", "call_id") == [(302,)]


async def test_old_tokens_are_blanked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.journal._TEND_EVERY", 0.01)
    async with Journal(path) as journal, asyncio.timeout(5):
        await journal.asked("r1", CALL, asker())
        await journal.asked("r2", CALL, asker())
        change(path, "UPDATE entries SET asked_at = asked_at - 901 WHERE request = 'r1'")
        while rows(path, "token") != [(None,), ("interaction-token",)]:
            await asyncio.sleep(0.01)


async def test_retention_leaves_nothing_of_what_is_deleted(path: Path) -> None:
    async with Journal(path, retention_days=30) as journal:
        for request, days in (("old", 31), ("young", 29), ("open", 31)):
            await journal.asked(request, CALL, Asker(user_id=DANA, guild_id=10, channel_id=20, way=f"way of {request}"))
            if request != "open":
                await journal.ended(request, REMOVED)
            change(path, f"UPDATE entries SET asked_at = asked_at - {days * 86400} WHERE request = '{request}'")
    async with Journal(path, retention_days=30):
        assert rows(path, "request") == [("young",), ("open",)]
        assert path.with_name("journal.db-wal").stat().st_size == 0
        assert b"way of old" not in path.read_bytes()
        assert b"way of young" in path.read_bytes()


async def test_forget_blanks_a_person_while_the_bot_runs_and_keeps_the_rows(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.asked("r1", CALL, asker())
        await journal.ended("r1", REMOVED)
        await journal.asked("r2", CallRef(1, 303), asker())
        await journal.asked("r3", CALL, asker(JOE))
        assert await forget(path, DANA) == (2, 1)
        assert rows(path, "user_id, channel_id, call_id, outcome") == [
            (None, None, 302, "removed"), (None, None, 303, None), (JOE, 20, 302, None),
        ]  # fmt: skip
        for file in (path, path.with_name("journal.db-wal")):
            assert DANA.to_bytes(8, "big").lstrip(b"\0") not in file.read_bytes()
        await journal.ended("r2", REMOVED)
        assert rows(path, "user_id")[:2] == [(None,), (None,)]
        assert await forget(path, DANA) == (0, 0)


async def test_forget_needs_a_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="no such file"):
        await forget(path, DANA)
    assert not path.exists()


async def test_what_waits_for_the_audit_channel_is_bounded(path: Path) -> None:
    async with Journal(path, audited=True) as journal:
        for _ in range(MOST_UNPOSTED + 3):
            await journal.noted(CALL, asker(), REMOVED)
        await journal._tend()
        first = (await journal.unposted(1))[0]
        assert first.number == 4
        assert rows(path, "count(unposted)") == [(MOST_UNPOSTED,)]


# Pages of history.

MANY = 100_000


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "journal.db"

    async def make() -> None:
        async with Journal(path):
            pass

    asyncio.run(make())
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
            "INSERT INTO entries (request, action, asked_at, ended_at, outcome, why, user_id, way, server_id, call_id) "
            "SELECT i, 'remove', i, i, CASE i % 10 WHEN 0 THEN 'unknown' ELSE 'removed' END, 'CONFIRMED', i % 50, "
            "'/remove911', 1, i % 1000 FROM n"
        )
    return path


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), "PRIMARY KEY"),
        (Filter(call_id=7), "by_call"),
        (Filter(user_id=7), "by_user"),
        (Filter(outcome="unknown"), "by_outcome"),
        (Filter(call_id=7, user_id=7, outcome="removed"), "by_call"),
    ],
)
@pytest.mark.parametrize("before", [None, MANY // 2])
def test_a_page_of_history_comes_from_an_index(big: Path, wanted: Filter, index: str, before: int | None) -> None:
    sql, parameters = page_query(wanted, before, 26)
    with closing(sqlite3.connect(big)) as db:
        plan = " ".join(str(row) for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))
    assert "TEMP B-TREE" not in plan
    # All that there is, the newest first, is read along the table itself.
    assert index in plan or (wanted == Filter() and before is None and "SCAN entries" in plan)


async def test_pages_follow_one_another_without_a_gap(big: Path) -> None:
    seen: list[int] = []
    async with Journal(big, retention_days=10**6) as journal:
        before = None
        for _ in range(4):
            page = await journal.page(Filter(user_id=7, outcome="removed"), before, 25)
            seen += [entry.number for entry in page]
            before = page[-1].number
            assert all((entry.user_id, entry.outcome) == (7, "removed") for entry in page)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 100
    assert seen[0] == MANY - 43


async def test_all_entries_are_given_one_by_one(big: Path) -> None:
    many = 0
    async with Journal(big, retention_days=10**6) as journal:
        async for entry in journal.entries(Filter(outcome="unknown")):
            assert entry.outcome == "unknown"
            many += 1
    assert many == MANY // 10


async def test_what_one_reply_tells_is_answered_in_one_step_and_once_all_of_it_has_ended(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.noted(CALL, asker(token="of-three"), REMOVED)
        for request in ("r2", "r3"):
            await journal.asked(request, CallRef(1, 303), asker(token="of-three"))
        other = await journal.noted(CALL, asker(token="of-one"), REMOVED)
        await journal.ended("r2", REMOVED)
        assert [entry.number for entry in await journal.unanswered(9)] == [other]
        await journal.ended("r3", REMOVED)
        assert len(await journal.unanswered(9)) == 4
        await journal.answered("of-three")
        assert rows(path, "token") == [(None,), (None,), (None,), ("of-one",)]


async def test_the_retention_does_its_work_while_entries_are_read(path: Path) -> None:
    async with Journal(path) as journal:
        for _ in range(100):
            await journal.noted(CALL, asker(), REMOVED)
        reading = journal.entries(Filter())
        await anext(reading)
        await journal._retain()
        assert len([entry async for entry in reading]) == 99
