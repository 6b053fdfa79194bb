"""The one way to the CAD, for the whole bot: turns, repeats, the breaker. Read it from `remove_911` downwards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from bot.cad import v1
from bot.cad.breaker import Breaker
from bot.cad.line import LONGEST, Line, Waiting, busy_for
from bot.cad.model import Account, Answer, CallRef, End, Kind, Place, Plan, Reply, Request, Why
from bot.cad.wire import Wire

log = logging.getLogger(__name__)
T = TypeVar("T")

BUDGET = 25.0
"""Seconds that a removal has from its turn, waits for a busy CAD aside."""
TELL_ABOVE = 2.0
"""Seconds of waiting above which somebody is told their place."""
BETWEEN_CHECKS = 60.0
"""Seconds between two re-checks of the breaker."""

Told = Callable[[Place], Awaitable[None]]
Understand = Callable[[Reply, v1.Hide], "T | Answer"]


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
class _Removal:
    """A removal on its way, shared by all who ask for the same call meanwhile."""

    ref: CallRef
    asked: float
    answer: asyncio.Future[Answer]
    # Set once, to the place in a line that is worth telling, or to None where there was none.
    place: asyncio.Future[Place | None]
    # Whether a request of it may have done something: one is on the wire, or was, and got no clear answer.
    sent: bool = False
    # Whether it had a turn already, and when its budget ends; a wait for a busy CAD starts the budget anew.
    begun: bool = False
    ends: float | None = None

    def settle(self, answer: Answer) -> None:
        if not self.place.done():
            self.place.set_result(None)
        if not self.answer.done():
            self.answer.set_result(answer)


@dataclass(eq=False, slots=True)
class _Turn:
    """Somebody's turn that is waited for."""

    who: Waiting
    removal: _Removal | None
    past_breaker: bool
    come: asyncio.Future[Answer | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class CadClient:
    """Speaks to the CAD. Open it before Discord, close it after.

    Everything is done by a worker and its tasks, which belong to nobody's command: a removal goes on when whoever
    asked is cancelled, and no command's task holds a timer.

    Args:
        account: which CAD, and as whom.
        patience: seconds for one exchange, from connecting to the last byte of the answer.
        connect_patience: seconds of those for connecting.
        clock: what the line, the budget and the breaker go by.
        line: who goes when.
    """

    def __init__(
        self,
        account: Account,
        *,
        patience: float = 10.0,
        connect_patience: float = 5.0,
        clock: Clock | None = None,
        line: Line | None = None,
    ) -> None:
        self._account = account
        self._patience = patience
        self._wire = Wire(account, patience, connect_patience)
        self._clock: Clock = clock or WallClock()
        self._line = line or Line()
        self._breaker = Breaker()
        self._plan: Plan | None = None
        self._checked = float("-inf")
        self._inbox: list[Callable[[], Coroutine[None, None, None]]] = []
        self._changed = asyncio.Event()
        self._turns: dict[Waiting, _Turn] = {}
        self._removals: dict[CallRef, _Removal] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._closing = False

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        self._worker = asyncio.create_task(self._work(), name="cad-worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(0)
        self._worker.cancel()
        await asyncio.wait([self._worker])
        await self._wire.__aexit__(kind, error, trace)

    # What the rest of the bot asks for. These run in a command's task, so they only wait for plain futures.

    async def remove_911(self, ref: CallRef, told: Told | None = None) -> Answer:
        """Ask the CAD to remove a call. Every ending is an `Answer`; nothing is raised but cancellation.

        Args:
            ref: the call. Whoever asks for one that is on its way already shares that request.
            told: called once, where there is a wait of more than `TELL_ABOVE` seconds, with the place in the line.
        """
        if self._closing:
            return Answer(End.NOT_SENT, Why.CLOSING)
        removal = self._removals.get(ref)
        if removal is None:
            loop = asyncio.get_running_loop()
            removal = _Removal(ref, self._clock.now(), loop.create_future(), loop.create_future())
            self._removals[ref] = removal
            self._start(partial(self._remove, removal))
        place = await asyncio.shield(removal.place)
        if place is not None and told is not None:
            await told(place)
        return await asyncio.shield(removal.answer)

    def find_out_plan(self) -> None:
        """Ask once, in the background, which plan the community has, which also tells whether the key is good."""
        self._start(self._find_out_plan)

    async def recheck(self) -> Answer:
        """Ask for the plan, past the breaker; an answer closes the breaker: all will be tried again.

        Returns:
            An answer that is `done`, or one that says why not. NOT_SENT with BUSY and `at`: not so soon again.
        """
        asked: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._start(partial(self._recheck, asked))
        return await asyncio.shield(asked)

    async def drain(self, limit: float) -> None:
        """Take no more, tell all who wait "not sent", and give what is on the wire `limit` seconds, without repeats.

        What has not ended by then is told as unknown: it was sent, and nobody waits for its answer.
        """
        self._closing = True
        self._inbox_to_jobs()
        await asyncio.sleep(0)  # a job that is cancelled before it has begun would settle nothing
        for turn in tuple(self._turns.values()):
            self._refuse(turn, Answer(End.NOT_SENT, Why.CLOSING))
        if self._jobs:
            _, late = await asyncio.wait(self._jobs, timeout=limit)
            for job in late:
                job.cancel()
            if late:
                await asyncio.wait(late)

    # One removal, from its first turn to its end.

    async def _remove(self, removal: _Removal) -> None:
        try:
            answer = await self._removed(removal)
        except NoTurn as no:
            answer = no.answer
        except asyncio.CancelledError:
            answer = Answer(End.UNKNOWN, Why.NO_ANSWER) if removal.sent else Answer(End.NOT_SENT, Why.CLOSING)
        except Exception:
            log.exception("%s: a bug in this bot", removal.ref)
            answer = Answer(End.UNKNOWN if removal.sent else End.NOT_SENT, Why.OUR_BUG)
        del self._removals[removal.ref]
        removal.settle(answer)

    async def _removed(self, removal: _Removal) -> Answer:
        first = await self._send_removal(removal)
        if first.why is Why.BUSY:
            removal.sent, removal.ends = False, None
            first = await self._send_removal(removal)
        if first.end is not End.UNKNOWN:
            return first
        try:
            return await self._removed_after_all(removal, first)
        except NoTurn:
            return first

    async def _removed_after_all(self, removal: _Removal, first: Answer) -> Answer:
        """Settle a removal that was sent and got no usable answer: look, and send it once more."""
        ref = removal.ref
        if await self._lists_calls(removal):
            calls = await self._ask(v1.get_calls(self._account, ref.server_id), v1.understand_calls, removal)
            if isinstance(calls, frozenset):
                if ref.call_id not in calls:
                    return Answer(End.GONE, Why.NOT_LISTED)
                first = replace(first, at=time.time())
        try:
            second = await self._send_removal(removal)
        except NoTurn:
            return first
        # A refusal of the second says nothing of what became of the first.
        return second if second.end in (End.REMOVED, End.GONE) else first

    async def _send_removal(self, removal: _Removal) -> Answer:
        request = v1.remove_911(self._account, removal.ref)
        return await self._ask(request, v1.understand_removal, removal)

    async def _lists_calls(self, removal: _Removal) -> bool:
        if self._plan is None:
            await self._ask_plan(removal)
        return self._plan is not None and self._plan.lists_calls

    # The plan, and the breaker's re-check.

    async def _ask_plan(self, removal: _Removal | None = None, *, past_breaker: bool = False) -> Plan | Answer:
        request = v1.get_version(self._account)
        plan = await self._ask(request, v1.understand_version, removal, past_breaker=past_breaker)
        if isinstance(plan, Plan):
            self._plan = plan
            log.info("the CAD's plan is %s", plan.name.replace("_", " "))
        return plan

    async def _find_out_plan(self) -> None:
        try:
            await self._ask_plan()
        except NoTurn as no:
            log.info("the CAD's plan could not be asked for (%s)", no)

    async def _recheck(self, asked: asyncio.Future[Answer]) -> None:
        answer = Answer(End.NOT_SENT, Why.CLOSING)
        now = self._clock.now()
        try:
            if now < self._checked + BETWEEN_CHECKS:
                wait = self._checked + BETWEEN_CHECKS - now
                answer = Answer(End.NOT_SENT, Why.BUSY, at=time.time() + wait)
                return
            self._checked = now
            plan = await self._ask_plan(past_breaker=True)
            if isinstance(plan, Plan):
                self._breaker.close()
                log.info("the CAD answered: requests will be tried again")
            answer = Answer(End.REMOVED, Why.CONFIRMED) if isinstance(plan, Plan) else plan
        except NoTurn as no:
            answer = no.answer
        finally:
            asked.set_result(answer)

    # One request: its turn, its exchange, and what follows from the answer for the others.

    async def _ask(
        self, request: Request, understand: Understand[T], removal: _Removal | None, *, past_breaker: bool = False
    ) -> T | Answer:
        await self._turn(request.kind, removal, past_breaker=past_breaker)
        if removal is not None and request.kind is Kind.REMOVE:
            removal.sent = True
        reply = await self._wire.exchange(request)
        result = understand(reply, self._wire.hide) if isinstance(reply, Reply) else reply
        if isinstance(result, Answer):
            result = self._heed(request.kind, result)
        return result

    def _heed(self, kind: Kind, answer: Answer) -> Answer:
        if answer.why is Why.BUSY:
            wait = busy_for(answer.retry_after)
            self._line.close(kind, self._clock.now() + wait)
            self._changed.set()
            log.warning("the CAD is busy: no %s request for %.0f s", kind.name, wait)
            return replace(answer, at=time.time() + wait)
        if self._breaker.heed(kind, answer, time.time()):
            log.error(
                "the CAD refused (%s), and only a person can mend that: nothing of the kind is sent any more",
                answer.why.name,
            )
            self._changed.set()
        return answer

    async def _turn(self, kind: Kind, removal: _Removal | None, *, past_breaker: bool) -> None:
        """Wait for a turn in the line.

        Raises:
            NoTurn: there is none: the line is full, it would be too late, the breaker is open, the bot stops.
        """
        now = self._clock.now()
        refusal = None if past_breaker else self._breaker.refusal(kind)
        if self._closing:
            refusal = Answer(End.NOT_SENT, Why.CLOSING)
        if refusal is not None:
            raise NoTurn(refusal)
        turn = _Turn(self._waiting(kind, removal, now), removal, past_breaker)
        if not self._line.join(turn.who):
            raise NoTurn(Answer(End.NOT_SENT, Why.LINE_FULL))
        self._turns[turn.who] = turn
        self._changed.set()
        if (refusal := await turn.come) is not None:
            raise NoTurn(refusal)
        if removal is not None and removal.ends is None:
            removal.begun, removal.ends = True, self._clock.now() + BUDGET

    def _waiting(self, kind: Kind, removal: _Removal | None, now: float) -> Waiting:
        if removal is None:
            return Waiting(kind, latest=now + LONGEST)
        # Within the budget a step has to have an end, not only a beginning.
        latest = removal.asked + LONGEST if removal.ends is None else removal.ends - self._patience
        return Waiting(kind, latest, begun=removal.begun)

    # The worker: it alone looks at the clock, and lets go whose turn it is.

    def _start(self, job: Callable[[], Coroutine[None, None, None]]) -> None:
        self._inbox.append(job)
        self._changed.set()

    def _inbox_to_jobs(self) -> None:
        while self._inbox:
            job = asyncio.create_task(self._inbox.pop(0)(), name="cad-job")
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

    async def _work(self) -> None:
        while True:
            try:
                await self._let_go_the_next()
            except Exception:
                log.exception("a bug in this bot: all who wait are sent away")
                for turn in tuple(self._turns.values()):
                    self._refuse(turn, Answer(End.NOT_SENT, Why.OUR_BUG))

    async def _let_go_the_next(self) -> None:
        if self._changed.is_set():
            self._changed.clear()
            self._inbox_to_jobs()
            self._look_after_all()
        now = self._clock.now()
        first = next(self._line.turns(now), None)
        if first is None:
            await self._changed.wait()
        elif first.at > now:
            await self._sleep_unless_changed(first.at - now)
        else:
            self._line.take(first, now)
            self._turns.pop(first.who).come.set_result(None)

    async def _sleep_unless_changed(self, seconds: float) -> None:
        waits = [asyncio.create_task(self._clock.sleep(seconds)), asyncio.create_task(self._changed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _look_after_all(self) -> None:
        """Tell all who wait what has changed for them: no turn any more, or a place worth telling."""
        for who in self._line.everybody():
            refusal = self._breaker.refusal(who.kind)
            if refusal is not None and not self._turns[who].past_breaker:
                self._refuse(self._turns[who], refusal)
        now = self._clock.now()
        for turn in list(self._line.turns(now)):
            waiting = self._turns[turn.who]
            at = time.time() + turn.at - now
            if turn.at > turn.who.latest:
                self._refuse(waiting, Answer(End.NOT_SENT, Why.BUSY, at=at))
            elif waiting.removal is not None and turn.at - now > TELL_ABOVE and not waiting.removal.place.done():
                waiting.removal.place.set_result(Place(turn.ahead, at))

    def _refuse(self, turn: _Turn, answer: Answer) -> None:
        self._line.leave(turn.who)
        del self._turns[turn.who]
        turn.come.set_result(answer)
