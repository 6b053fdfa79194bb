"""Where the simulation cuts: clocks, random bytes, HTTP sessions and SQLite's threads, all below the libraries.

`install` runs before the bot is imported, and once in a process.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.simulation.loop import PROCESS, ProcessClock, settle

if TYPE_CHECKING:
    from tests.simulation.world import World

BUSY_SECONDS = 2.0
"""Seconds that a statement waits for another program's lock, as the bot asks of SQLite."""


class Running:
    """The run of this process, for code that libraries call: it has no other way to find it."""

    world: World


def install() -> None:
    """Put our own in the place of what is below the libraries."""
    run, real = Running, dt.datetime

    # For the libraries: the bot is given its clock.
    def wall() -> float:
        return ProcessClock(run.world.loop, PROCESS.get()).wall() if hasattr(run, "world") else 0.0

    def monotonic() -> float:
        return ProcessClock(run.world.loop, PROCESS.get()).monotonic() if hasattr(run, "world") else 0.0

    class Datetime(real):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(wall(), tz)

    def urandom(size: int) -> bytes:
        process = PROCESS.get()
        return run.world.chance.next("random bytes", process and process.number).randbytes(size)

    time.time, time.monotonic = wall, monotonic
    dt.datetime = Datetime  # type: ignore[misc]
    os.urandom = urandom
    random._urandom = urandom  # type: ignore[attr-defined]

    import aiohttp  # noqa: PLC0415 - it reads the clocks' names when it is imported
    import aiosqlite.core  # noqa: PLC0415
    import discord.backoff  # noqa: PLC0415

    aiohttp.ClientSession = Session  # type: ignore[misc,assignment]
    aiohttp.TCPConnector.__init__ = lambda *_, **__: None  # type: ignore[method-assign,misc,assignment]
    aiohttp.TCPConnector.__del__ = lambda _: None  # type: ignore[method-assign,misc]
    # Nothing to start: its queue works by itself.
    aiosqlite.core.Thread = lambda **_: SimpleNamespace(start=lambda: None)  # type: ignore[misc,assignment]
    aiosqlite.core.SimpleQueue = _Statements  # type: ignore[misc,assignment]
    discord.backoff.random = SimpleNamespace(Random=_Seeded)  # type: ignore[assignment]


class _Seeded(random.Random):
    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed("the pauses between two attempts to reach Discord" if a is None else a, version)


class Session:
    """Takes the place of aiohttp's session: what is above stays real, with its errors and time limits."""

    def __init__(self, *, timeout: Any = None, trace_configs: Any = None, **_: Any) -> None:
        self.timeout, self.traces, self.closed = timeout, trace_configs or (), False

    async def close(self) -> None:
        self.closed = True

    @asynccontextmanager
    async def request(self, method: str, url: Any, **options: Any) -> AsyncIterator[Any]:
        if self.closed:
            raise RuntimeError("Session is closed")
        response = await Running.world.exchange(self, method, str(url), options)
        for trace in self.traces:
            for call in trace.on_request_end:
                await call(self, None, SimpleNamespace(response=response))
        yield response

    async def ws_connect(self, url: str, **_: Any) -> Any:
        return await Running.world.exchange(self, "GATEWAY", url, {})


class _Statements:
    """Takes the place of aiosqlite's queue: one statement after another, each at its virtual moment.

    A statement goes on although its asker is cancelled, and is dropped if its process is killed.
    """

    def __init__(self) -> None:
        self._process = PROCESS.get()
        self._waiting: deque[tuple[Any, Callable[[], Any]]] = deque()
        self._busy = False

    def put_nowait(self, item: tuple[Any, Callable[[], Any]]) -> None:
        self._waiting.append(item)
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._busy:
            return
        future, function = self._waiting.popleft()
        seconds, error = Running.world.disk.statement(self._process, function)
        Running.world.loop.after(seconds, self._execute, future, function, error, 0.0)

    def _execute(self, future: Any, function: Callable[[], Any], error: Exception | None, waited: float) -> None:
        loop, process = Running.world.loop, self._process
        if process is not None and process.dead:
            return
        if process is not None and process.frozen_until > loop.now:
            loop.after(process.frozen_until - loop.now, self._execute, future, function, error, waited)
            return
        try:
            outcome = function() if error is None else error
        except sqlite3.OperationalError as raised:
            if "locked" in str(raised) and waited < BUSY_SECONDS:
                loop.after(0.05, self._execute, future, function, None, waited + 0.05)
                return
            outcome = raised
        except Exception as raised:  # noqa: BLE001 - as aiosqlite's thread does
            outcome = raised
        Running.world.disk.executed(function, not isinstance(outcome, Exception))
        if isinstance(outcome, sqlite3.Connection):
            outcome.execute("PRAGMA busy_timeout = 0")  # SQLite would wait in real time
            Running.world.disk.connection = outcome
        settle(future, outcome)
        self._next()
