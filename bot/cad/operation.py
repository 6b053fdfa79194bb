"""A removal or a re-creation in progress: its time budget, how far it is, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from bot.cad.models import CallRef
from bot.cad.request_queue import MAX_WAIT, QueuedRequest
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.cad.scheduler import NotSent
from bot.clock import Clock

TIME_BUDGET = 25.0
"""Seconds that an operation may take from its first slot. Waiting for a busy CAD does not count."""

STILL_WAITING = 3.0
"""Seconds without a result after a slot. Then everyone waiting for the operation is told so."""

MAX_AGE = 840.0
"""Seconds after which an operation is not sent any more: Discord accepts its answer for 15 minutes. Only a machine that
slept, or whose clock was set, gets that far."""


class ProgressRecorder(Protocol):
    """Records the progress of an operation. The client calls it in a task that a command's end does not cancel."""

    async def before_send(self) -> bool:
        """Record that the operation is about to be sent; return False if that failed, so that it is not sent."""
        ...

    async def finished(self, result: Result, /) -> None:
        """Record the result before any caller gets it. Must not raise."""
        ...


@dataclass(eq=False, slots=True)
class Operation:
    """A removal or a re-creation in progress. Any number of commands may wait for it.

    Attributes:
        ref: the call that is removed; for a re-creation, the call's old number.
        clock: the client's clock. Times are monotonic where nothing else is said.
        recorder: records its progress, if anything does.
        known_open: True if the CAD listed the call as open shortly before.
        position: its position in the queue, once the wait is long enough to be shown.
        result: how it ended, once it has.
        recorded: True once it is recorded that it is about to be sent.
        sent: True while a request may have taken effect: it was sent, and no clear response has come.
        started: True once it had its first slot.
        deadline: when its time budget ends.
        queue_seconds: the seconds that it spent in the queue, in total.
        seen_open_at: when the CAD listed the call as open after the removal was sent, in seconds since 1970.
        requested_at: when it was requested.
        asked_at: the same, in seconds since 1970: the monotonic clock may stand still while the machine sleeps.
    """

    ref: CallRef
    clock: Clock
    recorder: ProgressRecorder | None = None
    known_open: bool = False
    position: QueuePosition | None = None
    result: Result | None = None
    recorded: bool = False
    sent: bool = False
    started: bool = False
    deadline: float | None = None
    queue_seconds: float = 0.0
    seen_open_at: float | None = None
    requested_at: float = field(init=False)
    asked_at: float = field(init=False)
    _slow_timer: asyncio.TimerHandle | None = None
    _position_or_slow: asyncio.Event = field(default_factory=asyncio.Event)
    _slow_or_end: asyncio.Event = field(default_factory=asyncio.Event)
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.requested_at, self.asked_at = self.clock.monotonic(), self.clock.wall()

    def queued_request(self, kind: RequestKind, timeout: float) -> QueuedRequest:
        """Return the queue's entry for the next step, whose exchange may take `timeout` seconds."""
        # A step has to end within the budget, not only start within it.
        latest = self.requested_at + MAX_WAIT if self.deadline is None else self.deadline - timeout
        return QueuedRequest(kind, latest, started=self.started)

    def start(self, now: float) -> None:
        """Take a slot. The first slot starts the time budget."""
        if self._slow_timer is None:
            self._slow_timer = asyncio.get_running_loop().call_later(STILL_WAITING, self._become_slow)
        self.started, self.deadline = True, self.deadline or now + TIME_BUDGET

    async def record(self) -> None:
        """Record, once, that the operation is about to be sent.

        Raises:
            NotSent: that failed, so it must not be sent.
        """
        if self.recorder is not None and not self.recorded and not await self.recorder.before_send():
            raise NotSent(Result(Outcome.NOT_SENT, Reason.JOURNAL))
        self.recorded = True

    def mark_sent(self) -> None:
        """Mark the operation as sent, right before it is.

        Raises:
            NotSent: it is too old; nobody could be told how it ended.
        """
        if self.clock.wall() > self.asked_at + MAX_AGE:
            raise NotSent(Result(Outcome.NOT_SENT, Reason.EXPIRED))
        self.sent = True

    def reset_budget(self, *, refused: bool = True) -> None:
        """Restart the time budget: the CAD is busy, or the slot expired. Clear `sent` if the CAD executed nothing."""
        self.sent, self.deadline = self.sent and not refused, None
        self._stop_slow_timer()

    def result_if_stopped(self) -> Result:
        """Return the result if the bot stops now."""
        if self.sent:
            return Result(Outcome.UNKNOWN, Reason.STOPPED)
        return Result(Outcome.NOT_SENT, Reason.CLOSING)

    def result_if_failed(self) -> Result:
        """Return the result if a bug in the bot ends the operation now."""
        return Result(Outcome.UNKNOWN if self.sent else Outcome.NOT_SENT, Reason.OUR_BUG)

    def set_position(self, position: QueuePosition) -> None:
        """Update the position. Each command that waits shows it once, as it is at that moment."""
        self.position = position
        self._position_or_slow.set()

    async def finish(self, result: Result) -> None:
        """Record the result, then release all that wait."""
        try:
            if self.recorder is not None:
                await self.recorder.finished(result)
        finally:  # a drain can cancel the recording, but the result is still true
            self._stop_slow_timer()
            self.result = result
            for event in (self._position_or_slow, self._slow_or_end, self._end):
                event.set()

    async def wait_for_position(self) -> QueuePosition | None:
        """Wait for a position in the queue; return None if it has none, and is slow or has ended."""
        await self._position_or_slow.wait()
        return self.position

    async def wait_until_slow(self) -> bool:
        """Wait until nothing came for `STILL_WAITING` seconds after its turn; return False if it has ended."""
        await self._slow_or_end.wait()
        return self.result is None

    async def wait(self) -> Result:
        """Wait for the result."""
        while self.result is None:
            await self._end.wait()
        return self.result

    def _become_slow(self) -> None:
        self._position_or_slow.set()
        self._slow_or_end.set()

    def _stop_slow_timer(self) -> None:
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None


OperationBody = Callable[[Operation], Coroutine[None, None, Result]]
