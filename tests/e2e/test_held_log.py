"""A log that nobody reads: a terminal after Ctrl-S, a pager, a stalled log driver."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.sandbox.fake_cad.server import FakeCad
from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord
from tests.support.processes import ROOT


def full_pipe() -> tuple[int, int]:
    """Return a pipe that takes no more bytes: the next write to it waits."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writing, True)
    return reading, writing


async def test_bot_whose_log_is_held_removes_calls_answers_and_stops(tmp_path: Path) -> None:
    cad, discord = FakeCad(community_id="ours", key="planted-key"), FakeDiscord()
    reading, writing = full_pipe()
    async with cad.serving() as account, discord.serving() as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.bot_process", address, str(account.url), str(tmp_path / "journal.db"),
            "v1", "", cwd=ROOT, stderr=writing,
        )  # fmt: skip
        try:
            await until(lambda: any(method == "PUT" for method, _, _ in discord.sent), 30)
            await discord.command("remove911", call_id=302, server_id=1)
            await until(lambda: any("removed (server" in str(body) for _, _, body in discord.sent), 15)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
        finally:
            if process.returncode is None:
                process.kill()
            os.close(reading)
            os.close(writing)
