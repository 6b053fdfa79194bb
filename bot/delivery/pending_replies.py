"""Recovery: finishes what an earlier run left, and resends replies that Discord did not accept.

It needs no state of the start: what no command of this run works on is left over, whenever the journal can be read.
"""

from __future__ import annotations

import asyncio
import logging

import discord

from bot.cad.client import CadClient
from bot.cad.results import Outcome, Reason, Result
from bot.interactions.replies import edit_by_token, read_by_token
from bot.journal.database import JournalError
from bot.journal.entries import Entry
from bot.journal.store import TOKEN_LIFETIME, Journal
from bot.messages import outcomes
from bot.removals.recovery import finish_sent, finish_unsent
from bot.removals.result import RemovalResult
from bot.removals.service import RemovalService

log = logging.getLogger(__name__)

RETRY_INTERVAL = 60.0
"""Seconds between two attempts to deliver a reply."""


class PendingReplies:
    """Finishes requests and delivers replies whose command has ended or given up."""

    def __init__(self, client: discord.Client, cad: CadClient, journal: Journal, removals: RemovalService) -> None:
        self._client = client
        self._cad = cad
        self._journal = journal
        self._removals = removals
        self._replies = removals.replies
        self._recovering = asyncio.Lock()
        self._verifying: set[int] = set()
        self._clock = cad.clock
        self._started = cad.clock.monotonic()

    async def run(self) -> None:
        """Deliver what was not, each minute."""
        async with asyncio.TaskGroup() as passes:
            while True:
                await asyncio.sleep(RETRY_INTERVAL)
                passes.create_task(self.recover())

    async def recover(self) -> None:
        """Finish requests that nothing works on any more, and send all replies that Discord has not accepted.

        Such requests are those of an earlier run. What needs no answer of the CAD is finished first.
        """
        try:
            async with self._recovering:
                for token in self._replies.undelivered():
                    kept = self._replies.undelivered().get(token)  # its command may have replied meanwhile
                    if kept is None or token in self._replies.in_progress:
                        continue
                    if await edit_by_token(self._client, token, kept.text):
                        await self._replies.mark_redelivered(token, kept)
                unfinished = await self._keep_what_was_told(await self._removals.left_unfinished())
                left = await finish_unsent(self._journal, unfinished)
                await self._send()
                by_server: dict[int, list[Entry]] = {}
                for entry in left:
                    if entry.ref.server_id not in self._verifying:
                        by_server.setdefault(entry.ref.server_id, []).append(entry)
            # The CAD may take minutes. Replies are sent meanwhile.
            await asyncio.gather(*(self._finish_sent(*one) for one in by_server.items()))
        except JournalError as error:
            log.error("recovery waits, because the journal can't be used (%s); next try in a minute", error)
        except Exception:
            log.exception("a bug in this bot: recovery stopped; next try in a minute")

    async def _keep_what_was_told(self, unfinished: list[Entry]) -> list[Entry]:
        """Record results that a member has read although the journal could not take them; return the other entries.

        A reply that is final stays as it is: what was read is never taken back. So an entry has to wait while Discord
        does not say what its reply shows, as long as that could be edited.
        """
        tokens = {entry.token for entry in unfinished if entry.token is not None}
        shown = dict(
            zip(tokens, await asyncio.gather(*(read_by_token(self._client, one) for one in tokens)), strict=True)
        )
        for token, text in shown.items():
            if text and outcomes.is_final(text):
                await self._replies.mark_answered(token)
        expired = self._clock.monotonic() > self._started + TOKEN_LIFETIME
        left: list[Entry] = []
        for entry in unfinished:
            text = shown.get(entry.token or "", "")
            if text and outcomes.says_removed(text, entry.ref):
                await self._journal.mark_ended(entry.request, Result(Outcome.REMOVED, Reason.CONFIRMED))
            elif text is not None or expired:
                left.append(entry)
        return left

    async def _finish_sent(self, server_id: int, entries: list[Entry]) -> None:
        self._verifying.add(server_id)
        try:
            await finish_sent(self._journal, self._cad, server_id, entries)
        finally:
            self._verifying.discard(server_id)
        async with self._recovering:
            await self._send()

    async def _send(self) -> None:
        by_token: dict[str, list[RemovalResult]] = {}  # one reply can show several removals
        kept = {token for token, one in self._replies.undelivered().items() if one.is_result}
        others = kept | self._replies.in_progress
        for entry in await self._journal.awaiting_reply():
            token = entry.token
            if token is None or entry.result is None or token in others:
                continue
            if self._replies.is_delivered(token):
                await self._replies.mark_answered(token)
            else:
                by_token.setdefault(token, []).append(RemovalResult(entry.ref, entry.result, action=entry.action))
        for token, removals in by_token.items():
            brief = len(removals) > 1
            text = "\n".join(outcomes.removal_text(one, brief=brief) for one in removals)
            if await edit_by_token(self._client, token, text):
                await self._replies.mark_answered(token)
