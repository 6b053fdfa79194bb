"""The replies about removals that members still wait for."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from bot.clock import Clock
from bot.journal.database import JournalError
from bot.journal.store import TOKEN_LIFETIME, Journal

log = logging.getLogger(__name__)


class OpenReplies:
    """Replies by the token of their interaction, for as long as Discord accepts it.

    Attributes:
        in_progress: the tokens whose command is still running and replies by itself.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.in_progress: set[str] = set()
        self._journal = journal
        self._clock = clock
        self._undelivered: dict[str, tuple[str, float]] = {}
        self._delivered: dict[str, float] = {}

    @contextmanager
    def answering(self, token: str) -> Generator[None]:
        """Mark a reply as in progress: nothing else replies to its interaction meanwhile."""
        self.in_progress.add(token)
        try:
            yield
        finally:
            self.in_progress.discard(token)

    def keep(self, token: str, text: str) -> None:
        """Keep a reply that Discord did not accept, so that it is sent again."""
        self._undelivered[token] = (text, self._clock.monotonic())

    def undelivered(self) -> dict[str, str]:
        """Return the kept replies."""
        oldest = self._clock.monotonic() - TOKEN_LIFETIME
        self._undelivered = {token: kept for token, kept in self._undelivered.items() if kept[1] > oldest}
        return {token: text for token, (text, _) in self._undelivered.items()}

    def is_delivered(self, token: str) -> bool:
        """Return True if the final reply was delivered. The journal may not have recorded that."""
        return token in self._delivered

    async def mark_answered(self, token: str) -> None:
        """Record that the final reply was delivered."""
        self._undelivered.pop(token, None)
        oldest = self._clock.monotonic() - TOKEN_LIFETIME
        self._delivered = {one: at for one, at in self._delivered.items() if at > oldest} | {
            token: self._clock.monotonic()
        }
        try:
            await self._journal.clear_token(token)
        except JournalError as error:
            log.warning("the journal can't record that a reply was delivered (%s)", error)
