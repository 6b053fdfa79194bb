"""Clocks for the client: one that jumps, one that the test turns by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class JumpClock:
    """Waiting takes no time, and what was waited is on record."""

    def __init__(self) -> None:
        self.t = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.t

    async def sleep(self, seconds: float, /) -> None:
        self.slept.append(round(seconds, 3))
        self.t += seconds
        await asyncio.sleep(0)


class HandClock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.t = 0.0
        self._ticked = asyncio.Event()

    def now(self) -> float:
        return self.t

    async def sleep(self, seconds: float, /) -> None:
        end = self.t + seconds
        while self.t < end - 1e-9:
            await self._ticked.wait()

    def tick(self, seconds: float) -> None:
        self.t += seconds
        self._ticked.set()
        self._ticked = asyncio.Event()


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until it is so, and fail where it never is."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.001)
