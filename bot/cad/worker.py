"""The worker behind the client: it alone looks at the clock, and lets each request go when its turn has come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Protocol, TypeVar

from bot.cad.breaker import Breaker
from bot.cad.line import Line, Waiting, busy_for
from bot.cad.model import Answer, End, Kind, Place, Why
from bot.jobs import Job, Jobs

log = logging.getLogger(__name__)
T = TypeVar("T")

TELL_ABOVE = 2.0
"""Seconds of waiting above which somebody is told their place."""


class Clock(Protocol):
    """What tells the time, and waits."""

    def now(self) -> float:
        """Return seconds, from any beginning."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class WallClock:
    """The real one."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)


class NoTurn(Exception):  # noqa: N818 - not an error: a turn that does not come
    """A step is not taken; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.why.name)
        self.answer = answer


@dataclass(eq=False, slots=True)
class _Turn:
    """Somebody's turn that is waited for: None when it has come, or the answer for whoever gets none."""

    tell: Callable[[Place], None] | None
    past_breaker: bool
    come: asyncio.Future[Answer | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Worker:
    """Runs jobs, and gives them their turns.

    Args:
        clock: what it goes by.
        line: who goes when.
    """

    def __init__(self, clock: Clock, line: Line) -> None:
        self.clock = clock
        self.breaker = Breaker()
        self.closing = False
        self._line = line
        self._jobs = Jobs()
        self._changed = asyncio.Event()
        self._turns: dict[Waiting, _Turn] = {}

    def open(self) -> None:
        """Begin. The tasks are made here, so that they belong to whoever opens the client."""
        self._jobs.open()
        self._task = asyncio.create_task(self._work(), name="cad-worker")

    async def close(self) -> None:
        """End; whatever is still under way is cancelled."""
        await self.drain(0)
        await self._jobs.close()
        self._task.cancel()
        await asyncio.wait([self._task])

    def waiting(self) -> int:
        """Return how many wait for a turn."""
        return len(self._turns)

    def start(self, job: Job) -> None:
        """Run a job. May be called from a command's task, to which the job does not belong."""
        self._jobs.start(job)

    async def do(self, work: Callable[[], Coroutine[None, None, T]], otherwise: T) -> T:
        """Do work in a job, and wait for what it returns, or for `otherwise` where it is cut short."""
        return await self._jobs.do(work, otherwise)

    async def drain(self, limit: float) -> None:
        """Give no more turns, tell all who wait, and give the jobs `limit` seconds to end before they are cancelled."""
        self.closing = True
        for who in tuple(self._turns):
            self._refuse(who, Answer(End.NOT_SENT, Why.CLOSING))
        await self._jobs.end(limit)

    async def turn(
        self, who: Waiting, tell: Callable[[Place], None] | None = None, *, past_breaker: bool = False
    ) -> None:
        """Wait for a turn in the line.

        Args:
            who: what waits.
            tell: called where there is a wait worth telling, and again where that changes.
            past_breaker: whether it may go although the breaker is open.

        Raises:
            NoTurn: there is none: the line is full, it would be too late, the breaker is open, the bot stops.
        """
        refusal = None if past_breaker else self.breaker.refusal(who.kind)
        if self.closing:
            refusal = Answer(End.NOT_SENT, Why.CLOSING)
        if refusal is None and self._line.goes_at_once(who, self.clock.now()):
            return
        if refusal is None and not self._line.join(who):
            refusal = Answer(End.NOT_SENT, Why.LINE_FULL)
        if refusal is None:
            turn = self._turns[who] = _Turn(tell, past_breaker)
            self._changed.set()
            refusal = await turn.come
        if refusal is not None:
            raise NoTurn(refusal)

    def heed(self, kind: Kind, answer: Answer) -> Answer:
        """Draw from an answer what follows for all others of its kind; return it with the time that belongs to it."""
        if answer.done:
            return answer
        if answer.why is Why.BUSY:
            wait = busy_for(answer.retry_after)
            self._line.close(kind, self.clock.now() + wait)
            self._changed.set()
            log.warning("the CAD is busy: no %s request for %.0f s", kind.name, wait)
            return replace(answer, at=time.time() + wait)
        if self.breaker.heed(kind, answer, time.time()):
            self._changed.set()
            log.error(
                "the CAD refused (%s), and only a person can mend that: nothing of the kind is sent any more",
                answer.why.name,
            )
        return answer

    async def _work(self) -> None:
        while True:
            try:
                await self._let_go_the_next()
            except Exception:
                log.exception("a bug in this bot: all who wait are sent away")
                for who in tuple(self._turns):
                    self._refuse(who, Answer(End.NOT_SENT, Why.OUR_BUG))

    async def _let_go_the_next(self) -> None:
        changed = self._changed.is_set()
        self._changed.clear()
        if changed:
            self._heed_the_breaker()
        now = self.clock.now()
        due = list(takewhile(lambda turn: turn.at <= now, self._line.turns(now)))
        if changed and len(due) < len(self._turns):
            self._tell_who_waits(now)
        for turn in due:
            if turn.who not in self._turns:
                continue  # was told that it is too late
            if now > turn.who.latest:
                self._refuse(turn.who, Answer(End.NOT_SENT, Why.BUSY, at=time.time()))
            else:
                self._line.take(turn, now)
                self._turns.pop(turn.who).come.set_result(None)
        following = next(self._line.turns(now), None)
        if following is None:
            await self._changed.wait()
        elif following.at > now:
            await self._sleep_unless_changed(following.at - now)

    async def _sleep_unless_changed(self, seconds: float) -> None:
        waits = [asyncio.create_task(self.clock.sleep(seconds)), asyncio.create_task(self._changed.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _heed_the_breaker(self) -> None:
        for who, turn in tuple(self._turns.items()):
            refusal = self.breaker.refusal(who.kind)
            if refusal is not None and not turn.past_breaker:
                self._refuse(who, refusal)

    def _tell_who_waits(self, now: float) -> None:
        """Tell all who wait what has changed for them: no turn any more, or a place worth telling."""
        for turn in tuple(self._line.turns(now)):
            at = time.time() + turn.at - now
            tell = self._turns[turn.who].tell
            if turn.at > turn.who.latest:
                self._refuse(turn.who, Answer(End.NOT_SENT, Why.BUSY, at=at))
            elif tell is not None and turn.at - now > TELL_ABOVE:
                tell(Place(turn.ahead, at))

    def _refuse(self, who: Waiting, answer: Answer) -> None:
        self._line.leave(who)
        self._turns.pop(who).come.set_result(answer)
