"""The replies about removals that members still wait for."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.clock import Clock
from bot.journal.database import JournalError
from bot.journal.store import TOKEN_LIFETIME, Journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class KeptReply:
    """A reply that Discord did not accept, kept at a time of the monotonic clock.

    If it is a result, it tells all that the journal has for its token. If not, the journal's results come after it.
    """

    text: str
    at: float
    is_result: bool


class OpenReplies:
    """Replies by the token of their interaction, for as long as Discord accepts it.

    Attributes:
        in_progress: the tokens whose command is still running and replies by itself.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.in_progress: set[str] = set()
        self._journal = journal
        self._clock = clock
        self._undelivered: dict[str, KeptReply] = {}
        self._delivered: dict[str, float] = {}

    @contextmanager
    def answering(self, token: str) -> Generator[None]:
        """Mark a reply as in progress: nothing else replies to its interaction meanwhile."""
        self.in_progress.add(token)
        try:
            yield
        finally:
            self.in_progress.discard(token)

    def keep(self, token: str, text: str, *, is_result: bool = False) -> None:
        """Keep a reply that Discord did not accept, so that it is sent again."""
        self._undelivered[token] = KeptReply(text, self._clock.monotonic(), is_result)

    def drop(self, token: str) -> None:
        """Forget a kept reply, because a newer one was delivered."""
        self._undelivered.pop(token, None)

    def undelivered(self) -> dict[str, KeptReply]:
        """Return the kept replies."""
        oldest = self._clock.monotonic() - TOKEN_LIFETIME
        self._undelivered = {token: kept for token, kept in self._undelivered.items() if kept.at > oldest}
        return dict(self._undelivered)

    async def mark_redelivered(self, token: str, kept: KeptReply) -> None:
        """Record that a kept reply was delivered."""
        if kept.is_result:
            await self.mark_answered(token)
        elif self._undelivered.get(token) is kept:  # else a newer one was kept meanwhile
            self.drop(token)

    def is_delivered(self, token: str) -> bool:
        """Return True if the final reply was delivered. The journal may not have recorded that."""
        return token in self._delivered

    async def mark_answered(self, token: str) -> None:
        """Record that the final reply was delivered."""
        self.drop(token)
        oldest = self._clock.monotonic() - TOKEN_LIFETIME
        self._delivered = {one: at for one, at in self._delivered.items() if at > oldest} | {
            token: self._clock.monotonic()
        }
        try:
            await self._journal.clear_token(token)
        except JournalError as error:
            log.warning("the journal can't record that a reply was delivered (%s)", error)
