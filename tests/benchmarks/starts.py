"""Start and memory, beside a bare discord.py bot with one command and the same intents."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from bot.sandbox.cad import LoopbackCad
from tests.benchmarks.told import beside, say
from tests.discord_stand_in import StandIn

STARTS = 10


async def start(program: str, cad: str) -> tuple[float, float, float]:
    """Return seconds from the start of the process to the log-in and to READY, and its idle memory in MiB."""
    discord = StandIn()
    async with discord.serving() as address:
        folder = tempfile.TemporaryDirectory()
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", program, address, cad, str(Path(folder.name, "journal.db")),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        await discord.identified.wait()
        logged_in = time.perf_counter() - begun
        assert await process.stdout.readline() == b"READY\n"
        ready = time.perf_counter() - begun
        await asyncio.sleep(1.0)
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        process.terminate()
        await process.wait()
        folder.cleanup()
    return logged_in, ready, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def starts() -> None:
    cad = LoopbackCad(community_id="ours", key="planted-key")
    programs = {"ours": "tests.our_bot", "bare": "tests.bare_bot"}
    figures: dict[str, list[tuple[float, float, float]]] = {"ours": [], "bare": []}
    async with cad.serving() as account:
        for _ in range(STARTS):
            for who, seen in figures.items():
                seen.append(await start(programs[who], str(account.url)))
    say(f"\nstarts (medians of {STARTS}, interleaved; discord.py itself waits 2 s for guilds before READY)")
    beside(("s to log-in", "s to READY", "idle memory, MiB"), figures)
