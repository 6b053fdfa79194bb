"""Compares this machine's clock with Discord's."""

from __future__ import annotations

import logging
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp

from bot.clock import Clock
from bot.health.finding import Finding, warn

log = logging.getLogger(__name__)

CLOCK_TOLERANCE = 10.0
"""Seconds that the clock may be wrong. The header has whole seconds, and a response takes time to arrive."""


class DiscordClock:
    """Compares this machine's clock with the `Date` header of Discord's responses. Sends no request of its own.

    Attributes:
        ahead_seconds: seconds by which this machine is ahead of Discord, or None before the first response.
        last_status: the HTTP status of the last response.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead_seconds: float | None = None
        self.last_status: int | None = None

    def trace(self) -> aiohttp.TraceConfig:
        """Return the trace that lets discord.py's session report its responses here."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_response)
        return trace

    async def _on_response(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, response: aiohttp.TraceRequestEndParams
    ) -> None:
        self.last_status = response.response.status
        try:
            self.ahead_seconds = (
                self._clock.wall() - parsedate_to_datetime(response.response.headers.get("Date", "")).timestamp()
            )
        except (ValueError, TypeError, OverflowError):
            log.debug("a response from Discord without a date")

    def findings(self) -> list[Finding]:
        """Return a finding about the clock, if Discord has responded yet."""
        if self.ahead_seconds is None:
            return []
        if abs(self.ahead_seconds) <= CLOCK_TOLERANCE:
            return [Finding("clock", "agrees with Discord's")]
        off = f"{abs(self.ahead_seconds):.0f} s {'ahead of' if self.ahead_seconds > 0 else 'behind'} Discord's"
        return [
            warn("clock", f"{off}, so the times in the bot's answers are wrong", "Let the system set it (NTP)")
        ]  # fmt: skip
