"""Errors on Discord's side, and what a member reads when a command raises."""

from __future__ import annotations

import aiohttp
import discord

from bot.journal.database import JournalError
from bot.messages import refusals
from bot.removals.errors import AlreadyRecreated, InvalidId

DISCORD_ERRORS = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Raised by a request that Discord refuses or that does not reach it."""


def refusal_text(error: Exception) -> str | None:
    """Return what a member reads if `error` is an expected refusal, or None if it is a bug."""
    match error:
        case InvalidId():
            return refusals.id_out_of_range(error.option, error.value)
        case AlreadyRecreated():
            return refusals.ALREADY_RECREATED
        case JournalError():
            return refusals.JOURNAL_UNREADABLE
        case _:
            return None
