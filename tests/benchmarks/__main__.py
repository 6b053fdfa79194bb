"""Figures, each as a ratio to something measured in the same run; nothing here fails. `python -m tests.benchmarks`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from tests.benchmarks.at_hand import history, picking, what_the_journal_adds
from tests.benchmarks.pace import at_the_pace, at_the_published_limits, shared
from tests.benchmarks.starts import starts
from tests.benchmarks.throughput import in_processes_of_their_own, serve, throughput


async def paces() -> None:
    """Wait for the real minutes of both versions at the same time."""
    await shared()
    await asyncio.gather(at_the_pace(), at_the_published_limits())


PARTS: dict[str, Callable[[], Awaitable[None]]] = {
    "throughput": in_processes_of_their_own,
    "journal": what_the_journal_adds,
    "history": history,
    "picking": picking,
    "starts": starts,
    "paces": paces,
}


async def run(*names: str) -> None:
    """Run the parts that are named, all by default."""
    for name in names or PARTS:
        await PARTS[name]()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", certificate]:
            asyncio.run(serve(certificate))
        case ["send", plain, tls]:
            asyncio.run(throughput(plain, tls))
        case names:
            asyncio.run(run(*names))
