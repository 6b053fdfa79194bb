"""Start time and idle memory, compared with a bare discord.py bot with one command and the same intents."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from bot.sandbox.fake_cad.server import FakeCad
from tests.benchmarks.report import compare, say
from tests.support.fake_discord import FakeDiscord

STARTS = 10


async def start(program: str, cad: str) -> tuple[float, float, float]:
    """Return the seconds from the process's start to the log-in and to READY, and its idle memory in MiB."""
    discord = FakeDiscord()
    async with discord.serving() as address:
        folder = tempfile.TemporaryDirectory()
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", program, address, cad, str(Path(folder.name, "journal.db")),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        await discord.identified.wait()
        logged_in = time.perf_counter() - started
        assert await process.stdout.readline() == b"READY\n"
        ready = time.perf_counter() - started
        await asyncio.sleep(1.0)
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        process.terminate()
        await process.wait()
        folder.cleanup()
    return logged_in, ready, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def starts() -> None:
    cad = FakeCad(community_id="ours", key="planted-key")
    programs = {"ours": "tests.support.bot_process", "bare": "tests.benchmarks.bare_bot"}
    figures: dict[str, list[tuple[float, float, float]]] = {"ours": [], "bare": []}
    async with cad.serving() as account:
        for _ in range(STARTS):
            for name, rounds in figures.items():
                rounds.append(await start(programs[name], str(account.url)))
    say(f"\nStart (medians of {STARTS}, alternating; discord.py itself waits 2 s for guilds before READY)")
    compare(("s to log-in", "s to READY", "idle memory, MiB"), figures)
