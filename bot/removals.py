"""The one way a call is removed, whoever asks and by whichever command."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from bot import words
from bot.cad.client import CadClient
from bot.cad.model import MAX_ID, Answer, CallRef
from bot.errors import Refused

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and from where: Discord's ids."""

    user_id: int
    guild_id: int
    channel_id: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a removal ended, ready to be put into words."""

    ref: CallRef
    answer: Answer


class RemovalDesk:
    """Takes removals from the commands to the CAD, and says how each ended."""

    def __init__(self, cad: CadClient) -> None:
        self._cad = cad

    async def remove(self, ref: CallRef, asked_by: Asker) -> Outcome:
        """Remove a call and say how it ended.

        Raises:
            Refused: an id is out of the CAD's range; nothing was sent.
        """
        for name, value in (("call_id", ref.call_id), ("server_id", ref.server_id)):
            if not 1 <= value <= MAX_ID:
                raise Refused(words.id_out_of_range(name, value))
        begun = time.perf_counter()
        answer = await self._cad.remove_911(ref)
        log.info(
            "%s: %s (%s), asked by user %s in guild %s, %.2f s%s",
            ref,
            answer.end.value,
            words.cause(answer),
            asked_by.user_id,
            asked_by.guild_id,
            time.perf_counter() - begun,
            f"; the CAD's text: {words.clean(answer.said)}" if answer.said else "",
        )
        return Outcome(ref, answer)
