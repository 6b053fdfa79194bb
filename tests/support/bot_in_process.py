"""The bot as `run` runs it, in this process, with the fake Discord; and what it logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from bot.cad.models import Account
from bot.runner import run_bot
from bot.sandbox.simulation import settings_for
from tests.support.discord_address import connect_to
from tests.support.fake_discord import ROLE, FakeDiscord
from tests.support.settings import KEY

NOWHERE = URL("ws://127.0.0.1:9/")


@asynccontextmanager
async def running_bot(discord: FakeDiscord, cad: Account | None = None) -> AsyncIterator[asyncio.Task[int]]:
    account = cad or Account(URL("https://cad.invalid"), "ours", KEY)
    async with discord.serving() as address:
        connect_to(address)
        stop = asyncio.Event()
        running = asyncio.create_task(run_bot(settings_for(account, (int(ROLE),)), stop))
        try:
            yield running
        finally:
            stop.set()
            async with asyncio.timeout(20):
                ended = await running
        assert ended == 0


def lines(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if text in record.getMessage()]


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.exc_info and record.levelno > logging.DEBUG]
