"""The bot's life in its process: what is opened in which order, how it is kept connected, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable

import discord

from bot import __version__
from bot.app import CadBot
from bot.board import Board
from bot.cad.client import DIALECTS, CadClient
from bot.errors import BAD_SETTINGS, UNREACHED
from bot.journal import Journal
from bot.journal_file import AlreadyRunning
from bot.settings import Settings

log = logging.getLogger("bot")

INVALID_TOKEN = 4004
"""The close code by which Discord's gateway refuses a token."""


async def serve(settings: Settings, stop: asyncio.Event) -> int:
    """Run the bot until `stop` is set, and return the exit code.

    Where Discord can't be reached at start, it is tried again for as long as it takes.
    """
    log.info("remove911 %s starts, with discord.py %s", __version__, discord.__version__)
    journal = Journal(
        settings.database_path,
        retention_days=settings.retention_days,
        audited=settings.audit_channel_id is not None,
    )
    try:
        async with journal:
            return await _connect(settings, journal, stop)
    except AlreadyRunning:
        log.error(
            "another process holds the journal %s: this bot runs already, and one is enough. Stop it first, or give "
            "another community's bot a DATABASE_PATH of its own",
            settings.database_path,
        )
        return BAD_SETTINGS


async def _connect(settings: Settings, journal: Journal, stop: asyncio.Event) -> int:
    pause = 5.0
    while not stop.is_set():
        dialect = DIALECTS[settings.api_version]
        async with (
            CadClient(settings.account, dialect) as cad,
            Board(cad) as board,
            CadBot(settings, cad, journal, board) as bot,
        ):
            failure = await _run_once(bot, settings.discord_token, stop)
        if stop.is_set():
            break
        if isinstance(failure, discord.LoginFailure) or getattr(failure, "code", None) == INVALID_TOKEN:
            log.error(
                "Discord refused DISCORD_TOKEN. Make a new one in the Developer Portal (Bot, Reset Token) "
                "and put it into .env"
            )
            return BAD_SETTINGS
        if not isinstance(failure, UNREACHED):
            raise failure or RuntimeError("the connection to Discord ended without a reason")
        log.warning("Discord can't be reached (%s); next try in %d s", type(failure).__name__, pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, 60.0)
    log.info("stopped")
    return 0


async def _run_once(bot: CadBot, token: str, stop: asyncio.Event) -> BaseException | None:
    """Run until the bot ends by itself or `stop` is set; return what it failed with."""
    running = asyncio.create_task(bot.start(token))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set() and not running.done():
        log.info("stopping: no more commands are taken; what is on the wire may end")
        await bot.close()
        running.cancel()
    stopping.cancel()
    await asyncio.wait([running, stopping])
    return None if running.cancelled() else running.exception()


async def until_stopped(work: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Do `work`, whose event is set by Ctrl-C, a service manager's SIGTERM, or Ctrl-Break on Windows."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopped(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    # Not the loop's add_signal_handler: Windows has none.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, stopped)
    return await work(stop)
