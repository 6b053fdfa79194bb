"""Benchmarks: `python -m tests.benchmarks [PART ...]`. They compare within one run, and have no limits to fail."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from tests.benchmarks.journal_and_suggestions import history, journal_overhead, picking
from tests.benchmarks.rate_limits import shared_removal, v1_pace, v2_published_limits
from tests.benchmarks.starts import starts
from tests.benchmarks.throughput import run_processes, serve, throughput


async def rate_limits() -> None:
    """Measure both versions at the same time: each waits for real minutes."""
    await shared_removal()
    await asyncio.gather(v1_pace(), v2_published_limits())


PARTS: dict[str, Callable[[], Awaitable[None]]] = {
    "throughput": run_processes,
    "journal": journal_overhead,
    "history": history,
    "picking": picking,
    "starts": starts,
    "rate_limits": rate_limits,
}


async def run(*names: str) -> None:
    """Run the named parts, or all of them."""
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
