"""The path of one request: wait for a slot, record a write, send it, parse the response."""

from __future__ import annotations

from typing import TypeVar

from bot.cad.api import ApiRequest
from bot.cad.operation import Operation
from bot.cad.request_queue import MAX_WAIT, QueuedRequest
from bot.cad.requests import HttpResponse, RequestKind
from bot.cad.results import Result
from bot.cad.scheduler import Scheduler
from bot.cad.transport import Transport

T = TypeVar("T")

LOOKUP_MAX_WAIT = MAX_WAIT / 2
"""Seconds after which a lookup's slot comes too late. A command may need two lookups, one after the other."""
SLOW_RECORD = 0.5
"""If recording a write takes more seconds, it queues again: otherwise a slow disk would release a burst. It also queues
again if its kind was blocked meanwhile."""


class Pipeline:
    """Sends requests, in tasks of the scheduler. `timeout` is the seconds that one exchange may take."""

    def __init__(self, transport: Transport, scheduler: Scheduler, timeout: float) -> None:
        self._transport = transport
        self._scheduler = scheduler
        self._timeout = timeout

    async def send(
        self, request: ApiRequest[T], operation: Operation | None = None, *, past_breaker: bool = False
    ) -> T | Result:
        """Send a request once its slot has come, and return the parsed response.

        Args:
            request: the request.
            operation: the operation that it is a step of; None for a lookup of its own.
            past_breaker: True to send it although the circuit breaker is open.

        Raises:
            NotSent: it got no slot, or it is a write that could not be recorded.
        """
        kind = request.http.kind
        if operation is None:
            deadline = self._scheduler.clock.monotonic() + LOOKUP_MAX_WAIT
            await self._scheduler.acquire(QueuedRequest(kind, deadline), past_breaker=past_breaker)
        else:
            await self._acquire(operation, kind)
        response = await self._transport.send(request.http)
        result = request.parse(response, self._transport.redact) if isinstance(response, HttpResponse) else response
        return self._scheduler.record_result(kind, result) if isinstance(result, Result) else result

    async def _acquire(self, operation: Operation, kind: RequestKind) -> None:
        now = self._scheduler.clock.monotonic
        while True:
            queued_at = now()
            try:
                await self._scheduler.acquire(operation.queued_request(kind, self._timeout), operation.set_position)
            finally:
                acquired_at = now()
                operation.queue_seconds += acquired_at - queued_at
            operation.start(acquired_at)
            if not kind.is_write:
                return
            await operation.record()
            in_time = now() <= acquired_at + SLOW_RECORD and not self._scheduler.is_held(kind)
            if operation.sent or in_time:
                operation.mark_sent()
                return
            operation.reset_budget()
