"""Lookups: the community's plan, its servers and its open calls. They change nothing at the CAD."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from bot.cad.api import CadApi
from bot.cad.models import Account, CallRef, OpenCalls, Plan, ServerList
from bot.cad.operation import Operation
from bot.cad.pipeline import Pipeline
from bot.cad.results import Outcome, Reason, Result
from bot.cad.scheduler import NotSent
from bot.clock import Clock

log = logging.getLogger(__name__)


class Lookups:
    """Requests data from the CAD, in tasks of the scheduler. Its methods raise `NotSent` if they get no slot."""

    def __init__(self, account: Account, api: CadApi, pipeline: Pipeline, clock: Clock) -> None:
        self.plan: Plan | None = None  # None while it is not known
        self.plan_text = ""
        self._plan_unreadable = False
        # How many plan requests have completed: a caller that waited for the lock sees whether another one just asked.
        # Operations and lookups have a lock each.
        self._plan_responses = 0
        self._plan_locks = (asyncio.Lock(), asyncio.Lock())
        self.last_servers = ServerList()  # as last listed, by whatever asked for it
        self._account = account
        self._api = api
        self._pipeline = pipeline
        self._clock = clock

    async def open_calls(self, server_id: int, operation: Operation | None = None) -> OpenCalls | Result:
        """Fetch a server's open 911 calls. Nothing is sent unless the plan is known to include the list."""
        if error := await self._plan_error(lambda plan: plan.lists_calls, operation):
            return error
        return await self._pipeline.send(self._api.get_calls(self._account, server_id), operation)

    async def verify_removed(self, operation: Operation) -> bool:
        """Return True if the list of open calls proves that the call is gone, False if there is no proof."""
        try:
            calls = await self.open_calls(operation.ref.server_id, operation)
        except NotSent:
            return False
        if isinstance(calls, Result):
            return False
        if any(call.ref == operation.ref for call in calls.calls):
            operation.seen_open_at = self._clock.wall()
        return calls.proves_absent(operation.ref)

    async def servers(self) -> ServerList | Result:
        """Fetch the community's servers. Nothing is sent unless the plan is known to include the list."""
        if error := await self._plan_error(lambda plan: plan.lists_servers):
            return error
        listed_at = self._clock.wall()
        listed = await self._pipeline.send(self._api.get_servers(self._account))
        if isinstance(listed, Result):
            return listed
        self.last_servers = replace(listed, listed_at=listed_at)
        return self.last_servers

    async def ensure_plan(self, operation: Operation | None = None) -> None:
        """Fetch the plan if it is not known. Callers that need it at the same time share one request.

        Operations never share a lookup's request: it may queue for longer than an operation's time budget.
        """
        responses = self._plan_responses
        async with self._plan_locks[operation is None]:
            if self.plan is None and not self._plan_unreadable and self._plan_responses == responses:
                await self.fetch_plan(operation)

    async def fetch_plan(self, operation: Operation | None = None, *, past_breaker: bool = False) -> Plan | Result:
        """Fetch the plan; return it, or how the request ended instead."""
        request = self._api.get_version(self._account)
        version = await self._pipeline.send(request, operation, past_breaker=past_breaker)
        self._plan_responses += 1
        if isinstance(version, Result):
            # A retry helps after a broken response, but not after a complete one that names no known plan.
            self._plan_unreadable = version.reason is Reason.UNREADABLE and version.status is not None
            return version
        self.plan, self.plan_text = version.plan, version.text
        log.info("the CAD's plan is %s", version.plan.name.replace("_", " "))
        return version.plan

    def refine_404(self, ref: CallRef, result: Result) -> Result:
        """Turn a 404 into "no such server" if the last list of servers proves that."""
        listed = self.last_servers
        if result.reason is not Reason.NO_SUCH_CALL or not listed.proves_missing(ref.server_id):
            return result
        return replace(result, outcome=Outcome.REJECTED, reason=Reason.NO_SUCH_SERVER, listed_at=listed.listed_at)

    async def _plan_error(self, includes: Callable[[Plan], bool], operation: Operation | None = None) -> Result | None:
        """Return the result to use if the plan is not known or does not include a part of the API, else None."""
        await self.ensure_plan(operation)
        if self.plan is None:
            return Result(Outcome.NOT_SENT, Reason.PLAN_UNKNOWN)
        return None if includes(self.plan) else Result(Outcome.NOT_SENT, Reason.PLAN)
