"""The one way a call is removed, whoever asks and by whichever command."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from time import time

from bot import words, words_calls
from bot.board import Board
from bot.cad.client import CadClient, Removal, Told
from bot.cad.model import Answer, CallRef, EmergencyCall, End, Why, an_id
from bot.entries import CREATE, REMOVE, Asker
from bot.errors import Refused
from bot.journal import Journal
from bot.journal_file import JournalError
from bot.text import clean, cut

log = logging.getLogger(__name__)

REMEMBERED = 600.0
"""Seconds for which a removal is remembered, so that asking again sends nothing."""

CREATABLE = 600.0
"""Seconds for which a removed call can be created again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a removal ended, ready to be put into words.

    `removed_by` is who removed the call before, where we know. `action` is what was asked for: to remove the call, or
    to create it again. `call` is what it said, as last seen. `waited` is the seconds that its request waited for its
    turns, or None where there was none.
    """

    ref: CallRef
    answer: Answer
    removed_by: int | None = None
    action: str = REMOVE
    call: EmergencyCall | None = None
    waited: float | None = None


class _Witness:
    """Notes in the journal how far a request came, for all who asked for it."""

    def __init__(self, ref: CallRef, journal: Journal) -> None:
        self.request = secrets.token_hex(8)
        self._ref = ref
        self._journal = journal

    async def sending(self) -> bool:
        """Note that it is about to be sent; False where that can't be noted."""
        try:
            await self._journal.sent(self.request)
        except JournalError as error:
            log.error("%s: nothing is sent, since the journal can't be written (%s)", self._ref, error)
            return False
        return True

    async def ended(self, answer: Answer) -> None:
        """Note how it ended."""
        try:
            await self._journal.ended(self.request, answer)
        except JournalError as error:
            log.error(
                "%s ended as %s (%s), and the journal could not be written (%s): its entry stays open until it can be",
                self._ref,
                answer.end.value.upper(),
                words.cause(answer),
                error,
            )


class _Shared(_Witness):
    """One removal, and all who asked for it while it was under way."""

    def __init__(
        self, ref: CallRef, cad: CadClient, journal: Journal, board: Board, under_way: dict[CallRef, _Shared]
    ) -> None:
        super().__init__(ref, journal)
        self._cad = cad
        self._board = board
        self._under_way = under_way
        self._removal: Removal | None = None
        self.call = board.call(ref)
        """What it was about, as last seen."""

    def begun(self) -> Removal:
        """Begin the removal, once; to be called by whoever is in the journal."""
        if self._removal is None:
            self._under_way.setdefault(self._ref, self)  # somebody else, who could not be noted, may have dropped it
            self._removal = self._cad.begin_removal(self._ref, self)
        return self._removal

    def dropped(self) -> None:
        """Forget it where nobody could be noted, so that nothing was begun."""
        if self._removal is None and self._under_way.get(self._ref) is self:
            del self._under_way[self._ref]

    async def ended(self, answer: Answer) -> None:
        """Note how it ended. Whoever asks from now on asks anew."""
        if self._under_way.get(self._ref) is self:
            del self._under_way[self._ref]
        if answer.end in (End.REMOVED, End.GONE):
            self._board.removed(self._ref)
        await super().ended(answer)


@dataclass(frozen=True, slots=True)
class Begun:
    """A removal that is in the journal and on its way, or has ended at once."""

    ref: CallRef
    asker: Asker
    at: float
    course: Removal | Outcome
    call: EmergencyCall | None = None


class RemovalDesk:
    """Takes removals from the commands to the CAD, and says how each ended.

    Args:
        cad: the way to the CAD, open already.
        journal: where it is written down, before anything is sent.
        board: knows what the calls are about, where the plan has that.
    """

    def __init__(self, cad: CadClient, journal: Journal, board: Board) -> None:
        self._cad = cad
        self._journal = journal
        self._board = board
        # Whoever asks for a call that is being removed shares that request.
        self._under_way: dict[CallRef, _Shared] = {}
        # What was created again, or tried, lately: all who shared the removal have the button.
        self._created: dict[CallRef, float] = {}

    async def remove(self, ref: CallRef, asker: Asker, told: Told | None = None) -> Outcome:
        """Remove a call and say how it ended: `begin` and `end` in one.

        Raises:
            Refused: an id is out of the CAD's range; nothing was sent.
        """
        return await self.end(await self.begin(ref, asker), told)

    async def begin(self, ref: CallRef, asker: Asker) -> Begun:
        """Write a removal down and begin it.

        Raises:
            Refused: an id is out of the CAD's range; nothing was sent.
        """
        check_id("call_id", ref.call_id)
        check_id("server_id", ref.server_id)
        at = time()
        try:
            return await self._begin(ref, asker, at)
        except JournalError as error:
            log.error("%s is not removed: the journal can't be written (%s)", ref, error)
            return Begun(ref, asker, at, Outcome(ref, Answer(End.NOT_SENT, Why.JOURNAL)))

    async def end(self, begun: Begun, told: Told | None = None) -> Outcome:
        """Wait for a removal's end; `told` is called once where there is a line to wait in."""
        outcome = begun.course
        if not isinstance(outcome, Outcome):
            removal = outcome
            answer = await self._cad.follow(removal, told)
            outcome = Outcome(begun.ref, answer, waited=removal.waited, call=begun.call)
        _log(outcome, begun.asker, begun.at)
        return outcome

    async def recreate(self, call: EmergencyCall, asker: Asker, told: Told | None = None) -> Outcome:
        """Create a removed call again as it was, under a new number; at most once, whatever the CAD answers.

        Args:
            call: what it said; `ref` is the call that it was.
            asker: who asked.
            told: as for `end`.

        Raises:
            Refused: somebody did so already, or tried.
        """
        at = time()
        self._created = {ref: when for ref, when in self._created.items() if when > at - REMEMBERED - CREATABLE}
        if call.ref in self._created:
            raise Refused(words_calls.created_already())
        self._created[call.ref] = at
        witness = _Witness(call.ref, self._journal)
        try:
            await self._journal.asked(witness.request, call.ref, asker, CREATE)
        except JournalError as error:
            log.error("%s is not created again: the journal can't be written (%s)", call.ref, error)
            return Outcome(call.ref, Answer(End.NOT_SENT, Why.JOURNAL), action=CREATE)
        answer = await self._cad.create_911(call, witness, told)
        self._board.created(call.ref.server_id)
        outcome = Outcome(call.ref, answer, action=CREATE)
        _log(outcome, asker, at)
        return outcome

    async def answered(self, token: str) -> None:
        """Note that the person has read the reply of this interaction."""
        try:
            await self._journal.answered(token)
        except JournalError as error:
            log.warning("that somebody has read their answer could not be noted (%s)", error)

    async def _begin(self, ref: CallRef, asker: Asker, at: float) -> Begun:
        shared = self._under_way.get(ref)
        if shared is None:
            before = await self._journal.removed_since(ref, at - REMEMBERED)
            if before is not None:
                answer = Answer(End.GONE, Why.REMOVED_BEFORE, at=before.ended_at)
                await self._journal.noted(ref, asker, answer)
                return Begun(ref, asker, at, Outcome(ref, answer, before.user_id))
            # Somebody else may have begun meanwhile.
            shared = self._under_way.setdefault(
                ref, _Shared(ref, self._cad, self._journal, self._board, self._under_way)
            )
        try:
            await self._journal.asked(shared.request, ref, asker)
        except JournalError:
            shared.dropped()
            raise
        return Begun(ref, asker, at, shared.begun(), shared.call)


def check_id(name: str, value: int) -> None:
    """Refuse an id that the CAD can't have given out.

    discord.py passes on whatever type arrives, and a malformed request can get the community's key blocked.
    """
    if an_id(value) is None:
        raise Refused(words.id_out_of_range(name, value))


def _log(outcome: Outcome, asker: Asker, begun: float) -> None:
    answer = outcome.answer
    log.info(
        "%s%s: %s (%s), asked by user %s in guild %s, %.2f s%s%s",
        outcome.ref,
        " again" if outcome.action == CREATE else "",
        "created" if outcome.action == CREATE and answer.done else answer.end.value,
        words.cause(answer),
        asker.user_id,
        asker.guild_id,
        time() - begun,
        "" if outcome.waited is None else f", of them {outcome.waited:.2f} s in the line",
        f"; the CAD's text: {cut(clean(answer.said), 300)}" if answer.said else "",
    )
