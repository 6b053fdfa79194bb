"""The one way to the CAD, for the whole bot. Read it from `begin_removal` downwards: the life of one removal."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from bot.cad import v1
from bot.cad.line import LONGEST, Line, Waiting
from bot.cad.model import Account, Answer, CallRef, End, Kind, Place, Plan, Reply, Request, Why
from bot.cad.wire import Wire
from bot.cad.worker import Clock, NoTurn, WallClock, Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

BUDGET = 25.0
"""Seconds that a removal has from its turn, waits for a busy CAD aside."""
BETWEEN_CHECKS = 60.0
"""Seconds between two re-checks of the breaker."""

Told = Callable[[Place], Awaitable[None]]
Understand = Callable[[Reply, v1.Hide], "T | Answer"]


class Witness(Protocol):
    """Is told how far a removal has come. It is called by the worker's task, which no asker's end can cancel."""

    async def sending(self) -> bool:
        """Note that the removal is about to be sent; False where that can't be noted, and then it is not sent."""
        ...

    async def ended(self, answer: Answer) -> None:
        """Note how it ended, before anybody reads it. Must not raise."""
        ...


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class Removal:
    """A removal on its way. Whoever asks for it follows it; how many do is no matter of the client's."""

    ref: CallRef
    asked: float
    witness: Witness | None = None
    answer: asyncio.Future[Answer] = field(default_factory=_future)
    # Set once, to the place in a line that is worth telling, or to None where there was none.
    place: asyncio.Future[Place | None] = field(default_factory=_future)
    # Whether a request of it may have done something: one is on the wire, or was, and got no clear answer.
    sent: bool = False
    # Whether it had a turn already, and when its budget ends; a wait for a busy CAD starts the budget anew.
    begun: bool = False
    ends: float | None = None
    # Seconds that it waited for its turns, in all.
    waited: float = 0.0
    # The time of day at which it was seen among the open calls, after it was sent.
    seen_open: float | None = None

    def settle(self, answer: Answer) -> None:
        """Let all who follow it read how it ended."""
        if not self.place.done():
            self.place.set_result(None)
        self.answer.set_result(answer)


Life = Callable[[Removal], Coroutine[None, None, Answer]]


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
        self._worker = Worker(clock or WallClock(), line or Line())
        self._plan: Plan | None = None
        self._plan_unreadable = False
        self._checked = float("-inf")

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        self._worker.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._worker.close()
        await self._wire.__aexit__(kind, error, trace)

    # What the rest of the bot asks for. These run in a command's task, so they only wait for plain futures.

    def begin_removal(self, ref: CallRef, witness: Witness | None = None) -> Removal:
        """Ask the CAD to remove a call, and return at once; `follow` tells how it ended.

        Args:
            ref: the call.
            witness: is told when it is about to be sent, and how it ended.
        """
        return self._begin(Removal(ref, self._worker.clock.now(), witness), self._remove)

    def begin_look_up(self, ref: CallRef) -> Removal:
        """Find out what became of a removal that was sent before this client was there; sends no removal.

        Its answer is GONE where the open calls can be read and lack the call, else UNKNOWN.
        """
        return self._begin(Removal(ref, self._worker.clock.now(), sent=True), self._look_up)

    async def follow(self, removal: Removal, told: Told | None = None) -> Answer:
        """Wait for a removal's end. Every ending is an `Answer`; nothing is raised but cancellation.

        Args:
            removal: what was begun. Any number of commands may follow one.
            told: called once, where there is a wait worth telling, with the place in the line.
        """
        place = await asyncio.shield(removal.place)
        if place is not None and told is not None and place.at > time.time():  # who joins late has no place any more
            await told(place)
        return await asyncio.shield(removal.answer)

    @property
    def plan(self) -> Plan | None:
        """The community's plan, where the CAD has told it."""
        return self._plan

    def held_back(self) -> Answer | None:
        """Return the refusal after which something is not sent any more, or None where the breaker is closed."""
        return next((held for kind in Kind if (held := self._worker.breaker.refusal(kind)) is not None), None)

    def waiting(self) -> int:
        """Return how many requests wait in the line."""
        return self._worker.waiting()

    def find_out_plan(self) -> None:
        """Ask in the background which plan the community has, which also tells whether the key is good."""
        self._worker.start(self._find_out_plan)

    async def recheck(self) -> Answer:
        """Ask for the plan, past the breaker; an answer closes the breaker: all will be tried again.

        Returns:
            An answer that is `done`, or one that says why not. NOT_SENT with BUSY and `at`: not so soon again.
        """
        if self._worker.closing:
            return Answer(End.NOT_SENT, Why.CLOSING)
        asked: asyncio.Future[Answer] = _future()
        self._worker.start(partial(self._recheck, asked))
        return await asyncio.shield(asked)

    async def drain(self, limit: float) -> None:
        """Take no more, tell all who wait "not sent", and give what is on the wire `limit` seconds, without repeats.

        What has not ended by then is told as unknown: it was sent, and nobody waits for its answer.
        """
        await self._worker.drain(limit)

    # One removal, from its first turn to its end.

    def _begin(self, removal: Removal, life: Life) -> Removal:
        self._worker.start(partial(self._live, removal, life))
        return removal

    async def _live(self, removal: Removal, life: Life) -> None:
        try:
            answer = await life(removal)
        except NoTurn as no:
            answer = no.answer
        except asyncio.CancelledError:
            answer = Answer(End.UNKNOWN, Why.STOPPED) if removal.sent else Answer(End.NOT_SENT, Why.CLOSING)
        except Exception:
            log.exception("%s: a bug in this bot", removal.ref)
            answer = Answer(End.UNKNOWN if removal.sent else End.NOT_SENT, Why.OUR_BUG)
        if removal.witness is not None:
            await removal.witness.ended(answer)
        removal.settle(answer)

    async def _look_up(self, removal: Removal) -> Answer:
        if await self._is_gone(removal):
            return Answer(End.GONE, Why.NOT_LISTED)
        return Answer(End.UNKNOWN, Why.RESTARTED, at=removal.seen_open)

    async def _remove(self, removal: Removal) -> Answer:
        first = await self._send_removal(removal)
        if first.why is Why.BUSY:
            removal.sent, removal.ends = False, None
            first = await self._send_removal(removal)
        if first.end is not End.UNKNOWN:
            return first
        if await self._is_gone(removal):
            return Answer(End.GONE, Why.NOT_LISTED)
        if removal.seen_open is not None:
            first = replace(first, at=removal.seen_open)
        try:
            second = await self._send_removal(removal)
        except NoTurn:
            return first
        # A refusal of the second says nothing of what became of the first.
        return second if second.end in (End.REMOVED, End.GONE) else first

    async def _is_gone(self, removal: Removal) -> bool:
        """Look at the open calls, where the plan has them and a step fits; False where that is not known."""
        try:
            if self._plan is None and not self._plan_unreadable:
                await self._ask_plan(removal)
            if self._plan is None or not self._plan.lists_calls:
                return False
            request = v1.get_calls(self._account, removal.ref.server_id)
            calls = await self._ask(request, v1.understand_calls, removal)
        except NoTurn:
            return False
        if isinstance(calls, Answer):
            return False
        if removal.ref.call_id in calls:
            removal.seen_open = time.time()
        return removal.seen_open is None

    async def _send_removal(self, removal: Removal) -> Answer:
        return await self._ask(v1.remove_911(self._account, removal.ref), v1.understand_removal, removal)

    # The plan, and the breaker's re-check.

    async def _ask_plan(self, removal: Removal | None = None, *, past_breaker: bool = False) -> Plan | Answer:
        request = v1.get_version(self._account)
        plan = await self._ask(request, v1.understand_version, removal, past_breaker=past_breaker)
        # An answer that came whole and says nothing that we know; a broken one may be better next time.
        self._plan_unreadable = isinstance(plan, Answer) and plan.why is Why.UNREADABLE and plan.status is not None
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
        now = self._worker.clock.now()
        try:
            if now < self._checked + BETWEEN_CHECKS:
                answer = Answer(End.NOT_SENT, Why.BUSY, at=time.time() + self._checked + BETWEEN_CHECKS - now)
                return
            self._checked = now
            plan = await self._ask_plan(past_breaker=True)
            if isinstance(plan, Plan):
                self._worker.breaker.close()
                log.info("the CAD answered: requests will be tried again")
            answer = Answer(End.REMOVED, Why.CONFIRMED) if isinstance(plan, Plan) else plan
        except NoTurn as no:
            answer = no.answer
        finally:
            asked.set_result(answer)

    # One request: its turn, its exchange, and what follows from the answer for the others.

    async def _ask(
        self, request: Request, understand: Understand[T], removal: Removal | None, *, past_breaker: bool = False
    ) -> T | Answer:
        now = self._worker.clock.now
        if removal is None:
            await self._worker.turn(Waiting(request.kind, now() + LONGEST), past_breaker=past_breaker)
        else:
            # Within the budget a step has to have an end, not only a beginning.
            latest = removal.asked + LONGEST if removal.ends is None else removal.ends - self._patience
            joined = now()
            try:
                await self._worker.turn(Waiting(request.kind, latest, begun=removal.begun), removal.place)
            finally:
                removal.waited += now() - joined
            removal.begun, removal.ends = True, removal.ends or now() + BUDGET
            if request.kind is Kind.REMOVE and not removal.sent:
                if removal.witness is not None and not await removal.witness.sending():
                    raise NoTurn(Answer(End.NOT_SENT, Why.JOURNAL))
                removal.sent = True
        reply = await self._wire.exchange(request)
        result = understand(reply, self._wire.hide) if isinstance(reply, Reply) else reply
        return self._worker.heed(request.kind, result) if isinstance(result, Answer) else result
