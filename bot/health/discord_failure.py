"""Why Discord could not be used, and what to do: the one place for the log, `check` and /cad911 status."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import aiohttp
import discord

from bot.cad.transport import parse_retry_after
from bot.text import clean, truncate

INVALID_TOKEN = 4004
"""The close code with which Discord's gateway rejects a token."""
NO_ACCESS = 50001
"""Discord's error code for a guild in which the bot may not have commands."""
DAILY_LIMIT = 30034
"""Discord's error code for more than 200 new commands in a guild on one day."""
DEFAULT_WAIT = 60.0
"""Seconds to wait if Discord refuses an address for sending too much, and does not say for how long."""

_NETWORK = "Look at this machine's network, its DNS and firewall"
_PROXY = "Look at HTTPS_PROXY, and at the proxy"
OUTAGE = "discordstatus.com tells of outages"
_CLOSE_CODES = {
    4010: "it does not accept the shard",
    4011: "the bot is in too many servers for one connection",
    4012: "it no longer speaks this bot's version of the API",
    4013: "it does not know the intents that the bot asks for",
    4014: "it does not allow the intents that the bot asks for",
}


@dataclass(frozen=True, slots=True)
class DiscordFailure:
    """A failed attempt to use Discord.

    Attributes:
        state: what happened, in half a sentence that follows the name of what was asked.
        remedy: what a host can do, in a sentence without its full stop.
        wait: seconds that Discord asks to wait at least.
        token_refused: True if only another token helps.
    """

    state: str
    remedy: str
    wait: float = 0.0
    token_refused: bool = False


def explain(error: BaseException, last_status: int | None = None) -> DiscordFailure:
    """Say what an error means. Never shows its text, except for Discord's own words about a request.

    discord.py tries some requests again until its caller's time is up. Then `last_status` is what Discord answered.
    """
    if isinstance(error, TimeoutError) and last_status is not None and last_status >= 400:
        return _turned_away(None) if last_status == 429 else _erring(last_status)
    match error:
        case discord.LoginFailure() | discord.ConnectionClosed(code=4004) | discord.HTTPException(status=401):
            return DiscordFailure(
                "it does not accept the token",
                "Developer Portal, Bot, Reset Token: put the new one into DISCORD_TOKEN",
                token_refused=True,
            )
        case discord.RateLimited():
            return _turned_away(error.retry_after)
        case discord.HTTPException():
            return _refused(error)
        case discord.ConnectionClosed():
            reason = _CLOSE_CODES.get(error.code, "it ended the connection")
            return DiscordFailure(f"{reason} (code {error.code})", OUTAGE if error.code < 4000 else "Update the bot")
        case aiohttp.ClientHttpProxyError():
            return DiscordFailure(f"the proxy refuses to connect to it (HTTP {error.status})", _PROXY)
        case aiohttp.ClientResponseError(status=429):
            headers = error.headers or {}
            return _turned_away(parse_retry_after(headers.get("Retry-After"), headers.get("Date")))
        case aiohttp.ClientResponseError():
            return _erring(error.status)
        case aiohttp.ClientError() | OSError():
            return _not_reached(error)
        case _:
            return DiscordFailure(f"it sent an unusable answer ({type(error).__name__})", OUTAGE)


def _not_reached(error: aiohttp.ClientError | OSError) -> DiscordFailure:
    match error:
        case ssl.SSLError() | aiohttp.ClientSSLError():
            # https://github.com/Rapptz/discord.py/issues/9860: the cause is on this machine, and not its network.
            return DiscordFailure(
                "no secure connection can be made: this machine does not trust its certificate",
                "Set this machine's clock, and install or update its root certificates (ca-certificates). "
                "A firewall or virus scanner that opens secure connections needs its own certificate there",
            )
        case aiohttp.ClientProxyConnectionError():
            return DiscordFailure("the proxy can't be reached", _PROXY)
        case aiohttp.ClientConnectorDNSError():
            return DiscordFailure("its name can't be looked up", "Look at this machine's DNS and its network")
        case TimeoutError():
            return DiscordFailure("it did not answer in time", f"{_NETWORK}. {OUTAGE}")
        case aiohttp.ClientConnectorError():
            return DiscordFailure("it can't be reached", _NETWORK)
        case _:
            return DiscordFailure(f"the connection broke ({type(error).__name__})", f"{_NETWORK}. {OUTAGE}")


def _erring(status: int) -> DiscordFailure:
    return DiscordFailure(f"it answers with an error (HTTP {status})", OUTAGE)


def _turned_away(seconds: float | None) -> DiscordFailure:
    wait = DEFAULT_WAIT if seconds is None else seconds
    return DiscordFailure(
        f"it turns this address away for {wait:.0f} s (HTTP 429)",
        "Another program behind the same address sends too much. On a shared host, ask the host",
        wait,
    )


def _refused(error: discord.HTTPException) -> DiscordFailure:
    if error.status == 429:
        headers = error.response.headers
        return _turned_away(parse_retry_after(headers.get("Retry-After"), headers.get("Date")))
    if error.status >= 500:
        return _erring(error.status)
    if error.code == NO_ACCESS:
        return DiscordFailure(
            "it refuses: the bot lacks access (code 50001)",
            "Invite the bot again with both scopes, bot and applications.commands",
        )
    if error.code == DAILY_LIMIT:
        return DiscordFailure(
            "it takes no more new commands today (code 30034)", "Nothing to do: it takes them again in a day", 3600.0
        )
    if error.code == 0:  # not from Discord's API, but from the edge in front of it
        return DiscordFailure(
            f"it refuses this machine (HTTP {error.status})", "Try again later, or from another network. Ask the host"
        )
    said = truncate(clean(error.text), 100)
    return DiscordFailure(f"it refuses (code {error.code}: {said})", "Look up the code, or ask the bot's makers")
