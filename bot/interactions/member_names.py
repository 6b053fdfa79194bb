"""What Discord calls members now. It is asked when the history is shown, and nothing is stored."""

from __future__ import annotations

import asyncio
import logging

import discord

from bot.interactions.errors import DISCORD_ERRORS

log = logging.getLogger(__name__)

MAX_ASKED = 100
"""Members whose names are asked for. An export can have many more, and each takes a request."""


MAX_SECONDS = 5.0
"""Seconds that all names of one answer may take. discord.py tries for half a minute when Discord fails."""


class MemberNames:
    """Asks Discord for the names of a guild's members, once for each."""

    def __init__(self, guild: discord.Guild | None) -> None:
        self._guild = guild
        self._known: dict[int, tuple[str, str]] = {}
        self._left = MAX_SECONDS

    async def of(self, user_id: int) -> tuple[str, str]:
        """Return a member's displayed name and user name, both empty if Discord does not give them."""
        if self._guild is None or user_id in self._known or len(self._known) >= MAX_ASKED or self._left <= 0:
            return self._known.get(user_id, ("", ""))
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._left):
                member = await self._guild.fetch_member(user_id)
            self._known[user_id] = (member.display_name, member.name)
        except DISCORD_ERRORS as error:  # the member has left, or Discord does not answer (a timeout is an OSError)
            log.debug("the names of user %s are not known (%s)", user_id, type(error).__name__)
            self._known[user_id] = ("", "")
        self._left -= asyncio.get_running_loop().time() - started
        return self._known[user_id]
