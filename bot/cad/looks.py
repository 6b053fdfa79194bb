"""One request to the CAD and what follows from its answer; and what the look-ups taught about the community."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from bot.cad.dialect import Ask, Dialect
from bot.cad.errand import Errand
from bot.cad.line import LONGEST, Waiting
from bot.cad.model import Account, Answer, CallRef, End, Kind, OpenCalls, Plan, Reply, Server, Why
from bot.cad.wire import Wire
from bot.cad.worker import NoTurn, Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENT = LONGEST / 2
"""Seconds after which a look-up's turn is too late: a command may need two, one after the other."""
SLOW_NOTE = 0.5
"""Seconds for noting that something is about to be sent, past which it takes a new turn: all that a slow disk held up
would leave at once."""


class Looks:
    """Looks at the CAD. Its methods run in jobs of the worker, and raise `NoTurn` where there is no turn for them.

    Attributes:
        plan: the community's plan, or None while that is not known.
        plan_said: how the CAD put it: its own text, unbounded.
    """

    def __init__(self, account: Account, dialect: Dialect, wire: Wire, worker: Worker, patience: float) -> None:
        self.plan: Plan | None = None
        self.plan_said = ""
        self._plan_unreadable = False
        # How often an answer came to the question for it, and who has asked and waits: errands, and look-ups.
        self._plan_asked = 0
        self._finding_out = (asyncio.Lock(), asyncio.Lock())
        # The numbers of the CAD's servers, and the time of day at which they were all of them.
        self._servers: tuple[frozenset[int], float] | None = None
        self._account = account
        self._dialect = dialect
        self._wire = wire
        self._worker = worker
        self._patience = patience  # seconds that an exchange may take

    async def ask(self, ask: Ask[T], errand: Errand | None = None, *, past_breaker: bool = False) -> T | Answer:
        """Send a request when its turn has come, and understand what comes back.

        Args:
            ask: what is asked.
            errand: whose step it is, if anybody's.
            past_breaker: whether it may go although the breaker is open.
        """
        kind = ask.request.kind
        if errand is None:
            await self._worker.turn(Waiting(kind, self._worker.clock.now() + PATIENT), past_breaker=past_breaker)
        else:
            await self._turn_of(errand, kind)
        reply = await self._wire.exchange(ask.request)
        result = ask.understand(reply, self._wire.hide) if isinstance(reply, Reply) else reply
        return self._worker.heed(kind, result) if isinstance(result, Answer) else result

    async def _turn_of(self, errand: Errand, kind: Kind) -> None:
        now = self._worker.clock.now
        while True:
            joined = now()
            try:
                await self._worker.turn(errand.waits(kind, self._patience), errand.tell)
            finally:
                turned = now()
                errand.waited += turned - joined
            errand.begins(turned)
            if not kind.changes or errand.sent:
                return
            if not errand.noted:
                await errand.note()
            if now() <= turned + SLOW_NOTE:
                errand.sent = True
                return
            errand.nothing_came_of_it()

    async def calls(self, server_id: int, errand: Errand | None = None) -> OpenCalls | Answer:
        """Look at a server's open 911 calls; never sent unless the plan is known to have the list."""
        if refusal := await self._lack(lambda plan: plan.lists_calls, errand):
            return refusal
        return await self.ask(self._dialect.get_calls(self._account, server_id), errand)

    async def is_gone(self, errand: Errand) -> bool:
        """Look at the open calls, where the plan has them and a step fits; False where that is not known."""
        try:
            calls = await self.calls(errand.ref.server_id, errand)
        except NoTurn:
            return False
        if isinstance(calls, Answer):
            return False
        if any(call.ref == errand.ref for call in calls.calls):
            errand.seen_open = time.time()
        return calls.lack(errand.ref)

    async def servers(self) -> tuple[Server, ...] | Answer:
        """Look at the community's servers; never sent unless the plan is known to have the list."""
        if refusal := await self._lack(lambda plan: plan.lists_servers):
            return refusal
        listed = await self.ask(self._dialect.get_servers(self._account))
        if isinstance(listed, Answer):
            return listed
        self._servers = (frozenset(one.id for one in listed.servers), time.time()) if listed.whole else None
        return listed.servers

    async def find_out_plan(self, errand: Errand | None = None) -> None:
        """Ask for the plan while it is not known; whoever needs it meanwhile waits for the same answer.

        Errands share among themselves: a look-up stands behind them in the line, and their time is short.
        """
        asked = self._plan_asked
        async with self._finding_out[errand is None]:
            if self.plan is None and not self._plan_unreadable and self._plan_asked == asked:
                await self.ask_for_plan(errand)

    async def ask_for_plan(self, errand: Errand | None = None, *, past_breaker: bool = False) -> Answer | None:
        """Ask for the plan; return None where it is known now, or what came instead."""
        version = await self.ask(self._dialect.get_version(self._account), errand, past_breaker=past_breaker)
        self._plan_asked += 1
        if isinstance(version, Answer):
            # An answer that came whole and says nothing that we know; a broken one may be better next time.
            self._plan_unreadable = version.why is Why.UNREADABLE and version.status is not None
            return version
        self.plan, self.plan_said = version.plan, version.said
        log.info("the CAD's plan is %s", version.plan.name.replace("_", " "))
        return None

    def what_is_not_there(self, ref: CallRef, answer: Answer) -> Answer:
        """Say of a 404 whether it is the server that is not there, where the CAD's servers are known."""
        if answer.why is not Why.NO_SUCH_CALL or self._servers is None or ref.server_id in self._servers[0]:
            return answer
        return replace(answer, end=End.REJECTED, why=Why.NO_SUCH_SERVER, at=self._servers[1])

    async def _lack(self, part: Callable[[Plan], bool], errand: Errand | None = None) -> Answer | None:
        """Return what is told where the plan lacks a part of the API or none is known; None where it has it."""
        await self.find_out_plan(errand)
        if self.plan is None:
            return Answer(End.NOT_SENT, Why.PLAN_UNKNOWN)
        return None if part(self.plan) else Answer(End.NOT_SENT, Why.PLAN)
