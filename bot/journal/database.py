"""The journal's database: schema, opening, errors, and deleting a member's ids from it."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Generator
from pathlib import Path

import aiosqlite

log = logging.getLogger(__name__)

_MIGRATIONS = (
    """
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        request TEXT NOT NULL,      -- the same for all entries that share one request to the CAD
        action TEXT NOT NULL,       -- remove or create
        asked_at REAL NOT NULL,     -- seconds since 1970, as all times here
        sent_at REAL,
        ended_at REAL,
        outcome TEXT,
        why TEXT,
        status INTEGER,             -- the CAD's HTTP status
        reference TEXT,             -- the CAD's (v2: traceId); for a created call, its number
        guild_id INTEGER,
        channel_id INTEGER,
        user_id INTEGER,            -- NULL after `forget`
        way TEXT NOT NULL,
        server_id INTEGER,
        call_id INTEGER,
        token TEXT,                 -- of the interaction, until its reply was delivered
        unposted INTEGER            -- 1 until it is posted in the audit channel
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
"""Each leads from one `PRAGMA user_version` to the next."""


class JournalError(Exception):
    """The journal can't be read or written. The text tells the host why."""


class AlreadyRunning(Exception):  # noqa: N818 - this process did nothing wrong
    """Another process has this journal open."""


async def connect(path: Path) -> aiosqlite.Connection:
    """Open the file and migrate it to the current schema. A file that is not this bot's journal is not changed.

    Raises:
        JournalError: it can't be opened or used.
    """
    # Permissions for the owner alone, also for a restored copy: it holds tokens. SQLite's files beside it get the same.
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.name == "posix" and os.fstat(file).st_mode & 0o077:
            os.fchmod(file, 0o600)
    except PermissionError:
        log.warning("other users may read the journal %s, and its owner is another user. Run: chmod 600", path)
    finally:
        os.close(file)
    with translate_errors(path):
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
    if version > len(_MIGRATIONS):
        raise JournalError("a newer version of this bot wrote it; update the bot")
    if version == 0 and tables:
        raise JournalError("it is another program's database; set DATABASE_PATH to another file")
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        await db.execute_fetchall(f"PRAGMA {pragma}")
    # Opens SQLite's files beside a journal that has none: later, that would fail if the journal was taken away.
    await db.execute_fetchall("SELECT 1 FROM sqlite_master")
    for number, schema in enumerate(_MIGRATIONS[version:], version + 1):
        await db.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {number}; COMMIT;")


@contextlib.contextmanager
def translate_errors(path: Path | None = None) -> Generator[None]:
    """Raise SQLite's errors as `JournalError`. With `path`, a damaged file's error also tells the host what to do."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:  # ValueError: it was closed meanwhile
        if path is None or type(error) is not sqlite3.DatabaseError:  # its subclasses do not mean a damaged file
            raise JournalError(str(error)) from None
        raise JournalError(
            f"{error}. The bot does not change it. To start a new journal, stop the bot and move {path} aside, "
            f"together with {path.name}-wal and {path.name}-shm"
        ) from None


async def forget_user(path: Path, user_id: int) -> tuple[int, int]:
    """Delete a member's ids from all entries, also while the bot runs. The entries stay.

    Returns:
        How many entries had the member's id, and how many of those are unfinished.

    Raises:
        JournalError: the journal does not exist, or can't be written.
    """
    if not path.is_file():  # noqa: ASYNC240 - nothing else runs in this loop
        raise JournalError("there is no such file; check DATABASE_PATH")
    db = await connect(path)
    try:
        with translate_errors():
            await db.execute("BEGIN IMMEDIATE")
            ((found, ended),) = await db.execute_fetchall(
                "SELECT count(*), count(ended_at) FROM entries WHERE user_id = ?", (user_id,)
            )
            await db.execute("UPDATE entries SET user_id = NULL, channel_id = NULL WHERE user_id = ?", (user_id,))
            await db.execute("COMMIT")
            # `secure_delete` overwrites the ids; this writes that from SQLite's log to the file itself.
            await db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            return found, found - ended
    finally:
        await db.close()
