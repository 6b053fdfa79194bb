"""The journal's file while the bot runs: deleted, moved, replaced, locked by another name, and on a full disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.journal import file, store
from bot.journal.database import AlreadyRunning, JournalError, connect
from bot.journal.store import Journal
from bot.sandbox.simulation import Simulation
from tests.support.journal import requester, rows
from tests.support.simulation import remove

CALL = CallRef(1, 302)
REMOVED = Result(Outcome.REMOVED, Reason.CONFIRMED, status=200)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody delete, move or replace an open file")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.db"


def replace(path: Path) -> None:
    """Put another file in its place, as a host does who restores a backup."""
    shutil.copy(path, path.with_name("backup"))
    path.with_name("backup").rename(path)


def beside(end: str) -> Callable[[Path], None]:
    return lambda path: path.with_name(path.name + end).unlink()


@pytest.mark.parametrize(
    "take_away",
    [
        pytest.param(Path.unlink, id="deleted"),
        pytest.param(lambda path: path.rename(path.with_name("moved")), id="moved"),
        pytest.param(lambda path: shutil.rmtree(path.parent), id="folder deleted"),
        pytest.param(lambda path: path.parent.rename(path.parent.with_name("elsewhere")), id="folder moved"),
        pytest.param(replace, id="replaced"),
        pytest.param(beside("-wal"), id="write-ahead log deleted"),
        pytest.param(beside("-shm"), id="shared memory deleted"),
        pytest.param(beside(".lock"), id="lock deleted"),
    ],
)
async def test_file_that_is_taken_away_is_noticed_before_a_request_is_recorded_and_loses_nothing(
    path: Path, take_away: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """https://github.com/WiseLibs/better-sqlite3/issues/1237"""
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        take_away(path)
        for refused in (journal.record_request("r2", CALL, requester()), journal.check_writable(),
                        journal.mark_sent("r1"), journal.mark_ended("r1", REMOVED)):  # fmt: skip
            with pytest.raises(JournalError, match="was deleted, moved or replaced; the bot opens it anew"):
                await refused
        await journal._maintain()
        assert f"the journal {path}, or a file beside it, was deleted, moved or replaced" in caplog.text
        await journal.check_writable()
        await journal.record_request("r3", CALL, requester())
        assert "r3" in [request for (request,) in rows(path, "request")]
        saved = [one for one in path.parent.iterdir() if one.name == path.name or ".rescued-" in one.name]
        assert "r1" in [request for one in saved for (request,) in rows(one, "request")]
        for one in saved:
            assert one.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_deleted_file_is_restored_with_its_history_and_later_outcomes(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        path.unlink()
        with pytest.raises(JournalError):
            await journal.mark_ended("r1", REMOVED)
        await journal._maintain()
        assert rows(path, "request, outcome") == [("r1", "removed")]
        assert not [one for one in path.parent.iterdir() if "rescued" in one.name]


async def test_deleted_file_is_restored_by_a_stop_before_the_next_maintenance(path: Path) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        path.unlink()
        with pytest.raises(JournalError):
            await journal.mark_ended("r1", REMOVED)
    assert rows(path, "request, outcome") == [("r1", "removed")]


async def test_deleted_file_is_restored_by_a_stop_that_comes_while_it_is_being_restored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_MAINTENANCE_INTERVAL", 0.01)
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        closing_now, close = asyncio.Event(), journal._file.connection.close

        async def slow_close() -> None:
            closing_now.set()
            await asyncio.sleep(0.1)
            await close()

        monkeypatch.setattr(journal._file.connection, "close", slow_close)
        path.unlink()
        await closing_now.wait()
    assert rows(path, "request") == [("r1",)]
    assert not [one for one in path.parent.iterdir() if "rescued" in one.name]


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
async def test_file_that_is_taken_away_while_it_is_opened_is_put_back(
    path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """SQLite checks a large journal for seconds as it opens it. A copy that it made has no log beside it."""
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")

    async def slow(path: Path) -> aiosqlite.Connection:
        db = await connect(path)
        path.unlink()
        return db

    monkeypatch.setattr(file, "connect", slow)
    async with Journal(path) as journal:
        monkeypatch.undo()
        with pytest.raises(JournalError, match="was deleted, moved or replaced"):
            await journal.record_request("r2", CALL, requester())
        await journal._maintain()
        assert ("r1",) in rows(path, "request")


async def test_file_that_is_taken_away_while_it_can_not_be_opened_is_locked_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Path) -> aiosqlite.Connection:
        raise JournalError("disk I/O error")

    monkeypatch.setattr(file, "connect", broken)
    async with Journal(path) as journal:
        monkeypatch.undo()
        path.unlink()
        await journal._maintain()
        await journal.record_request("r1", CALL, requester())
    assert rows(path, "request") == [("r1",)]
    assert not list(path.parent.glob("*.rescued-*"))


async def test_stop_leaves_the_file_of_another_process_alone_and_keeps_what_it_held_beside_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        shutil.rmtree(path.parent)
        async with Journal(path) as other:
            await other.record_request("r2", CALL, requester())
            await journal.__aexit__()
            assert f"another process holds the journal {path}" in caplog.text
            (copy,) = path.parent.glob("*.rescued-*")
            assert rows(copy, "request") == [("r1",)]
    assert rows(path, "request") == [("r2",)]


async def test_stop_that_can_not_put_the_file_back_says_so_in_the_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Journal(path):
        shutil.rmtree(path.parent)
        path.parent.touch()  # so the folder can't be made again
    assert f"the journal {path} can't be used as the bot stops: " in caplog.text


async def test_removal_is_refused_and_status_fails_while_the_file_is_gone(simulation: Simulation) -> None:
    simulation.bot.settings.database_path.unlink()
    assert "not removed (server" in await remove(simulation, 302)
    assert simulation.cad.requests_of("REMOVE_911") == []
    shown = await simulation.administrator.slash(simulation.room, "cad911 status")
    assert shown.response is not None
    assert "❌ **journal**: it can't be used (its file " in str(shown.response.embeds[0].description)
    await simulation.journal._maintain()
    assert "removed (server" in await remove(simulation, 302)


@pytest.mark.parametrize(
    "other_name",
    [
        pytest.param(lambda path: path.with_name("link").symlink_to(path), id="symlink"),
        pytest.param(lambda path: path.parent.with_name("link").symlink_to(path.parent), id="symlink of the folder"),
        pytest.param(
            lambda path: path.with_name("link").hardlink_to(path),
            id="hard link",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="the lock on the file itself is Linux's"),
        ),
        pytest.param(beside(".lock"), id="lock file deleted"),
    ],
)
async def test_journal_under_another_name_or_without_its_lock_file_has_one_process(
    path: Path, other_name: Callable[[Path], object]
) -> None:
    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        other_name(path)
        names = [path, path.with_name("link"), path.parent.with_name("link") / path.name]
        name = next(one for one in reversed(names) if one.exists())
        if sys.platform == "linux":
            with pytest.raises(AlreadyRunning):
                await Journal(name).__aenter__()
            return
        with pytest.raises((AlreadyRunning, JournalError)):
            async with Journal(name):
                await journal.mark_sent("r1")


async def test_status_writes_as_much_as_a_removal_so_a_full_disk_is_not_writable(path: Path) -> None:
    """A small write still fits where a removal no longer does."""
    import resource  # noqa: PLC0415 - not on Windows

    async with Journal(path) as journal:
        await journal.record_request("r1", CALL, requester())
        size = path.with_name("journal.db-wal").stat().st_size
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2 * 4200, hard))  # two pages fit
        try:
            for refused in (journal.record_request("r2", CALL, requester()), journal.check_writable()):
                with pytest.raises(JournalError, match=r"full|disk I/O"):
                    await refused
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await journal.check_writable()
        await journal.record_request("r2", CALL, requester())
    assert rows(path, "request") == [("r1",), ("r2",)]
