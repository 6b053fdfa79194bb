"""The one way to the CAD, for the whole bot. Read it from `begin_removal` downwards: the life of one removal."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Self, TypeVar

from bot.cad import v1, v2
from bot.cad.dialect import Dialect
from bot.cad.errand import Errand, Life, Removal, Witness
from bot.cad.line import Line
from bot.cad.looks import Looks
from bot.cad.model import Account, Answer, CallRef, EmergencyCall, End, Kind, OpenCalls, Place, Plan, Server, Why
from bot.cad.wire import Wire
from bot.cad.worker import Clock, NoTurn, WallClock, Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

DIALECTS: Mapping[str, Dialect] = {"v1": v1, "v2": v2}
"""The versions of the CAD's API, by their names in the settings."""
BETWEEN_CHECKS = 60.0
"""Seconds between two re-checks of the breaker."""


Told = Callable[[Place], Awaitable[None]]


class CadClient:
    """Speaks to the CAD. Open it before Discord, close it after.

    Everything is done by a worker and its tasks, which belong to nobody's command: a removal goes on when whoever
    asked is cancelled, and no command's task holds a timer.

    Args:
        account: which CAD, and as whom.
        dialect: which version of its API is spoken; never another.
        patience: seconds for one exchange, from connecting to the last byte of the answer.
        clock: what the line, the budget and the breaker go by.
        line: who goes when; one within the dialect's limits by default.
    """

    def __init__(
        self,
        account: Account,
        dialect: Dialect = v1,
        *,
        patience: float = 10.0,
        clock: Clock | None = None,
        line: Line | None = None,
    ) -> None:
        self._account = account
        self._dialect = dialect
        self._wire = Wire(account, dialect.headers(account), patience)
        self._worker = Worker(clock or WallClock(), line or Line(dialect.LIMITS))
        self._looks = Looks(account, dialect, self._wire, self._worker, patience)
        self._checked = float("-inf")

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        self._worker.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._worker.close()
        await self._wire.__aexit__(None, None, None)

    # What the rest of the bot asks for. These run in a command's task, so they only wait for plain futures.

    @property
    def plan(self) -> Plan | None:
        """The community's plan, or None while that is not known."""
        return self._looks.plan

    @property
    def plan_said(self) -> str:
        """How the CAD put the plan: its own text, unbounded."""
        return self._looks.plan_said

    def held_back(self) -> dict[Kind, Answer]:
        """Say which kinds of request are not sent any more, each with the refusal that opened the breaker for it."""
        return {kind: held for kind in Kind if (held := self._worker.breaker.refusal(kind)) is not None}

    def waiting(self) -> int:
        """Return how many requests wait in the line."""
        return self._worker.waiting()

    def begin_removal(self, ref: CallRef, witness: Witness | None = None) -> Removal:
        """Ask the CAD to remove a call, and return at once; `follow` tells how it ended.

        Args:
            ref: the call.
            witness: is told when it is about to be sent, and how it ended.
        """
        return self._begin(Errand(ref, self._worker.clock.now(), witness), self._remove)

    def begin_look_up(self, ref: CallRef) -> Removal:
        """Find out what became of a removal that was sent before this client was there; sends no removal.

        Its answer is GONE where the open calls can be read and lack the call, else UNKNOWN.
        """
        return self._begin(Errand(ref, self._worker.clock.now(), sent=True), self._look_up)

    async def follow(self, removal: Removal, told: Told | None = None) -> Answer:
        """Wait for a removal's end. Every ending is an `Answer`; nothing is raised but cancellation.

        Args:
            removal: what was begun. Any number of commands may follow one.
            told: called once, where there is a wait worth telling, with the place in the line.
        """
        if told is not None:
            place = await removal.news()
            if place is not None and place.at > time.time():  # who joins late has no place any more
                await told(place)
        return await removal.end()

    async def create_911(self, call: EmergencyCall, witness: Witness | None = None, told: Told | None = None) -> Answer:
        """Create a call like this one on its server; never sent again once it may have reached the CAD.

        Args:
            call: what it says; its number is not used.
            witness: as for a removal.
            told: as for `follow`.
        """
        errand = self._begin(Errand(call.ref, self._worker.clock.now(), witness), partial(self._create, call))
        return await self.follow(errand, told)

    async def calls(self, server_id: int) -> OpenCalls | Answer:
        """Look at a server's open 911 calls. Never sent unless the plan is known to have the list."""
        return await self._by_the_worker(partial(self._looks.calls, server_id))

    async def servers(self) -> tuple[Server, ...] | Answer:
        """Look at the community's servers. Never sent unless the plan is known to have the list."""
        return await self._by_the_worker(self._looks.servers)

    def find_out_plan(self) -> None:
        """Ask in the background which plan the community has, which also tells whether the key is good."""
        self._worker.start(self._find_out_plan)

    async def recheck(self) -> Answer:
        """Ask for the plan, past the breaker; an answer closes the breaker: all will be tried again.

        Returns:
            An answer that is `done`, or one that says why not. NOT_SENT with BUSY and `at`: not so soon again.
        """
        return await self._by_the_worker(self._recheck)

    async def drain(self, limit: float) -> None:
        """Take no more, tell all who wait "not sent", and give what is on the wire `limit` seconds, without repeats.

        What has not ended by then is told as unknown: it was sent, and nobody waits for its answer.
        """
        await self._worker.drain(limit)

    # One errand, from its first turn to its end.

    def _begin(self, errand: Errand, life: Life) -> Errand:
        self._worker.start(partial(self._live, errand, life))
        return errand

    async def _live(self, errand: Errand, life: Life) -> None:
        try:
            answer = await life(errand)
        except NoTurn as no:
            answer = no.answer
        except asyncio.CancelledError:
            answer = errand.stopped()
        except Exception:
            log.exception("%s: a bug in this bot", errand.ref)
            answer = errand.failed()
        await errand.settle(answer)

    async def _remove(self, errand: Errand) -> Answer:
        ask = self._dialect.remove_911(self._account, errand.ref)
        first = await self._looks.ask(ask, errand)
        if first.why is Why.BUSY:
            errand.nothing_came_of_it()
            first = await self._looks.ask(ask, errand)
        if first.end is not End.UNKNOWN:
            return self._looks.what_is_not_there(errand.ref, first)
        if await self._looks.is_gone(errand):
            return Answer(End.GONE, Why.NOT_LISTED)
        if errand.seen_open is not None:
            first = replace(first, at=errand.seen_open)
        try:
            second = self._looks.what_is_not_there(errand.ref, await self._looks.ask(ask, errand))
        except NoTurn:
            return first
        # A refusal of the second says nothing of what became of the first.
        return second if second.end in (End.REMOVED, End.GONE) else first

    async def _look_up(self, errand: Errand) -> Answer:
        if await self._looks.is_gone(errand):
            return Answer(End.GONE, Why.NOT_LISTED)
        return Answer(End.UNKNOWN, Why.RESTARTED, at=errand.seen_open)

    async def _create(self, call: EmergencyCall, errand: Errand) -> Answer:
        ask = self._dialect.create_911(self._account, call)
        answer = await self._looks.ask(ask, errand)
        if answer.status != 429:
            return answer
        # The gateway refused it, so the CAD never saw it; of anything else that can't be said for certain.
        errand.nothing_came_of_it()
        return await self._looks.ask(ask, errand)

    # What is looked at.

    async def _by_the_worker(self, look: Callable[[], Coroutine[None, None, T | Answer]]) -> T | Answer:
        """Let a job of the worker look, and wait for what it saw."""

        async def job() -> T | Answer:
            try:
                return await look()
            except NoTurn as no:
                return no.answer
            except Exception:
                log.exception("a look at the CAD: a bug in this bot")
                return Answer(End.UNKNOWN, Why.OUR_BUG)

        return await self._worker.do(job, Answer(End.NOT_SENT, Why.CLOSING))

    async def _find_out_plan(self) -> None:
        try:
            await self._looks.find_out_plan()
        except NoTurn as no:
            log.info("the CAD's plan could not be asked for (%s)", no)

    async def _recheck(self) -> Answer:
        now = self._worker.clock.now()
        if now < self._checked + BETWEEN_CHECKS:
            return Answer(End.NOT_SENT, Why.BUSY, at=time.time() + self._checked + BETWEEN_CHECKS - now)
        self._checked = now
        if refusal := await self._looks.ask_for_plan(past_breaker=True):
            return refusal
        self._worker.breaker.close()
        log.info("the CAD answered: requests will be tried again")
        return Answer(End.REMOVED, Why.CONFIRMED)
