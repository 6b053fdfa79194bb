"""An event loop in which time is virtual, one thing happens after another, and a process can be killed or frozen."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any

START = 1_790_000_000.0
"""The true time at which every run starts, in seconds since 1970."""


@dataclass(eq=False)
class Process:
    """One life of the bot's process.

    Attributes:
        number: which life it is; 1000 more for a second process beside it; negative for a command of the host.
        started: the loop's time at which it was started.
        dead: True once it has ended. After a kill, whatever it still wanted to do is dropped.
        frozen_until: the loop's time until which it does nothing.
        slept: seconds that its monotonic clock has missed, because the machine slept.
        clock_error: seconds by which its wall clock is ahead.
        stop: set when the host wants it to end.
    """

    number: int
    started: float = 0.0
    dead: bool = False
    frozen_until: float = 0.0
    slept: float = 0.0
    clock_error: float = 0.0
    stop: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class ProcessClock:
    """The clock of a process, or without one the true one."""

    loop: SimulatedLoop
    process: Process | None

    def wall(self) -> float:
        return self.loop.true_time() + (0.0 if self.process is None else self.process.clock_error)

    def monotonic(self) -> float:
        return self.loop.now - (0.0 if self.process is None else self.process.slept)

    sleep = staticmethod(asyncio.sleep)


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


def _process(handle: asyncio.Handle) -> Process | None:
    return handle._context.get(PROCESS)  # type: ignore[attr-defined]


def settle(future: asyncio.Future[Any] | None, outcome: Any) -> None:
    """Give a future its result or its exception, if anybody still waits for it."""
    if future is not None and not future.done():
        (future.set_exception if isinstance(outcome, Exception) else future.set_result)(outcome)


class _Task(asyncio.Task[Any]):
    """A task with a hash of its own, so that sets of tasks have the same order in every run."""

    def __init__(self, loop: SimulatedLoop, number: int, **options: Any) -> None:
        self._number = number
        self.process = options["context"].get(PROCESS)
        super().__init__(loop=loop, **options)

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(asyncio.BaseEventLoop):
    """First in, first out. If nothing is ready, time jumps to the next timer."""

    FIRST = 1000.0
    """What the monotonic clock shows as a run starts."""

    def __init__(self) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle] = deque()
        self.now = self.FIRST
        self.steps = 0
        self.problems: list[str] = []
        """What no code of the bot has handled, and every error of the world itself."""
        self._number = 0
        self._killed: list[asyncio.Task[Any]] = []
        self._timers: list[tuple[float, int, asyncio.Handle]] = []
        self._break_at: tuple[int, Callable[[], None]] | None = None
        self._world = contextvars.copy_context()
        self._world.run(PROCESS.set, None)
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(self._on_problem)

    def time(self) -> float:
        return self.now

    def true_time(self) -> float:
        """Return the time outside, in seconds since 1970, whatever a process's clock says."""
        return START + self.now - self.FIRST

    def after(self, seconds: float, callback: Callable[..., object], *args: object) -> asyncio.TimerHandle:
        """Let the world do something later, whatever becomes of the process that caused it."""
        return self.call_at(self.now + seconds, self._in_world, callback, args, context=self._world)

    def in_steps(self, steps: int, callback: Callable[[], None]) -> None:
        """Let the world do something after that many steps of anything."""
        self._break_at = (self.steps + steps, callback)

    def start(self, work: Any, process: Process | None = None) -> asyncio.Task[Any]:
        """Start a task of a process, or of the world."""
        context = self._world.copy()
        context.run(PROCESS.set, process)
        return self.create_task(work, context=context)

    def kill(self, process: Process) -> None:
        """End a process at once: no exception, no `finally`, nothing more."""
        process.dead = True
        # Kept, or Python would run their `finally`.
        self._killed += [task for task in asyncio.all_tasks(self) if getattr(task, "process", None) is process]
        for handle in [*self._ready, *(timer for _, _, timer in self._timers)]:
            if _process(handle) is process:
                handle.cancel()

    def freeze(self, process: Process, seconds: float, *, sleeping: bool) -> None:
        """Let a process do nothing for a while. If the machine sleeps, the process's timers stand still as well."""
        process.frozen_until = self.now + seconds
        if sleeping:
            process.slept += seconds
            self._timers = [
                (when + seconds * (_process(timer) is process), number, timer) for when, number, timer in self._timers
            ]
            heapify(self._timers)

    # What asyncio calls.

    def _make_task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> _Task:
        context = options.pop("context", None) or contextvars.copy_context()
        current = asyncio.current_task(loop)
        if context.get(PROCESS) is None and isinstance(current, _Task) and current.process is not None:
            context.run(PROCESS.set, current.process)  # it was started in an empty context
        self._number += 1
        return _Task(self, self._number, coro=work, context=context, **options)

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if self._lives(handle):
            self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if self._lives(timer):
            # A real clock goes on meanwhile. A virtual one would never reach a moment that rounding left just ahead.
            self._wait_until(max(when, self.now + 1e-6), timer)
        return timer

    def _lives(self, handle: asyncio.Handle) -> bool:
        """Return True if a handle's process lives, and cancel it otherwise."""
        if getattr(_process(handle), "dead", False):
            handle.cancel()
        return not handle.cancelled()

    def _wait_until(self, when: float, handle: asyncio.Handle) -> None:
        self._number += 1
        heappush(self._timers, (when, self._number, handle))

    def _run_once(self) -> None:
        if not self._ready:
            while self._timers and self._timers[0][2].cancelled():
                heappop(self._timers)
            if not self._timers:
                raise RuntimeError("everything waits, and nothing will ever happen")
            self.now = self._timers[0][0]
        while self._timers and self._timers[0][0] <= self.now:
            self._ready.append(heappop(self._timers)[2])
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        process = _process(handle)
        if process is not None and process.frozen_until > self.now:
            self._wait_until(process.frozen_until, handle)
            return
        self.steps += 1
        handle._run()
        if self._break_at is not None and self.steps >= self._break_at[0]:
            callback, self._break_at = self._break_at[1], None
            callback()

    def _in_world(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        """Do something of the world's. By this name in an error's text, `World.run` knows whose error it is."""
        callback(*args)

    def _on_problem(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.problems.append(f"{context['message']}: {error!r}")
