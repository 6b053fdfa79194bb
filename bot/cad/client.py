"""The client of the CAD for the rest of the bot. To follow one removal, start reading at `start_removal`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, TypeVar

from bot.cad import v1, v2
from bot.cad.api import ApiRequest, CadApi
from bot.cad.lookups import Lookups
from bot.cad.models import Account, CallRef, EmergencyCall, OpenCalls, Plan, ServerList
from bot.cad.operation import Operation, OperationBody, ProgressRecorder
from bot.cad.pipeline import Pipeline
from bot.cad.request_queue import RequestQueue
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.cad.scheduler import NotSent, Scheduler
from bot.cad.transport import Transport
from bot.clock import REAL_CLOCK, Clock

log = logging.getLogger(__name__)
T = TypeVar("T")

API_VERSIONS: Mapping[str, CadApi] = {"v1": v1, "v2": v2}
"""The versions of the CAD's API, by their names in the settings."""
PROBE_INTERVAL = 60.0
"""Seconds between two probes."""

OnWait = Callable[[QueuePosition | None], Awaitable[None]]
"""Called with the position if the wait in the queue is long, and with None if the CAD is slow after that. Each at most
once."""


@dataclass(frozen=True, slots=True)
class ProbeDeferred:
    """No probe was sent. The next one is possible at `until`, in seconds since 1970."""

    until: float


class CadClient:
    """The client of the CAD. Open it before Discord, and close it after.

    All work runs in tasks of the scheduler, which belong to no command: a removal goes on if the command that started
    it is cancelled.

    Args:
        account: the CAD's URL, the community and the key.
        api: the version of the API. The client never switches to the other one by itself.
        timeout: seconds for one exchange, from connecting to the last byte of the response.
        clock: the clock of the queue, the time budgets and the probes, and of everything that is given this client.
        queue: the queue of requests; by default one with the rate limits of `api`.
    """

    def __init__(
        self,
        account: Account,
        api: CadApi = v1,
        *,
        timeout: float = 10.0,
        clock: Clock = REAL_CLOCK,
        queue: RequestQueue | None = None,
    ) -> None:
        self.clock = clock
        self._account = account
        self._api = api
        self._transport = Transport(account, api.headers(account), timeout)
        self._scheduler = Scheduler(clock, queue or RequestQueue(api.RATE_LIMITS))
        self._pipeline = Pipeline(self._transport, self._scheduler, timeout)
        self._lookups = Lookups(account, api, self._pipeline, clock)
        self._last_probe = float("-inf")

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        self._scheduler.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._scheduler.close()
        await self._transport.__aexit__(None, None, None)

    # What the rest of the bot calls, in a command's task: cancelling that only ends the wait.

    @property
    def plan(self) -> Plan | None:
        """The community's plan, or None while it is not known."""
        return self._lookups.plan

    @property
    def plan_text(self) -> str:
        """The CAD's own text for the plan, of any length."""
        return self._lookups.plan_text

    @property
    def last_servers(self) -> ServerList:
        """The servers as last listed. Sends nothing."""
        return self._lookups.last_servers

    def blocked_kinds(self) -> dict[RequestKind, Result]:
        """Return the kinds of request that the circuit breaker blocks, each with the result that callers get."""
        return self._scheduler.blocked_kinds()

    def held_until(self) -> dict[RequestKind, float]:
        """Return the kinds of request that wait because the CAD is busy, and until when, in seconds since 1970."""
        return self._scheduler.held_until()

    def on_blocked(self, callback: Callable[[], None]) -> None:
        """Register what is called whenever `blocked_kinds` has changed."""
        self._scheduler.on_breaker = callback

    def queue_length(self) -> int:
        """Return how many requests wait in the queue."""
        return self._scheduler.queue_length()

    def start_removal(
        self, ref: CallRef, recorder: ProgressRecorder | None = None, *, known_open: bool = False
    ) -> Operation:
        """Start removing a call, and return at once. `wait_for` returns the result."""
        return self._start(Operation(ref, self.clock, recorder, known_open), self._remove)

    async def wait_for(self, operation: Operation, on_wait: OnWait | None = None) -> Result:
        """Wait for an operation. Any number of commands may wait for the same one. Raises only when cancelled.

        `on_wait` is called with the position in the queue if that is worth telling, and with None if nothing has come
        for `STILL_WAITING` seconds after its turn. Each once at most.
        """
        if on_wait is not None:
            position = await operation.wait_for_position()
            if position is not None and position.expected_at > self.clock.wall():  # else the operation left the queue
                await on_wait(position)
            if await operation.wait_until_slow():
                await on_wait(None)
        return await operation.wait()

    def start_creation(self, call: EmergencyCall, recorder: ProgressRecorder | None = None) -> Operation:
        """Start creating a call like this one on its server, and return at once. The CAD gives it a new number.

        It is never sent again once it may have reached the CAD.
        """
        return self._start(Operation(call.ref, self.clock, recorder), partial(self._create, call))

    async def open_calls(self, server_id: int) -> OpenCalls | Result:
        """Fetch a server's open 911 calls. Nothing is sent unless the plan is known to include the list."""
        return await self._run_lookup(partial(self._lookups.open_calls, server_id))

    async def servers(self) -> ServerList | Result:
        """Fetch the community's servers. Nothing is sent unless the plan is known to include the list."""
        return await self._run_lookup(self._lookups.servers)

    def refresh_plan(self) -> None:
        """Fetch the plan in the background. This also checks the key."""
        self._scheduler.tasks.spawn(self._refresh_plan)

    async def probe(self) -> Plan | ProbeDeferred | Result:
        """Fetch the plan even if the circuit breaker is open, and reset the breaker if that succeeds.

        Returns:
            The plan; `ProbeDeferred` if it is too soon for another probe; else how the request ended.
        """
        return await self._run_lookup(self._probe)

    async def drain(self, limit: float) -> None:
        """Reject new and queued requests, and wait up to `limit` seconds for those that were sent.

        Nothing is sent again. A request without a response by then ends as unknown.
        """
        await self._scheduler.drain(limit)

    # One operation, from its first slot to its end.

    def _start(self, operation: Operation, body: OperationBody) -> Operation:
        self._scheduler.tasks.spawn(partial(self._run, operation, body))
        return operation

    async def _run(self, operation: Operation, body: OperationBody) -> None:
        try:
            result = await body(operation)
        except NotSent as error:
            result = error.result
        except asyncio.CancelledError:
            result = operation.result_if_stopped()
        except Exception:
            log.exception("a bug in this bot: the operation for %s ended early", operation.ref)
            result = operation.result_if_failed()
        await operation.finish(result)

    async def _remove(self, operation: Operation) -> Result:
        request = self._api.remove_911(self._account, operation.ref)
        first = await self._pipeline.send(request, operation)
        if first.reason is Reason.BUSY:
            first = await self._send_after_busy(request, operation, first)
        if first.outcome is not Outcome.UNKNOWN:
            return self._lookups.refine_404(operation.ref, first)
        if await self._lookups.verify_removed(operation):
            return Result(Outcome.GONE_UNCONFIRMED if operation.known_open else Outcome.GONE, Reason.NOT_LISTED)
        first = replace(first, seen_open_at=operation.seen_open_at)
        if first.reason is Reason.UNCLEAR and operation.seen_open_at is None:
            return first  # the CAD would only say it again
        try:
            second = self._lookups.refine_404(operation.ref, await self._pipeline.send(request, operation))
        except NotSent:
            return first
        if second.outcome is Outcome.GONE and (operation.known_open or operation.seen_open_at is not None):
            return replace(second, outcome=Outcome.GONE_UNCONFIRMED)
        return second if second.is_gone else first  # a refusal of the second request says nothing about the first one

    async def _send_after_busy(self, request: ApiRequest[Result], operation: Operation, busy: Result) -> Result:
        """Send a removal again. After a 503, whose request may have taken effect, only a yes or "gone" is certain."""
        refused = busy.status == 429  # by the gateway, so the CAD never saw it
        operation.reset_budget(refused=refused)
        try:
            again = await self._pipeline.send(request, operation)
        except NotSent:
            if refused:
                raise
            return _in_doubt(busy)
        return again if again.is_gone or (refused and again.status != 503) else _in_doubt(again)

    async def _create(self, call: EmergencyCall, operation: Operation) -> Result:
        request = self._api.create_911(self._account, call)
        result = await self._pipeline.send(request, operation)
        if result.status == 429:
            operation.reset_budget()
            result = await self._pipeline.send(request, operation)
        return _in_doubt(result) if result.status == 503 else result

    # Lookups, in tasks of the scheduler.

    async def _run_lookup(self, lookup: Callable[[], Coroutine[None, None, T | Result]]) -> T | Result:
        async def work() -> T | Result:
            try:
                return await lookup()
            except NotSent as error:
                return error.result
            except Exception:
                log.exception("a bug in this bot: a lookup failed")
                return Result(Outcome.UNKNOWN, Reason.OUR_BUG)

        return await self._scheduler.tasks.run(work, Result(Outcome.NOT_SENT, Reason.CLOSING))

    async def _refresh_plan(self) -> None:
        try:
            await self._lookups.ensure_plan()
        except NotSent as error:
            log.info("the CAD's plan was not requested (%s)", error)

    async def _probe(self) -> Plan | ProbeDeferred | Result:
        now = self.clock.monotonic()
        if now < self._last_probe + PROBE_INTERVAL:
            return ProbeDeferred(self.clock.wall() + self._last_probe + PROBE_INTERVAL - now)
        self._last_probe = now
        plan = await self._lookups.fetch_plan(past_breaker=True)
        if isinstance(plan, Plan):
            self._scheduler.reset_breaker()
        return plan


def _in_doubt(result: Result) -> Result:
    """Turn a refusal into "not known": also with `Retry-After`, a 503 does not prove that the CAD did nothing."""
    return replace(result, outcome=Outcome.UNKNOWN, reason=Reason.SERVER_ERROR, retry_at=None)
