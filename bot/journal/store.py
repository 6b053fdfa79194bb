"""Records every request in the journal: when it was requested, sent and ended. Reads entries back."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import aiosqlite

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Result
from bot.clock import REAL_CLOCK, Clock
from bot.journal.database import AlreadyRunning, JournalError
from bot.journal.entries import DENIED, REMOVE, Entry, EntryFilter, NewEntry, Requester, outcome_columns, page_query
from bot.journal.file import JournalFile

log = logging.getLogger(__name__)

TOKEN_LIFETIME = 900.0
"""Seconds for which Discord accepts an interaction's token. Older tokens are deleted."""
MAX_UNPOSTED = 500
"""Entries that wait while the audit channel can't be written to. Older ones are never posted."""

# One statement writes all entries of a confirmation, so that a crash loses all of them or none. A new entry copies the
# sent time and the outcome of an entry with the same request: a crash in between could record "not sent" for a removed
# call.
_INSERT = """
    WITH new AS (
        SELECT key, json_extract(value, '$.request') AS request, json_extract(value, '$.action') AS action,
               json_extract(value, '$.server_id') AS server_id, json_extract(value, '$.call_id') AS call_id,
               json_extract(value, '$.outcome') AS outcome, json_extract(value, '$.why') AS why,
               json_extract(value, '$.status') AS status, json_extract(value, '$.reference') AS reference
        FROM json_each(:new)
    )
    INSERT INTO entries (request, action, asked_at, guild_id, channel_id, user_id, way, server_id, call_id, token,
                         unposted, sent_at, ended_at, outcome, why, status, reference)
    SELECT new.request, new.action, :now, :guild_id, :channel_id, :user_id, :way, new.server_id, new.call_id, :token,
           :unposted, shared.sent_at,
           CASE WHEN coalesce(shared.outcome, new.outcome) IS NULL THEN NULL ELSE :now END,
           coalesce(shared.outcome, new.outcome), coalesce(shared.why, new.why),
           coalesce(shared.status, new.status), coalesce(shared.reference, new.reference)
    FROM new LEFT JOIN entries shared
         ON shared.number = (SELECT min(number) FROM entries WHERE request = new.request)
    ORDER BY new.key
"""
_MARK_ENDED = (
    "UPDATE entries SET ended_at = :now, outcome = :outcome, why = :why, status = :status, reference = :reference "
    "WHERE request = :request AND ended_at IS NULL"
)
_ALL_ENDED = "token NOT IN (SELECT token FROM entries WHERE ended_at IS NULL AND token IS NOT NULL)"
_CLEAR_TOKEN = f"UPDATE entries SET token = NULL WHERE token = :token AND {_ALL_ENDED}"  # noqa: S608
_AWAITING_REPLY = f"SELECT * FROM entries WHERE token IS NOT NULL AND {_ALL_ENDED} ORDER BY number"  # noqa: S608
_REMOVED = {"yes": Outcome.REMOVED.value, "no": Outcome.GONE_UNCONFIRMED.value}
_BATCH = 500
_MAINTENANCE_INTERVAL = 60.0
_DELETION_INTERVAL = 86_400.0


class Journal:
    """The journal. One process at a time holds its file. If that can't be used, every method raises `JournalError`.

    If the file can't be opened, the log says why, and the journal tries again each minute.

    Args:
        path: the file. Missing folders are created.
        retention_days: days after which an entry is deleted.
        audited: whether entries are posted in an audit channel.
        clock: the clock of the entries' times and of the maintenance.
    """

    def __init__(
        self, path: Path, *, retention_days: int = 90, audited: bool = False, clock: Clock = REAL_CLOCK
    ) -> None:
        self._path = path
        self._retention = retention_days * 86_400.0
        self._audited = audited
        self._clock = clock
        self._file = JournalFile(path, clock)
        self._last_deletion = self._clock_set_at = float("-inf")
        self._clock_offset = self._clock.wall() - self._clock.monotonic()
        self._started = self._clock.monotonic()
        # Outcomes that could not be written yet. After a crash, recovery finishes their entries.
        self._deferred: list[Mapping[str, Any]] = []
        self.changed = asyncio.Event()
        """Set after every write: there may be a new entry for the audit channel."""

    async def __aenter__(self) -> Self:
        """Open the journal.

        Raises:
            AlreadyRunning: another process holds it.
        """
        await self._maintain()
        self._maintenance = asyncio.create_task(self._maintain_forever(), name="journal")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._file.settled.wait()  # cancelled half-way, a file would not be put back
        self._maintenance.cancel()
        await asyncio.wait([self._maintenance])
        try:
            await self._file.open()  # a file that was taken away meanwhile is put back
            await self._flush_deferred()
        except AlreadyRunning:
            log.error("another process holds the journal %s", self._path)
        except JournalError as error:
            log.error("the journal %s can't be used as the bot stops: %s", self._path, error)
        await self._file.close()

    # Writing.

    async def record(self, requester: Requester, *new: NewEntry) -> int:
        """Record requests: all of them or none. Return the last entry's number.

        A member who joins a request gets an entry of their own, with the sent time and outcome that it has by then.
        """
        calls = [
            {"request": one.request, "action": one.action, **(asdict(one.ref) if one.ref else {}), **one.outcome}
            for one in new
        ]
        fixed = {"new": json.dumps(calls), "now": self._clock.wall(), "unposted": 1 if self._audited else None}
        return (await self._write(_INSERT, {**fixed, **asdict(requester)})).lastrowid or 0

    async def record_request(self, request: str, ref: CallRef, requester: Requester, action: str = REMOVE) -> int:
        """Record one request."""
        return await self.record(requester, NewEntry(request, ref, action))

    async def record_completed(self, ref: CallRef | None, requester: Requester, result: Result | None) -> int:
        """Record a request that ended at once. `result` is None if the member was denied access."""
        outcome = {"outcome": DENIED} if result is None else outcome_columns(result)
        return await self.record(requester, NewEntry(secrets.token_hex(8), ref, outcome=outcome))

    async def mark_sent(self, request: str) -> None:
        """Record that a request is about to be sent. From now on its outcome is unknown until it is recorded.

        Raises:
            JournalError: also if the request has ended. Then another process took the journal over.
        """
        marked = await self._write(
            "UPDATE entries SET sent_at = :now WHERE request = :request AND ended_at IS NULL",
            {"request": request, "now": self._clock.wall()},
        )
        if not marked.rowcount:
            raise JournalError("its entry is missing or has ended: another process uses the journal")

    async def mark_ended(self, request: str, result: Result) -> None:
        """Record a request's result, for every entry that shares it. If that fails, it is written later."""
        outcome = {"request": request, "now": self._clock.wall(), **outcome_columns(result)}
        try:
            await self._write(_MARK_ENDED, outcome)
        except (JournalError, asyncio.CancelledError):
            self._deferred.append(outcome)
            raise

    async def clear_token(self, token: str) -> None:
        """Record that the reply with this token was delivered. It stays while an entry of the reply has no outcome.

        Clears the token of every entry shown in this reply in one UPDATE. Otherwise, after a crash, recovery would
        overwrite the reply with only the remaining entries.
        """
        await self._write(_CLEAR_TOKEN, {"token": token})

    async def mark_posted(self, number: int) -> None:
        """Record that an entry was posted in the audit channel."""
        await self._write("UPDATE entries SET unposted = NULL WHERE number = :number", {"number": number})

    async def check_writable(self) -> None:
        """Write what a removal writes, and take it back: a journal that can be read may not be writable."""
        await self._file.try_to_write()

    # Reading.

    async def removed_since(self, ref: CallRef, moment: float) -> Entry | None:
        """Return the newest entry with which this bot removed a call at `moment` or later, confirmed or not."""
        found = await self._read(
            "SELECT * FROM entries WHERE call_id = :call_id AND server_id = :server_id AND outcome IN (:yes, :no) "
            "AND ended_at BETWEEN :moment AND :now ORDER BY number DESC LIMIT 1",  # the clock may have been set back
            {**asdict(ref), **_REMOVED, "moment": moment, "now": self._clock.wall()},
        )
        return found[0] if found else None

    async def unfinished(self) -> list[Entry]:
        """Return the entries without an outcome, the oldest first, except those whose outcome is yet to be written."""
        found = await self._read("SELECT * FROM entries WHERE ended_at IS NULL ORDER BY number")
        deferred = {outcome["request"] for outcome in self._deferred}
        return [entry for entry in found if entry.request not in deferred]

    async def awaiting_reply(self) -> list[Entry]:
        """Return the entries whose reply may not have reached the member, once all entries of that reply have ended."""
        return await self._read(_AWAITING_REPLY)

    async def awaiting_post(self, limit: int) -> list[Entry]:
        """Return finished entries that are not posted in the audit channel yet, the oldest first."""
        return await self._read(
            "SELECT * FROM entries WHERE unposted = 1 AND ended_at IS NOT NULL ORDER BY number LIMIT :limit",
            {"limit": limit},
        )

    async def page(self, wanted: EntryFilter, before: int | None, limit: int) -> list[Entry]:
        """Return at most `limit` entries, the newest first; with `before`, only entries with a smaller number."""
        return await self._read(*page_query(wanted, before, limit))

    async def entries(self, wanted: EntryFilter) -> AsyncIterator[Entry]:
        """Yield entries one by one, the newest first. Memory use does not grow with their number.

        Reads in batches: while a query is open, SQLite's log beside the file can't be emptied of deleted entries.
        """
        before = None
        while batch := await self.page(wanted, before, _BATCH):
            for entry in batch:
                yield entry
            before = batch[-1].number

    # Maintenance: opens the file if it is not open, writes deferred outcomes, deletes old tokens and old entries.

    async def _maintain_forever(self) -> None:
        while True:
            await asyncio.sleep(_MAINTENANCE_INTERVAL)
            try:
                await self._maintain()
            except AlreadyRunning:
                log.error("another process holds the journal %s", self._path)
            except Exception:
                log.exception("a bug in this bot: the journal's maintenance failed")

    async def _maintain(self) -> None:
        try:
            await self._file.open()
            await self._flush_deferred()
            await self._drop_unposted()
            steady = self._clock_is_steady()
            # Not right after a start: the clock may have been set before it.
            if steady and self._clock.monotonic() >= self._started + TOKEN_LIFETIME:
                await self._write(
                    "UPDATE entries SET token = NULL WHERE token IS NOT NULL AND asked_at <= :since",
                    {"since": self._clock.wall() - TOKEN_LIFETIME},
                )
            if steady and self._clock.monotonic() >= self._last_deletion + _DELETION_INTERVAL:
                await self._delete_expired()
        except JournalError as error:
            log.error(
                "the journal %s can't be used: %s. The bot refuses removals until this is fixed", self._path, error
            )

    def _clock_is_steady(self) -> bool:
        """Return False for `TOKEN_LIFETIME` after the clock was set: until then, ages by the clock mean nothing."""
        offset = self._clock.wall() - self._clock.monotonic()
        if abs(offset - self._clock_offset) > 60.0:
            self._clock_set_at = self._clock.monotonic()
        self._clock_offset = offset
        return self._clock.monotonic() >= self._clock_set_at + TOKEN_LIFETIME

    async def _drop_unposted(self) -> None:
        """Keep `MAX_UNPOSTED` entries for the audit channel. Denied attempts go first: anybody can make many."""
        dropped = await self._write(
            "UPDATE entries SET unposted = NULL WHERE number IN (SELECT number FROM entries WHERE unposted = 1 "
            "ORDER BY outcome IS :denied, number DESC LIMIT -1 OFFSET :kept)",
            {"kept": MAX_UNPOSTED, "denied": DENIED},
        )
        if dropped.rowcount:
            log.warning(
                "the audit channel never gets %d entries, because more than %d waited for it. They are in the history",
                dropped.rowcount,
                MAX_UNPOSTED,
            )

    async def _flush_deferred(self) -> None:
        while self._deferred:
            await self._write(_MARK_ENDED, self._deferred[0])
            del self._deferred[0]

    async def _delete_expired(self) -> None:
        await self._write(
            "DELETE FROM entries WHERE asked_at < :since AND ended_at IS NOT NULL",
            {"since": self._clock.wall() - self._retention},
        )
        await self._write("PRAGMA wal_checkpoint(TRUNCATE)")
        self._last_deletion = self._clock.monotonic()

    async def _write(self, sql: str, parameters: Mapping[str, Any] | None = None) -> aiosqlite.Cursor:
        cursor = await self._file.write(sql, parameters)
        self.changed.set()
        return cursor

    async def _read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Entry]:
        return [Entry(**dict(row)) for row in await self._file.read(sql, parameters)]
