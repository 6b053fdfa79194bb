"""What changes something at the CAD, on its way there: a removal or a creation, and who follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from bot.cad.line import LONGEST, Waiting
from bot.cad.model import Answer, CallRef, End, Kind, Place, Why
from bot.cad.worker import NoTurn

BUDGET = 25.0
"""Seconds that an errand has from its turn, waits for a busy CAD aside."""


class Witness(Protocol):
    """Is told how far an errand has come. It is called by a task of the client's, which no asker's end can cancel."""

    async def sending(self) -> bool:
        """Note that it is about to be sent; False where that can't be noted, and then it is not sent."""
        ...

    async def ended(self, answer: Answer) -> None:
        """Note how it ended, before anybody reads it. Must not raise."""
        ...


@dataclass(eq=False, slots=True)
class Errand:
    """A removal on its way, or a creation: then `ref` is the call that it was. Any number of commands may follow it."""

    ref: CallRef
    asked: float
    witness: Witness | None = None
    # The place in a line that is worth telling, if there was one.
    place: Place | None = None
    # How it ended, and who waits for news of it, each with a future of their own, so that one may be cancelled.
    answer: Answer | None = None
    _waiting: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])
    # Whether the witness has noted that it is about to be sent, once, or there is none.
    noted: bool = field(init=False)
    # Whether a request of it may have done something: one is on the wire, or was, and got no clear answer.
    sent: bool = False
    # Whether it had a turn already, and when its budget ends; a wait for a busy CAD starts the budget anew.
    begun: bool = False
    ends: float | None = None
    # Seconds that it waited for its turns, in all.
    waited: float = 0.0
    # The time of day at which it was seen among the open calls, after it was sent.
    seen_open: float | None = None

    def __post_init__(self) -> None:
        self.noted = self.witness is None

    def waits(self, kind: Kind, patience: float) -> Waiting:
        """Return how it stands in the line for its next step; the exchange may take `patience` seconds."""
        # Within the budget a step has to have an end, not only a beginning.
        latest = self.asked + LONGEST if self.ends is None else self.ends - patience
        return Waiting(kind, latest, begun=self.begun)

    def begins(self, now: float) -> None:
        """Take the turn that has come."""
        self.begun, self.ends = True, self.ends or now + BUDGET

    async def note(self) -> None:
        """Let the witness note that it is about to be sent.

        Raises:
            NoTurn: that could not be noted, so it must not be sent.
        """
        self.noted = self.witness is None or await self.witness.sending()
        if not self.noted:
            raise NoTurn(Answer(End.NOT_SENT, Why.JOURNAL))

    def nothing_came_of_it(self) -> None:
        """Note that the CAD was too busy, or its turn is over before it was sent; waiting for that is not counted."""
        self.sent, self.ends = False, None

    def stopped(self) -> Answer:
        """Return what is told of it where it is cut short."""
        return Answer(End.UNKNOWN, Why.STOPPED) if self.sent else Answer(End.NOT_SENT, Why.CLOSING)

    def failed(self) -> Answer:
        """Return what is told of it where this bot failed."""
        return Answer(End.UNKNOWN if self.sent else End.NOT_SENT, Why.OUR_BUG)

    def tell(self, place: Place) -> None:
        """Let all who follow it know its place in the line. Each reads it once: who joins late, as it is by then."""
        first, self.place = self.place is None, place
        if first:
            self._spread()

    async def settle(self, answer: Answer) -> None:
        """Let the witness note how it ended, and then all who follow it read it."""
        try:
            if self.witness is not None:
                await self.witness.ended(answer)
        finally:  # a drain can cut the note short, and the answer is true all the same
            self.answer = answer
            self._spread()

    async def news(self) -> Place | None:
        """Wait until there is a place worth telling, and return it; None where it ended without one."""
        while self.place is None and self.answer is None:
            await self._more()
        return self.place

    async def end(self) -> Answer:
        """Wait for its end."""
        while self.answer is None:
            await self._more()
        return self.answer

    def _more(self) -> asyncio.Future[None]:
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    def _spread(self) -> None:
        for one in self._waiting:
            if not one.done():
                one.set_result(None)
        self._waiting.clear()


Removal = Errand
Life = Callable[[Errand], Coroutine[None, None, Answer]]
