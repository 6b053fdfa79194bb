"""Background tasks. They belong to no command: they outlive the command that starts them, and may hold timers."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")

Work = Callable[[], Coroutine[None, None, None]]


def spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task in an empty context.

    A task inherits the context of the task that starts it. SimCord, which simulates Discord in the tests and the
    sandbox, would count the task as part of the command that started it, and wait for it.
    """
    return contextvars.Context().run(asyncio.create_task, work, name=name)


class BackgroundTasks:
    """A task handles its own errors, and releases its waiters if it is cancelled."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Work) -> None:
        """Start a task."""
        task = spawn(work(), "background")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def run(self, work: Callable[[], Coroutine[None, None, T]], default: T) -> T:
        """Run work in a task and return its result, or `default` if it is cancelled or fails.

        May be called from a command's task, which only waits for a plain future.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def task() -> None:
            result = default
            try:
                result = await work()
            except Exception:
                log.exception("a bug in this bot")
            finally:
                done.set_result(result)

        self.spawn(task)
        return await asyncio.shield(done)

    async def drain(self, limit: float) -> None:
        """Cancel the tasks that have not ended after `limit` seconds. Tasks may still be started later."""
        await asyncio.sleep(0)  # a task that is cancelled before its first step would not release its waiters
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=limit)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def close(self) -> None:
        """Cancel every task that is still running."""
        await self.drain(0)
