"""Tells the audit channel of every removal that ended, from the journal, so that nothing is lost while it can't."""

from __future__ import annotations

import asyncio
import contextvars
import logging

import discord

from bot import words_journal
from bot.cad.model import End
from bot.entries import CREATED, REFUSED, Entry
from bot.errors import UNREACHED
from bot.journal import Journal
from bot.journal_file import JournalError

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Entries that are read from the journal at a time."""
PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds until a channel that refused is tried again; doubled each time. Refusals count against the IP address."""

_COLOURS = {
    End.REMOVED.value: discord.Colour.green(),
    CREATED: discord.Colour.green(),
    End.UNKNOWN.value: discord.Colour.orange(),
    End.REJECTED.value: discord.Colour.red(),
    REFUSED: discord.Colour.red(),
}


class Audit:
    """Posts what the journal has for the audit channel, the oldest first, and notes there what was posted."""

    def __init__(self, journal: Journal, channel: discord.PartialMessageable) -> None:
        self._journal = journal
        self._channel = channel
        self._closing = False

    def open(self) -> None:
        """Begin, in a context of its own: the task belongs to nobody's command."""
        self._task = contextvars.Context().run(asyncio.create_task, self._post(), name="audit")

    async def close(self, limit: float) -> None:
        """Give what has just ended `limit` seconds to be posted; what is left is posted after the next start."""
        self._closing = True
        self._journal.news.set()
        await asyncio.wait([self._task], timeout=limit)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _post(self) -> None:
        pause = PAUSE
        while True:
            self._journal.news.clear()
            try:
                await self._post_what_there_is()
            except JournalError as error:
                log.error("what the audit channel has to hear of can't be read from the journal (%s)", error)
                await asyncio.sleep(PAUSE)
                continue
            except (*UNREACHED, RuntimeError) as error:
                if pause == PAUSE:
                    log.warning(
                        "the audit channel %s can't be written to (%s). What it has to hear of waits in the journal. "
                        "The bot needs View Channel, Send Messages and Embed Links there",
                        self._channel.id,
                        error,
                    )
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            if pause != PAUSE:
                log.info("the audit channel %s can be written to again", self._channel.id)
                pause = PAUSE
            if self._closing:
                return
            await self._journal.news.wait()

    async def _post_what_there_is(self) -> None:
        while entries := await self._journal.unposted(AT_ONCE):
            for entry in entries:
                # With the nonce, Discord posts once what a crash made us send twice within some minutes.
                await self._channel.send(embed=_embed(entry), nonce=entry.number)
                await self._journal.posted(entry.number)


def _embed(entry: Entry) -> discord.Embed:
    title, text = words_journal.audit(entry)
    colour = _COLOURS.get(entry.outcome or "", discord.Colour.light_grey())
    return discord.Embed(title=title, description=text, colour=colour).set_footer(text=f"Journal {entry.number}")
