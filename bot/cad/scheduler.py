"""Releases each request when its slot has come. The queue itself reads no clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import takewhile

from bot.cad.backoff import backoff_seconds
from bot.cad.circuit_breaker import CircuitBreaker
from bot.cad.remedies import pause_text
from bot.cad.request_queue import QueuedRequest, RequestQueue
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.clock import Clock
from bot.tasks import BackgroundTasks

log = logging.getLogger(__name__)

NOTIFY_ABOVE = 2.0
"""Seconds in the queue above which the dispatcher sees the position."""


class NotSent(Exception):  # noqa: N818 - nothing failed: the request got no slot
    """A request got no slot, so it was not sent; `result` says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.reason.name)
        self.result = result


@dataclass(eq=False, slots=True)
class _PendingSlot:
    """A slot that a request waits for. `granted` resolves to None, or to the result if the request gets no slot."""

    on_position: Callable[[QueuePosition], None] | None
    past_breaker: bool
    granted: asyncio.Future[Result | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Scheduler:
    """Grants requests their slots. `tasks` runs the work that makes the requests."""

    def __init__(self, clock: Clock, queue: RequestQueue) -> None:
        self.clock = clock
        self.breaker = CircuitBreaker()
        self.on_breaker: Callable[[], None] = lambda: None
        """Called after the breaker has opened or closed."""
        self.tasks = BackgroundTasks()
        self._closing = False
        self._queue = queue
        self._changed = asyncio.Event()
        self._pending: dict[QueuedRequest, _PendingSlot] = {}

    def open(self) -> None:
        """Start releasing requests, in a task that belongs to no command."""
        self._release_task = asyncio.create_task(self._release_forever(), name="cad-scheduler")

    async def close(self) -> None:
        """Stop, and cancel every task."""
        await self.drain(0)
        await self.tasks.close()
        self._release_task.cancel()
        await asyncio.wait([self._release_task])

    def queue_length(self) -> int:
        """Return how many requests are waiting for a slot."""
        return len(self._pending)

    async def drain(self, limit: float) -> None:
        """Reject new and queued requests, and cancel the tasks that have not ended after `limit` seconds."""
        self._closing = True
        for request in tuple(self._pending):
            self._reject(request, Result(Outcome.NOT_SENT, Reason.CLOSING))
        await self.tasks.drain(limit)

    async def acquire(
        self,
        request: QueuedRequest,
        on_position: Callable[[QueuePosition], None] | None = None,
        *,
        past_breaker: bool = False,
    ) -> None:
        """Wait for a slot.

        Args:
            request: the request.
            on_position: called with the position if the wait is longer than `NOTIFY_ABOVE`, and again if it changes.
            past_breaker: True to get a slot even if the circuit breaker is open.

        Raises:
            NotSent: the queue is full, the slot would come too late, the breaker is open, or the bot is closing.
        """
        if self._closing:
            raise NotSent(Result(Outcome.NOT_SENT, Reason.CLOSING))
        if not past_breaker and (rejection := self.breaker.blocked_result(request.kind)):
            raise NotSent(rejection)
        if self._queue.try_send_now(request, self.clock.monotonic()):
            return
        if not self._queue.enqueue(request):
            raise NotSent(Result(Outcome.NOT_SENT, Reason.LINE_FULL))
        slot = self._pending[request] = _PendingSlot(on_position, past_breaker)
        self._changed.set()
        try:
            rejection = await slot.granted
        except asyncio.CancelledError:
            self._leave(request)
            raise
        if rejection is not None:
            raise NotSent(rejection)

    def record_result(self, kind: RequestKind, result: Result) -> Result:
        """Back off if the CAD is busy, or open the breaker. Return the result, with `retry_at` if the CAD is busy."""
        if result.reason is Reason.BUSY:
            wait = backoff_seconds(result.retry_after)
            self._queue.block(kind, self.clock.monotonic() + wait)
            self._changed.set()
            log.warning("the CAD is busy (429 or 503): the bot sends no %s request for %.0f s", kind.name, wait)
            return replace(result, retry_at=self.clock.wall() + wait)
        if self.breaker.record(kind, result, self.clock.wall()):
            self._changed.set()
            what, why = pause_text(self.blocked_kinds())
            log.error("paused: the bot %s. %s", what, why.replace("`", ""))
            self.on_breaker()
        return result

    def is_held(self, kind: RequestKind) -> bool:
        """Return True if no request of this kind may be sent now, even if it had a slot before the CAD said so."""
        return self._queue.blocked_until(kind) > self.clock.monotonic() or self.breaker.blocked_result(kind) is not None

    def blocked_kinds(self) -> dict[RequestKind, Result]:
        """Return the kinds of request that the breaker blocks, each with the result that callers get."""
        return {kind: rejection for kind in RequestKind if (rejection := self.breaker.blocked_result(kind)) is not None}

    def held_until(self) -> dict[RequestKind, float]:
        """Return the kinds of request that wait because the CAD is busy, and until when, in seconds since 1970."""
        now, wall = self.clock.monotonic(), self.clock.wall()
        ends = {kind: self._queue.blocked_until(kind) for kind in RequestKind}
        return {kind: wall + end - now for kind, end in ends.items() if end > now}

    def reset_breaker(self) -> None:
        """Close the breaker: everything is sent again."""
        if self.breaker.reset():
            log.info("resumed: the CAD answers, so the bot sends requests again")
            self.on_breaker()

    async def _release_forever(self) -> None:
        while True:
            try:
                await self._release_due()
            except Exception:
                log.exception("a bug in this bot: all queued requests are rejected")
                for request in tuple(self._pending):
                    self._reject(request, Result(Outcome.NOT_SENT, Reason.OUR_BUG))

    async def _release_due(self) -> None:
        changed = self._changed.is_set()
        self._changed.clear()
        if changed:
            self._reject_blocked()
        now = self.clock.monotonic()
        due = list(takewhile(lambda slot: slot.at <= now, self._queue.schedule(now)))
        if changed and len(due) < len(self._pending):
            self._notify_queued(now)
        for slot in due:
            if slot.request not in self._pending:
                continue  # rejected just now, because its slot comes too late
            if now > slot.request.deadline:
                self._reject(slot.request, Result(Outcome.NOT_SENT, Reason.BUSY, retry_at=self.clock.wall()))
            else:
                self._queue.pop(slot, now)
                granted = self._pending.pop(slot.request).granted
                if not granted.done():  # as in `_reject`
                    granted.set_result(None)
        following = next(self._queue.schedule(now), None)
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

    def _reject_blocked(self) -> None:
        for request, slot in tuple(self._pending.items()):
            rejection = self.breaker.blocked_result(request.kind)
            if rejection is not None and not slot.past_breaker:
                self._reject(request, rejection)

    def _notify_queued(self, now: float) -> None:
        """Reject each request whose slot would come too late, and tell the others their position."""
        for slot in tuple(self._queue.schedule(now)):
            at = self.clock.wall() + slot.at - now
            on_position = self._pending[slot.request].on_position
            if slot.at > slot.request.deadline:
                self._reject(slot.request, Result(Outcome.NOT_SENT, Reason.BUSY, retry_at=at))
            elif on_position is not None and slot.at - now > NOTIFY_ABOVE:
                on_position(QueuePosition(slot.ahead, at))

    def _leave(self, request: QueuedRequest) -> None:
        self._queue.remove(request)
        self._pending.pop(request, None)

    def _reject(self, request: QueuedRequest, result: Result) -> None:
        slot = self._pending[request]
        self._leave(request)
        if not slot.granted.done():  # its task may have been cancelled in this same step
            slot.granted.set_result(result)
