"""The one way a call is removed, whoever asks and by whichever command."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import time

from bot import words
from bot.cad.client import CadClient, Removal, Told
from bot.cad.model import MAX_ID, Answer, CallRef, End, Why
from bot.errors import Refused

log = logging.getLogger(__name__)

REMEMBERED = 600.0
"""Seconds for which a removal is remembered, so that asking again sends nothing."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and from where: Discord's ids."""

    user_id: int
    guild_id: int
    channel_id: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a removal ended, ready to be put into words. `removed_by` is who removed the call before, where we know."""

    ref: CallRef
    answer: Answer
    removed_by: int | None = None


class RemovalDesk:
    """Takes removals from the commands to the CAD, and says how each ended."""

    def __init__(self, cad: CadClient) -> None:
        self._cad = cad
        # Whoever asks for a call that is being removed shares that request.
        self._under_way: dict[CallRef, Removal] = {}
        # What this bot saw removed lately, when, and who asked for it.
        self._removed: dict[CallRef, tuple[float, int]] = {}

    async def remove(self, ref: CallRef, asked_by: Asker, told: Told | None = None) -> Outcome:
        """Remove a call and say how it ended.

        Args:
            ref: the call.
            asked_by: who asked.
            told: called once where there is a line to wait in.

        Raises:
            Refused: an id is out of the CAD's range; nothing was sent.
        """
        for name, value in (("call_id", ref.call_id), ("server_id", ref.server_id)):
            # discord.py passes on whatever type arrives, and a malformed request can get the community's key blocked.
            if type(value) is not int or not 1 <= value <= MAX_ID:
                raise Refused(words.id_out_of_range(name, value))
        begun = time()
        outcome = self._before(ref, begun)
        if outcome is None:
            removal = self._under_way.get(ref)
            if removal is None or removal.answer.done():
                removal = self._under_way[ref] = self._cad.begin_removal(ref)
            outcome = Outcome(ref, await self._cad.follow(removal, told))
            if self._under_way.get(ref) is removal:
                del self._under_way[ref]
        if outcome.answer.done:
            self._removed.setdefault(ref, (time(), asked_by.user_id))
        log.info(
            "%s: %s (%s), asked by user %s in guild %s, %.2f s%s",
            ref,
            outcome.answer.end.value,
            words.cause(outcome.answer),
            asked_by.user_id,
            asked_by.guild_id,
            time() - begun,
            f"; the CAD's text: {words.cut(words.clean(outcome.answer.said), 300)}" if outcome.answer.said else "",
        )
        return outcome

    def _before(self, ref: CallRef, now: float) -> Outcome | None:
        for old in [old for old, (at, _) in self._removed.items() if at < now - REMEMBERED]:
            del self._removed[old]
        if ref not in self._removed:
            return None
        at, user_id = self._removed[ref]
        return Outcome(ref, Answer(End.GONE, Why.REMOVED_BEFORE, at=at), user_id)
