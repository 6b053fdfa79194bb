"""The life of a running bot: what is opened in which order, reconnecting, signals and closing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable

import discord

from bot import __version__
from bot.app import CadBot
from bot.cad.client import API_VERSIONS, CadClient
from bot.calls.cache import CallCache
from bot.clock import REAL_CLOCK, Clock
from bot.config.errors import BAD_SETTINGS
from bot.config.settings import Settings
from bot.gateway import FIRST_PAUSE, MAX_PAUSE
from bot.health.discord_failure import INVALID_TOKEN, explain
from bot.interactions.errors import DISCORD_ERRORS
from bot.journal.database import AlreadyRunning
from bot.journal.store import Journal

log = logging.getLogger("bot")


async def run_bot(settings: Settings, stop: asyncio.Event, clock: Clock = REAL_CLOCK) -> int:
    """Run the bot until `stop` is set, and return the exit code.

    If Discord can't be reached, retry until it can.
    """
    log.info("remove911 %s starts, with discord.py %s", __version__, discord.__version__)
    journal = Journal(
        settings.database_path,
        retention_days=settings.retention_days,
        audited=settings.audit_channel_id is not None,
        clock=clock,
    )
    try:
        async with journal:
            return await _connect(settings, journal, stop, clock)
    except AlreadyRunning:
        log.error(
            "another process holds the journal %s: this bot is already running. Stop that process first. "
            "A bot for another community needs its own DATABASE_PATH",
            settings.database_path,
        )
        return BAD_SETTINGS


async def _connect(settings: Settings, journal: Journal, stop: asyncio.Event, clock: Clock) -> int:
    pause = FIRST_PAUSE
    while not stop.is_set():
        async with (
            CadClient(settings.account, API_VERSIONS[settings.api_version], clock=clock) as cad,
            CallCache(cad) as cache,
            CadBot(settings, cad, journal, cache) as bot,
        ):
            failure = await _run_once(bot, settings.discord_token, stop)
        if stop.is_set():
            break
        if isinstance(failure, discord.LoginFailure) or getattr(failure, "code", None) == INVALID_TOKEN:
            log.error(
                "Discord refused DISCORD_TOKEN. Create a new token in the Developer Portal (Bot, Reset Token) "
                "and put it into .env"
            )
            return BAD_SETTINGS
        if not isinstance(failure, DISCORD_ERRORS):
            raise failure or RuntimeError("the connection to Discord ended without a reason")
        told = explain(failure)
        wait = max(pause, told.wait)
        log.warning("Discord: %s; next try in %.0f s. %s", told.state, wait, told.remedy)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)
        pause = min(pause * 2, MAX_PAUSE)
    log.info("stopped")
    return 0


async def _run_once(bot: CadBot, token: str, stop: asyncio.Event) -> BaseException | None:
    """Run until the bot ends by itself or `stop` is set. Return the exception with which it failed, if any."""
    running = asyncio.create_task(bot.start(token))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set() and not running.done():
        log.info("stopping: new commands are denied, and requests already sent to the CAD may finish")
        await bot.close()
        running.cancel()
    stopping.cancel()
    await asyncio.wait([running, stopping])
    return None if running.cancelled() else running.exception()


async def run_until_stopped(work: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Run `work` with an event that Ctrl-C, SIGTERM or, on Windows, Ctrl-Break sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: object) -> None:
        if not loop.is_closed():  # else a second Ctrl-C at the very end would raise
            loop.call_soon_threadsafe(stop.set)

    # Windows does not support the loop's add_signal_handler.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, on_signal)
    return await work(stop)
