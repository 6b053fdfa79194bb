"""Posts every finished entry of the journal in the audit channel, and once each when sending stops and goes on.

Entries wait in the journal while that fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import discord

from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Result
from bot.journal.database import JournalError
from bot.journal.entries import DENIED, Entry
from bot.journal.store import Journal
from bot.messages import history
from bot.tasks import spawn

log = logging.getLogger(__name__)

BATCH = 20
"""Entries read from the journal at a time."""
RETRY_PAUSE, MAX_RETRY_PAUSE = 60.0, 3600.0
"""Seconds until the next attempt after a failure, doubled each time. Discord limits failed requests per IP address."""

_COLOURS = {
    Outcome.REMOVED.value: discord.Colour.green(),
    Outcome.CREATED.value: discord.Colour.green(),
    Outcome.GONE_UNCONFIRMED.value: discord.Colour.green(),
    Outcome.UNKNOWN.value: discord.Colour.orange(),
    Outcome.REJECTED.value: discord.Colour.red(),
    DENIED: discord.Colour.red(),
}


class AuditChannel:
    """Posts entries in the audit channel, the oldest first, and marks them as posted.

    `blocked` returns what the circuit breaker stops; call `wake` when that has changed.
    """

    def __init__(
        self, journal: Journal, channel: discord.PartialMessageable, blocked: Callable[[], dict[RequestKind, Result]]
    ) -> None:
        self._journal = journal
        self._channel = channel
        self._blocked = blocked
        self._told: dict[RequestKind, Result] = {}
        self._closing = False

    def start(self) -> None:
        """Start posting, in a task of its own."""
        self._task = spawn(self._run(), "audit")

    def wake(self) -> None:
        """Look for something to post."""
        self._journal.changed.set()

    async def close(self, limit: float) -> None:
        """Post what is finished, for `limit` seconds at most. The next start posts the rest."""
        self._closing = True
        self.wake()
        await asyncio.wait([self._task], timeout=limit)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        pause = RETRY_PAUSE
        while True:
            self._journal.changed.clear()
            try:
                await self._post_all()
                await self._post_pause()
            except JournalError as error:
                log.error("nothing is posted in the audit channel: the journal can't be used (%s)", error)
                await asyncio.sleep(RETRY_PAUSE)
                continue
            except Exception as error:  # noqa: BLE001 - an odd answer of Discord's edge makes discord.py raise any error
                if pause == RETRY_PAUSE:
                    log.warning(
                        "the audit channel %s can't be written to (%s). Its posts wait in the journal. "
                        "Give the bot View Channel, Send Messages and Embed Links there",
                        self._channel.id,
                        error,
                    )
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_RETRY_PAUSE)
                continue
            if pause != RETRY_PAUSE:
                log.info("the audit channel %s can be written to again", self._channel.id)
                pause = RETRY_PAUSE
            if self._closing:
                return
            await self._journal.changed.wait()

    async def _post_all(self) -> None:
        while entries := await self._journal.awaiting_post(BATCH):
            for entry in entries:
                # After a crash, the bot may send a post again. For some minutes, Discord drops it because of the nonce.
                await self._channel.send(embed=_embed(entry), nonce=entry.number)
                await self._journal.mark_posted(entry.number)

    async def _post_pause(self) -> None:
        """Post a pause if the circuit breaker has opened since the last post, or a resumption if it has closed."""
        blocked = self._blocked()
        new = {kind: result for kind, result in blocked.items() if self._told.get(kind) != result}
        if new:
            (title, text), colour = history.paused(new), discord.Colour.red()
        elif self._told and not blocked:
            (title, text), colour = history.RESUMED, discord.Colour.green()
        else:
            return
        since = max(result.opened_at or 0 for result in (new or self._told).values())
        nonce = f"{'paused' if new else 'resumed'} {since:.0f}"
        await self._channel.send(embed=discord.Embed(title=title, description=text, colour=colour), nonce=nonce)
        self._told = blocked


def _embed(entry: Entry) -> discord.Embed:
    title, text = history.audit_entry(entry)
    colour = _COLOURS.get(entry.outcome or "", discord.Colour.light_grey())
    return discord.Embed(title=title, description=text, colour=colour).set_footer(text=f"Journal {entry.number}")
