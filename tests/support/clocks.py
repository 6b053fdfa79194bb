"""Clocks to hand in: one that jumps, and one that the test moves by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine


class _TestClock:
    """`t` is the monotonic time. A test adds to `ahead` as if the machine's clock was set, or as if it slept."""

    def __init__(self) -> None:
        self.t = 0.0
        self.ahead = time.time()

    def wall(self) -> float:
        return self.ahead + self.t

    def monotonic(self) -> float:
        return self.t


class InstantClock(_TestClock):
    """Sleeping takes no time; `slept` lists the seconds of each sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float, /) -> None:
        self.slept.append(round(seconds, 3))
        self.t += seconds
        await asyncio.sleep(0)


class ManualClock(_TestClock):
    """Time passes only when the test calls `tick`."""

    def __init__(self) -> None:
        super().__init__()
        self._ticked = asyncio.Event()

    def sleep(self, seconds: float, /) -> Coroutine[None, None, None]:
        # The sleep begins at the call, not when a task first runs it: a tick in between counts.
        return self._sleep_until(self.t + seconds)

    async def _sleep_until(self, end: float) -> None:
        while self.t < end - 1e-9:
            await self._ticked.wait()

    def tick(self, seconds: float) -> None:
        self.t += seconds
        self._ticked.set()
        self._ticked = asyncio.Event()


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until the condition holds; fail after that many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
