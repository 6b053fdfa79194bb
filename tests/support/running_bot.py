"""The bot as a process of its own, connected to the fake Discord and a fake CAD, and what it did."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord
from tests.support.processes import ROOT


@asynccontextmanager
async def run_bot(
    discord: FakeDiscord, cad: str, journal: Path, killed: str = "", version: str = "v1"
) -> AsyncIterator[asyncio.subprocess.Process]:
    async with discord.serving() as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.bot_process", address, cad, str(journal), version, killed,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                assert await process.stdout.readline() == b"READY\n"
                await until(lambda: any(method == "PUT" for method, _, _ in discord.sent), 30)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


def entries(journal: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(journal)) as db:
        return db.execute("SELECT call_id, sent_at IS NOT NULL, outcome, token FROM entries ORDER BY number").fetchall()


def replies(discord: FakeDiscord) -> list[str]:
    return [body["content"] for method, path, body in discord.sent if method == "PATCH" and path.endswith("/@original")]
