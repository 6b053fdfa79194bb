"""The journal's file while the bot runs: one process holds it, and notices if it is deleted, moved or replaced."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import aiosqlite

from bot.clock import Clock
from bot.journal.database import AlreadyRunning, JournalError, connect, translate_errors

if sys.platform == "linux":
    import fcntl

log = logging.getLogger(__name__)

# One step: no other statement of this connection comes between.
_TRY = """
    BEGIN IMMEDIATE;
    INSERT INTO entries (request, action, asked_at, way) VALUES ('', 'remove', 0, '/cad911 status');
    DELETE FROM entries WHERE request = '' AND asked_at = 0;
    UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'entries';  -- a gap would look like a deleted entry
    COMMIT;
"""


STATEMENT_SECONDS = 15.0
"""Seconds for one statement. A disk can hang for minutes, and nobody should wait that long for an answer."""


class JournalFile:
    """The open file and its lock. Each statement is a transaction of its own, and raises `JournalError` if it fails."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._db: aiosqlite.Connection | None = None
        self._lock: JournalLock | None = None
        self.settled = asyncio.Event()
        """Not set while the file is opened anew: statements wait for that moment, and so does a stop."""
        self.settled.set()

    @property
    def connection(self) -> aiosqlite.Connection:
        """The open database."""
        if self._db is None:
            raise JournalError("it is not open")
        return self._db

    async def open(self) -> None:
        """Open and lock the file if it is not open, and open it anew if it was deleted, moved or replaced.

        Raises:
            AlreadyRunning: another process holds it.
        """
        try:
            if self._lock is not None and self._lock.missing():
                self.settled.clear()
                await self._leave(self._lock)
            if self._db is None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock = self._lock or acquire_lock(self._path)
                self._db = await connect(self._path)
                self._lock.watch()
        except OSError as error:
            raise JournalError(error.strerror or type(error).__name__) from None
        finally:
            self.settled.set()

    async def close(self) -> None:
        """Close the file, and release its lock."""
        if self._db is not None:
            await self._db.close()
        if self._lock is not None:
            self._lock.close()

    async def write(self, sql: str, parameters: Mapping[str, Any] | None = None) -> aiosqlite.Cursor:
        """Execute a statement. Raise if the file was deleted, moved or replaced: the entry would be lost with it."""
        async with _bounded():
            await self.settled.wait()
            async with self.connection.execute(sql, parameters) as cursor:
                self._check()
                return cursor

    async def read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """Execute a query."""
        async with _bounded():
            await self.settled.wait()
            return list(await self.connection.execute_fetchall(sql, parameters))

    async def try_to_write(self) -> None:
        """Write what a removal writes, and take it back: a journal that can be read may not be writable."""
        try:
            async with _bounded():
                await self.connection.executescript(_TRY)
        except JournalError:
            with contextlib.suppress(JournalError):
                async with _bounded():
                    await self.connection.execute_fetchall("ROLLBACK")
            raise
        self._check()

    def _check(self) -> None:
        if self._lock is not None and (name := self._lock.missing()):
            raise JournalError(f"its file {name} was deleted, moved or replaced; the bot opens it anew within a minute")

    async def _leave(self, lock: JournalLock) -> None:
        """Close a file that is no longer in its place, or lacks one beside it. Nothing that was recorded is lost."""
        if self._db is not None:  # else it could not be opened since
            copy = await _rescue(self._db, self._path, self._clock.wall())
            log.warning(
                "the journal %s, or a file beside it, was deleted, moved or replaced while the bot ran. What it held "
                "is in %s. The bot goes on with the file that is in its place now",
                self._path,
                copy,
            )
        self._db = self._lock = None
        lock.close()


@contextlib.asynccontextmanager
async def _bounded() -> AsyncGenerator[None]:
    """Give up a statement whose disk does not answer. It may still be executed later."""
    try:
        async with asyncio.timeout(STATEMENT_SECONDS):
            with translate_errors():
                yield
    except TimeoutError:
        raise JournalError(f"its disk did not answer within {STATEMENT_SECONDS:.0f} s") from None


def lock_path(path: Path) -> Path:
    """Return the path of a journal's lock file. A link leads to the same lock as the file itself."""
    file = path.resolve()
    return file.with_name(file.name + ".lock")


class JournalLock:
    """Held by one process, and watches its files: SQLite goes on writing into a file that was deleted."""

    def __init__(self, path: Path, lock: sqlite3.Connection, journal: int) -> None:
        self._path = path
        self._lock = lock
        self._journal = journal
        # The journal's identity is its descriptor's: by the time SQLite opens the path, another file may be there.
        self._watched = {path: _identity(journal), lock_path(path): _identity(lock_path(path))}

    def watch(self) -> None:
        """From now on, SQLite's files beside the journal have to stay in their place as well."""
        file = self._path.resolve()
        beside = [file.with_name(file.name + end) for end in ("-wal", "-shm")]
        self._watched |= {one: identity for one in beside if (identity := _identity(one)) is not None}

    def missing(self) -> str | None:
        """Return the name of a file that was deleted, moved or replaced, or None."""
        return next((one.name for one, identity in self._watched.items() if _identity(one) != identity), None)

    def close(self) -> None:
        """Release the lock. Close the journal first: SQLite's own locks end as well."""
        self._lock.close()
        os.close(self._journal)


def _identity(file: Path | int) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - a path or a descriptor
    except OSError:
        return None
    return found.st_dev, found.st_ino


def acquire_lock(path: Path) -> JournalLock:
    """Lock a journal, by SQLite's own lock on an empty file beside it. A crash releases it on every platform.

    On Linux the journal itself is locked too, whatever its name: the file beside it can be deleted.

    Raises:
        AlreadyRunning: another process holds the lock.
        OSError: a file can't be created.
    """
    beside = lock_path(path)
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT, 0o600))
    lock = sqlite3.connect(beside, timeout=0, isolation_level=None)  # opens no file yet
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # no third file
        lock.execute("BEGIN EXCLUSIVE")
        journal = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except sqlite3.Error as error:
        lock.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise AlreadyRunning(str(path)) from None
        raise OSError(str(error)) from None
    except OSError:
        lock.close()
        raise
    held = JournalLock(path, lock, journal)
    if sys.platform == "linux":  # elsewhere, this lock and SQLite's are in each other's way
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            raise AlreadyRunning(str(path)) from None
        except OSError:  # not every file system has it
            log.debug("the journal's file system has no such lock")
    return held


async def _rescue(db: aiosqlite.Connection, path: Path, now: float) -> Path:
    """Save what an open journal holds, whose file was deleted, moved or replaced. Close it, and return the copy.

    The copy is at `path` if nothing is there, otherwise beside it.
    """
    file = path.resolve()  # noqa: ASYNC240 - as fast as the other steps
    copy = file.with_name(f"{file.name}.rescued-{int(now)}")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with translate_errors():
            await db.execute_fetchall("VACUUM INTO ?", (str(copy),))
        os.fsync(descriptor)
    except BaseException:
        copy.unlink()
        raise
    finally:
        os.close(descriptor)
    await db.close()
    if file.exists():
        return copy
    for end in ("-wal", "-shm"):  # of the file that is gone: SQLite would read them into the new one
        file.with_name(file.name + end).unlink(missing_ok=True)
    return copy.rename(file)
