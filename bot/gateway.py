"""The connection to Discord's gateway: connects, resumes or begins a new session, for as long as the bot runs.

discord.py's own loop ends with an AttributeError if the first connection fails, resumes a dead session for ever, pauses
for up to 17 minutes, and logs a traceback each time: https://github.com/Rapptz/discord.py/issues/10520
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from contextvars import ContextVar
from typing import Any, NoReturn

import discord
from discord.ext import commands
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from bot.clock import Clock
from bot.health.discord_failure import INVALID_TOKEN, DiscordFailure, explain

log = logging.getLogger(__name__)

FIRST_PAUSE = 5.0
"""Seconds before the second try. Each pause is twice as long as the one before."""
MAX_PAUSE = 45.0
"""The longest pause, in seconds, so that the bot is back within a minute of the gateway's return."""
MAX_LOGIN_PAUSE = 90.0
"""The longest pause after a log-in. Discord resets the token of a bot that logs in more than 1000 times a day."""
STABLE_SECONDS = 60.0
"""A connection that held this long was good: the next failure is a first one."""
READY_TIMEOUT = 60.0
"""Seconds for connecting, from DNS to READY or RESUMED."""
MAX_RESUMES = 3
"""After this many failed attempts to resume a session, a new one is begun."""


CLOSE_TIMEOUT = 2.0
"""Seconds for closing a connection. A dead peer does not answer that."""

_opened: ContextVar[_WebSocket | None] = ContextVar("opened", default=None)


class _WebSocket(DiscordWebSocket):
    """discord.py forgets a connection that fails before READY. This one is known from its first moment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _opened.set(self)

    async def discard(self) -> None:
        """Close the connection, and let the thread of its heartbeat end."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.close()


class Gateway:
    """Keeps a bot connected. discord.py handles the events."""

    def __init__(self, bot: commands.Bot, clock: Clock) -> None:
        self._bot = bot
        self._clock = clock
        self._socket: _WebSocket | None = None
        self._session: dict[str, Any] = {}
        self._resumes = 0
        self._failures = 0
        self._logged_in = False
        self._established: float | None = None
        self._deadline: asyncio.Timeout | None = None
        for event in ("on_connect", "on_resumed"):
            bot.add_listener(self._on_established, event)

    async def run(self) -> None:
        """Stay connected until the bot is closed.

        Raises:
            discord.ConnectionClosed: Discord does not accept the token.
        """
        while not self._bot.is_closed():
            try:
                await self._connect()
            except Exception as error:  # whatever a damaged connection raises, the bot goes on
                if self._bot.is_closed():
                    return
                if isinstance(error, discord.ConnectionClosed) and error.code == INVALID_TOKEN:
                    raise
                log.debug("the connection to Discord's gateway failed", exc_info=True)
                self._bot.dispatch("disconnect")
                pause = self._next_pause(error)
            await asyncio.sleep(pause)

    async def _connect(self) -> NoReturn:
        """Connect, and handle events until the connection fails."""
        self._established, self._logged_in = None, False
        _opened.set(None)
        try:
            async with asyncio.timeout(READY_TIMEOUT) as self._deadline:
                # `initial`: discord.py's own pause before a log-in is not needed besides these.
                self._bot.ws = self._socket = await _WebSocket.from_client(
                    self._bot, initial=True, resume=bool(self._session), **self._session
                )
                self._logged_in = not self._session
                while True:
                    await self._socket.poll_event()
        finally:
            if opened := _opened.get():
                await opened.discard()

    async def _on_established(self) -> None:
        if self._deadline is None or self._established is not None:
            return
        try:
            self._deadline.reschedule(None)
        except RuntimeError:  # its time was up, or it broke, a moment ago
            return
        self._established = self._clock.monotonic()
        if self._failures:
            log.info("connected to Discord again")

    def _next_pause(self, error: Exception) -> float:
        """Choose the next session, log what happened, and return the seconds until the next try."""
        stable = self._established is not None and self._clock.monotonic() - self._established >= STABLE_SECONDS
        if stable:
            self._failures = self._resumes = 0
        self._choose_session(error)
        self._failures += 1
        asked = isinstance(error, ReconnectWebSocket)
        if asked and stable:  # Discord moves every connection from time to time
            log.info("Discord asks the bot to connect anew")
            return random.random()  # noqa: S311 - not for secrecy
        told = DiscordFailure("it ended the connection", "The bot goes on by itself") if asked else explain(error)
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10), MAX_LOGIN_PAUSE if self._logged_in else MAX_PAUSE)
        # Bots that lost Discord at the same moment should not come back at the same moment.
        pause = max(pause * random.uniform(1.0, 1.2), told.wait)  # noqa: S311 - not for secrecy
        log.warning("Discord's gateway: %s; next try in %.0f s. %s", told.state, pause, told.remedy)
        return pause

    def _choose_session(self, error: Exception) -> None:
        """Resume the session if Discord may still have it, a few times. Otherwise begin a new one."""
        socket = self._socket
        ended = isinstance(error, ReconnectWebSocket) and not error.resume
        if ended or socket is None or socket.session_id is None or self._resumes >= MAX_RESUMES:
            self._session, self._resumes = {}, 0
            if socket is not None:
                socket.session_id = None
            return
        self._resumes += 1
        self._session = {"session": socket.session_id, "sequence": socket.sequence, "gateway": socket.gateway}
