"""The clock that is handed in: whatever reads the time is given this one.

Exceptions: the log's flush at exit, the sandbox's own code, and the timers of asyncio and the libraries.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol


class Clock(Protocol):
    """Tells the time, and sleeps. The two times drift apart when the machine sleeps or its clock is set."""

    def wall(self) -> float:
        """Return the seconds since 1970. They go back or jump ahead when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary start. They never go back, but may miss what the machine slept."""
        ...

    def sleep(self, seconds: float, /) -> Coroutine[Any, Any, None]:
        """Sleep."""
        ...


class RealClock:
    """The machine's clock."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)


REAL_CLOCK = RealClock()
