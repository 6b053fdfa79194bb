"""The journal's file: its lock, its schema, how it is opened, and how a person is taken out of it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Generator
from pathlib import Path

import aiosqlite

_SCHEMAS = (
    """
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        request TEXT NOT NULL,      -- the same for all who shared one request to the CAD
        action TEXT NOT NULL,       -- remove or create
        asked_at REAL NOT NULL,     -- seconds since 1970, as all times here
        sent_at REAL,
        ended_at REAL,
        outcome TEXT,
        why TEXT,
        status INTEGER,             -- the CAD's HTTP status
        reference TEXT,             -- of the request at the CAD (v2: traceId); for what was created, its number
        guild_id INTEGER,
        channel_id INTEGER,
        user_id INTEGER,            -- NULL once the person was forgotten
        way TEXT NOT NULL,
        server_id INTEGER,
        call_id INTEGER,
        token TEXT,                 -- of the interaction, until it was answered
        unposted INTEGER            -- 1 while the audit channel has to hear of it
    );
    CREATE INDEX by_request ON entries (request);
    CREATE INDEX by_user ON entries (user_id, number);
    CREATE INDEX by_call ON entries (call_id, number);
    CREATE INDEX by_outcome ON entries (outcome, number);
    CREATE INDEX by_time ON entries (asked_at);
    CREATE INDEX left_open ON entries (number) WHERE ended_at IS NULL;
    CREATE INDEX unanswered ON entries (number) WHERE token IS NOT NULL;
    CREATE INDEX unposted ON entries (number) WHERE unposted = 1;
    """,
)
"""What leads from one `PRAGMA user_version` to the next."""


class JournalError(Exception):
    """The journal can't be read or written; the text says why, for the host."""


class AlreadyRunning(Exception):  # noqa: N818 - nothing is wrong with this process
    """Another process holds this journal."""


async def connect(path: Path) -> aiosqlite.Connection:
    """Open the file, bring it up to date, and leave alone what is no journal of ours.

    Raises:
        JournalError: it can't be opened or used.
    """
    # For the owner's eyes only, from its first byte; what SQLite lays beside it follows.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with told(path):
        db = await aiosqlite.connect(path, isolation_level=None, timeout=2.0)
        try:
            db.row_factory = sqlite3.Row
            await _prepare(db)
        except BaseException:
            await db.close()
            raise
    return db


async def _prepare(db: aiosqlite.Connection) -> None:
    ((problem,),) = await db.execute_fetchall("PRAGMA quick_check(1)")
    if problem != "ok":
        raise sqlite3.DatabaseError(problem)
    ((version,),) = await db.execute_fetchall("PRAGMA user_version")
    ((tables,),) = await db.execute_fetchall("SELECT count(*) FROM sqlite_master")
    if version > len(_SCHEMAS):
        raise JournalError("it was written by a newer version of this bot; update the bot")
    if version == 0 and tables:
        raise JournalError("it is some other program's database; DATABASE_PATH has to name another file")
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        await db.execute_fetchall(f"PRAGMA {pragma}")
    for number, schema in enumerate(_SCHEMAS[version:], version + 1):
        await db.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {number}; COMMIT;")


def lock_beside(path: Path) -> Path:
    """Name the file by which a process holds a journal."""
    return path.with_name(path.name + ".lock")


def hold(path: Path) -> sqlite3.Connection:
    """Take the lock beside a journal: SQLite's own, on an empty file, which a crash frees on every platform.

    Raises:
        AlreadyRunning: another process has it.
        OSError: it can't be made.
    """
    beside = lock_beside(path)
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT, 0o600))
    lock = sqlite3.connect(beside, timeout=0, isolation_level=None)  # opens nothing yet
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # no third file
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise AlreadyRunning(str(path)) from None
        raise OSError(str(error)) from None
    return lock


@contextlib.contextmanager
def told(path: Path | None = None) -> Generator[None]:
    """Say SQLite's errors as `JournalError`; with the path of a file that is being opened, say what to do too."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        damaged = type(error) is sqlite3.DatabaseError
        aside = (
            f". It is left as it is; to begin a new one, stop the bot and move {path} aside, with what lies beside it "
            f"({path.name}-wal, {path.name}-shm)"
            if damaged and path is not None
            else ""
        )
        raise JournalError(f"{error}{aside}") from None
    except (sqlite3.Error, ValueError) as error:  # ValueError: closed meanwhile
        raise JournalError(str(error)) from None


async def forget(path: Path, user_id: int) -> tuple[int, int]:
    """Take a person out of all entries, open ones too, whether or not a bot runs; the entries stay.

    Returns:
        How many entries named them, and how many of those are open.

    Raises:
        JournalError: there is no journal, or it can't be written.
    """
    if not path.is_file():  # noqa: ASYNC240 - nothing else runs here
        raise JournalError("there is no such file; DATABASE_PATH names the journal")
    db = await connect(path)
    try:
        with told():
            await db.execute("BEGIN IMMEDIATE")
            ((named, ended),) = await db.execute_fetchall(
                "SELECT count(*), count(ended_at) FROM entries WHERE user_id = ?", (user_id,)
            )
            await db.execute("UPDATE entries SET user_id = NULL, channel_id = NULL WHERE user_id = ?", (user_id,))
            await db.execute("COMMIT")
            # What the deleted content was overwritten with has to reach the file itself.
            await db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            return named, named - ended
    finally:
        await db.close()
