"""Runs work in tasks that belong to nobody's command, so that they outlive whoever asked, and may hold timers."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from typing import TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")

Job = Callable[[], Coroutine[None, None, None]]


class Jobs:
    """Open it before Discord. A job sees to its own errors and, where it is cancelled, to whoever waits for it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin. From here on the jobs belong to whoever opens this, and not to whoever starts one."""
        self._owner = contextvars.copy_context()

    def start(self, job: Job) -> None:
        """Let a job begin, in a moment. May be called from a command's task, to which the job does not belong."""
        task = self._owner.run(asyncio.create_task, job(), name="job")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def do(self, work: Callable[[], Coroutine[None, None, T]], otherwise: T) -> T:
        """Do work in a job, and wait for what it returns. May be called from a command's task.

        Args:
            work: what is done.
            otherwise: what is returned where it is cut short or fails.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def job() -> None:
            result = otherwise
            try:
                result = await work()
            except Exception:
                log.exception("a bug in this bot")
            finally:
                done.set_result(result)

        self.start(job)
        return await asyncio.shield(done)

    async def end(self, limit: float) -> None:
        """Give the jobs `limit` seconds to end before they are cancelled. Those that are started later still begin."""
        await asyncio.sleep(0)  # a job that is cancelled before it has begun would tell nobody
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=limit)
            for job in late:
                job.cancel()
            if late:
                await asyncio.wait(late)

    async def close(self) -> None:
        """End; whatever is still under way is cancelled."""
        await self.end(0)
