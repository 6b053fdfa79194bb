"""Who asked for what, and how it ended, in a file that outlives the process. Three marks: asked, sent, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from time import time
from typing import Any, Self

import aiosqlite

from bot.cad.model import Answer, CallRef
from bot.entries import REFUSED, REMOVE, Asker, Entry, Filter, end_of, page_query
from bot.journal_file import AlreadyRunning, JournalError, connect, hold, told

log = logging.getLogger(__name__)

TOKEN_LIFE = 900.0
"""Seconds for which Discord takes an interaction's token; older ones are not kept."""
LAST = 2**63 - 1
"""No entry has a larger number."""
MOST_UNPOSTED = 500
"""Entries that wait for an audit channel which refuses them; older ones are given up."""

_ENDED = (
    "UPDATE entries SET ended_at = :now, outcome = :outcome, why = :why, status = :status, reference = :reference "
    "WHERE request = :request AND ended_at IS NULL"
)
_AT_ONCE = 500
_TEND_EVERY = 60.0
_RETAIN_EVERY = 86_400.0


class Journal:
    """The journal's file, held by one process at a time.

    Where it can't be opened, that is said in the log, everything that is asked of it raises `JournalError`, and
    it is tried again each minute.

    Args:
        path: the file; its folder is made where it is missing.
        retention_days: days after which an entry is deleted.
        audited: whether an audit channel has to hear of what is noted.
    """

    def __init__(self, path: Path, *, retention_days: int = 90, audited: bool = False) -> None:
        self._path = path
        self._retention = retention_days * 86_400.0
        self._audited = audited
        self._db: aiosqlite.Connection | None = None
        self._lock: sqlite3.Connection | None = None
        self._retained = float("-inf")
        # Ends that could not be written. A crash leaves those to the next start.
        self._late: list[Mapping[str, Any]] = []
        self.news = asyncio.Event()
        """Set whenever there may be something new for the audit channel."""

    async def __aenter__(self) -> Self:
        """Open it.

        Raises:
            AlreadyRunning: another process holds it.
        """
        await self._tend()
        # Made here, so that it belongs to nobody's command.
        self._tending = asyncio.create_task(self._keep_tending(), name="journal")
        return self

    async def __aexit__(self, *error: object) -> None:
        self._tending.cancel()
        await asyncio.wait([self._tending])
        with contextlib.suppress(JournalError):
            await self._write_late()
        if self._db is not None:
            await self._db.close()
        if self._lock is not None:
            self._lock.close()

    # The three marks.

    async def asked(self, request: str, ref: CallRef, asker: Asker, action: str = REMOVE) -> int:
        """Note that somebody was heard, and return the entry's number.

        Whoever joins a request is as far as that request is, in one step: there is no moment at which a crash would
        leave them with "not sent" for a call that was removed.
        """
        return await self._write(
            """
            INSERT INTO entries (request, action, asked_at, guild_id, channel_id, user_id, way, server_id, call_id,
                                 token, unposted, sent_at, ended_at, outcome, why, status, reference)
            SELECT :request, :action, :now, :guild_id, :channel_id, :user_id, :way, :server_id, :call_id,
                   :token, :unposted, shared.sent_at, CASE WHEN shared.ended_at IS NULL THEN NULL ELSE :now END,
                   shared.outcome, shared.why, shared.status, shared.reference
            FROM (SELECT 1) LEFT JOIN (SELECT * FROM entries WHERE request = :request ORDER BY number LIMIT 1) shared
            """,
            {**self._heard(request, ref, asker), "action": action},
        )

    async def sent(self, request: str) -> None:
        """Note that a request is about to leave: from here on its end is unknown until it is noted."""
        await self._write(
            "UPDATE entries SET sent_at = :now WHERE request = :request AND ended_at IS NULL",
            {"request": request, "now": time()},
        )

    async def ended(self, request: str, answer: Answer) -> None:
        """Note how a request ended, for all who share it. What can't be written is tried again each minute."""
        end = {"request": request, "now": time(), **end_of(answer)}
        try:
            await self._write(_ENDED, end)
        except (JournalError, asyncio.CancelledError):
            self._late.append(end)
            raise

    async def noted(self, ref: CallRef | None, asker: Asker, answer: Answer | None) -> int:
        """Note what ended as soon as it was asked: nothing had to be sent, or (None) somebody was refused."""
        end = end_of(answer) if answer else {"outcome": REFUSED, "why": None, "status": None, "reference": None}
        return await self._write(
            "INSERT INTO entries (request, action, asked_at, ended_at, outcome, why, status, reference, guild_id, "
            "channel_id, user_id, way, server_id, call_id, token, unposted) "
            "VALUES (:request, 'remove', :now, :now, :outcome, :why, :status, :reference, :guild_id, "
            ":channel_id, :user_id, :way, :server_id, :call_id, :token, :unposted)",
            {**self._heard(secrets.token_hex(8), ref, asker), **end},
        )

    async def answered(self, token: str) -> None:
        """Note that the person has read what the reply of this token tells: the token is not needed any more.

        That is one step for all that it tells: after a crash in between, what is told of the rest would take the
        place of what was told of these.
        """
        await self._write("UPDATE entries SET token = NULL WHERE token = :token", {"token": token})

    # What is read back.

    async def removed_since(self, ref: CallRef, moment: float) -> Entry | None:
        """Return the entry by which this bot saw a call removed, at or after a moment; None where it did not."""
        found = await self._read(
            "SELECT * FROM entries WHERE call_id = :call_id AND server_id = :server_id AND outcome = 'removed' "
            "AND ended_at BETWEEN :moment AND :now ORDER BY number DESC LIMIT 1",  # a clock can have been set back
            {**asdict(ref), "moment": moment, "now": time()},
        )
        return found[0] if found else None

    async def left_open(self) -> list[Entry]:
        """List what has no end, the oldest first."""
        return await self._read("SELECT * FROM entries WHERE ended_at IS NULL ORDER BY number")

    async def newest(self) -> int:
        """Return the newest entry's number, 0 where there is none: what comes later has a larger one."""
        found = await self._read("SELECT * FROM entries ORDER BY number DESC LIMIT 1")
        return found[0].number if found else 0

    async def unanswered(self, newest: int = LAST, ended_by: float = float("inf")) -> list[Entry]:
        """List what has ended and was perhaps not read, while Discord still takes an answer.

        What one reply tells of several waits until all of them have ended.

        Args:
            newest: only what has this number or a smaller one.
            ended_by: only what had ended by then.
        """
        return await self._read(
            "SELECT * FROM entries WHERE token IS NOT NULL AND ended_at IS NOT NULL AND asked_at > :since "
            "AND number <= :newest AND ended_at <= :ended_by "
            "AND token NOT IN (SELECT token FROM entries WHERE ended_at IS NULL AND token IS NOT NULL) ORDER BY number",
            {"since": time() - TOKEN_LIFE, "newest": newest, "ended_by": ended_by},
        )

    async def unposted(self, most: int) -> list[Entry]:
        """List what the audit channel has to hear of, the oldest first."""
        return await self._read(
            "SELECT * FROM entries WHERE unposted = 1 AND ended_at IS NOT NULL ORDER BY number LIMIT :most",
            {"most": most},
        )

    async def tried(self) -> None:
        """Write the newest entry as it is: what can be read may not be writable.

        Raises:
            JournalError: it can't be written.
        """
        await self._write("UPDATE entries SET way = way WHERE number = (SELECT max(number) FROM entries)")

    async def posted(self, number: int) -> None:
        """Note that the audit channel has heard of an entry."""
        await self._write("UPDATE entries SET unposted = NULL WHERE number = :number", {"number": number})

    async def page(self, wanted: Filter, before: int | None, most: int) -> list[Entry]:
        """Return at most `most` entries, the newest first; where `before` is given, only those of a smaller number."""
        return await self._read(*page_query(wanted, before, most))

    async def entries(self, wanted: Filter) -> AsyncIterator[Entry]:
        """Give entries one by one, the newest first; memory does not grow with their number.

        A piece at a time: while a statement is open, the retention can't empty SQLite's log beside the file.
        """
        before = None
        while piece := await self.page(wanted, before, _AT_ONCE):
            for entry in piece:
                yield entry
            before = piece[-1].number

    # Tending: opened again where it was not, old tokens blanked, old entries deleted.

    async def _keep_tending(self) -> None:
        while True:
            await asyncio.sleep(_TEND_EVERY)
            try:
                await self._tend()
            except AlreadyRunning:
                log.error("another process holds the journal %s", self._path)
            except Exception:
                log.exception("a bug in this bot: the journal could not be tended")

    async def _tend(self) -> None:
        try:
            if self._db is None:
                await self._open()
            await self._write_late()
            await self._write(
                "UPDATE entries SET token = NULL WHERE token IS NOT NULL AND asked_at <= :since",
                {"since": time() - TOKEN_LIFE},
            )
            await self._write(
                "UPDATE entries SET unposted = NULL WHERE unposted = 1 AND number <= "
                "(SELECT number FROM entries WHERE unposted = 1 ORDER BY number DESC LIMIT 1 OFFSET :most)",
                {"most": MOST_UNPOSTED},
            )
            if time() >= self._retained + _RETAIN_EVERY:
                await self._retain()
        except JournalError as error:
            log.error("the journal %s can't be used: %s. No removal is taken until it can", self._path, error)

    async def _write_late(self) -> None:
        while self._late:
            await self._write(_ENDED, self._late[0])
            del self._late[0]

    async def _retain(self) -> None:
        await self._write(
            "DELETE FROM entries WHERE asked_at < :since AND ended_at IS NOT NULL", {"since": time() - self._retention}
        )
        await self._write("PRAGMA wal_checkpoint(TRUNCATE)")
        self._retained = time()

    async def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = self._lock or hold(self._path)
            self._db = await connect(self._path)
        except OSError as error:
            raise JournalError(error.strerror or type(error).__name__) from None

    # One statement is one transaction.

    @property
    def _open_db(self) -> aiosqlite.Connection:
        if self._db is None:
            raise JournalError("it is not open")
        return self._db

    async def _write(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        with told():
            async with self._open_db.execute(sql, parameters) as done:
                self.news.set()
                return done.lastrowid or 0

    async def _read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Entry]:
        with told():
            return [Entry(**dict(row)) for row in await self._open_db.execute_fetchall(sql, parameters)]

    def _heard(self, request: str, ref: CallRef | None, asker: Asker) -> dict[str, Any]:
        call = {"server_id": None, "call_id": None} if ref is None else asdict(ref)
        unposted = 1 if self._audited else None
        return {"request": request, "now": time(), "unposted": unposted, **asdict(asker), **call}
