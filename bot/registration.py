"""Registers the commands with Discord, one guild at a time, and tries again for as long as Discord refuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.health.discord_failure import explain
from bot.interactions.access import AccessPolicy
from bot.tasks import spawn

log = logging.getLogger(__name__)

FIRST_PAUSE = 30.0
"""Seconds before the second try. Each pause is twice as long as the one before."""
MAX_PAUSE = 900.0
"""The longest pause, in seconds, unless Discord asks for a longer one."""
ENTRY_POINT = 4
"""The type of a command that starts an Activity. Discord lets no bot remove it like the others."""

_GLOBAL = 0

Command = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu


class CommandRegistration:
    """Each home guild has the commands, and nothing is registered globally. Every step is done once, if it succeeds."""

    def __init__(self, bot: commands.Bot, policy: AccessPolicy) -> None:
        self.commands: list[Command] = []
        """The commands of each home guild, once the cogs are loaded."""
        self._bot = bot
        self._policy = policy
        self._begun: set[int] = set()
        self._retries: dict[int, asyncio.Task[None]] = {}

    async def register(self, guild: discord.Guild) -> None:
        """Register the commands in a home guild by one PUT."""
        if guild.id in self._begun or guild.unavailable:  # an event follows when it becomes available
            return
        self._begun.add(guild.id)
        if not self._policy.is_home(guild.id, {role.id for role in guild.roles}):
            log.warning(
                "%s (%s) is not a home guild, so no command is registered there. To make it one, add one of its roles "
                "to DISPATCHER_ROLE_IDS or ADMIN_ROLE_IDS and, if GUILD_IDS is set, its id to that",
                guild.name,
                guild.id,
            )
            return
        for command in self.commands:
            self._bot.tree.add_command(command, guild=guild, override=True)
        await self._attempt(
            guild.id, f"the commands could not be registered in {guild.name}", partial(self._register, guild)
        )

    async def clear_global(self) -> None:
        """Remove global commands that another bot with this token may have left."""
        if _GLOBAL not in self._begun:
            self._begun.add(_GLOBAL)
            await self._attempt(_GLOBAL, "stale global commands could not be cleared", self._clear_global)

    def forget(self, guild_id: int) -> None:
        """The bot left a guild. After a new invitation, the commands are registered again."""
        self._begun.discard(guild_id)
        if retry := self._retries.pop(guild_id, None):
            retry.cancel()

    def close(self) -> None:
        """Try nothing again."""
        for retry in self._retries.values():
            retry.cancel()

    async def _attempt(self, key: int, failed: str, work: Callable[[], Awaitable[None]]) -> None:
        """Try once now, and from then on in the background."""
        pause = await self._try(failed, work, FIRST_PAUSE)
        if pause is not None:
            self._retries[key] = spawn(self._retry(failed, work, pause), "registration")

    async def _retry(self, failed: str, work: Callable[[], Awaitable[None]], pause: float | None) -> None:
        backoff = FIRST_PAUSE
        while pause is not None:
            await asyncio.sleep(pause)
            backoff = min(backoff * 2, MAX_PAUSE)
            pause = await self._try(failed, work, backoff)

    async def _try(self, failed: str, work: Callable[[], Awaitable[None]], pause: float) -> float | None:
        """Return the seconds until the next try, or None after success."""
        try:
            await work()
        except Exception as error:  # a damaged answer raises anything, and Discord will be asked again
            log.debug("a request to Discord failed", exc_info=True)
            told = explain(error)
            pause = max(pause, told.wait)
            log.error("%s. Discord: %s; next try in %.0f s. %s", failed, told.state, pause, told.remedy)
            return pause
        return None

    async def _register(self, guild: discord.Guild) -> None:
        synced = await self._bot.tree.sync(guild=guild)
        slash = discord.AppCommandType.chat_input
        names = [f"/{command.name}" if command.type is slash else command.name for command in synced]
        log.info("registered %s in %s", ", ".join(names), guild.name)

    async def _clear_global(self) -> None:
        application = self._bot.application_id or 0
        # discord.py's types do not know the entry point.
        found: list[Any] = list(await self._bot.http.get_global_commands(application))
        kept = [command for command in found if command.get("type") == ENTRY_POINT]
        if len(found) > len(kept):
            # Discord refuses a request that lacks the entry point: https://github.com/Pycord-Development/pycord/pull/3276
            await self._bot.http.bulk_upsert_global_commands(application, kept)
            log.info("cleared stale global commands")
        for command in kept:
            log.warning(
                "the global command %s starts an Activity, and stays: no bot can remove it. To be rid of it, switch "
                "Activities off in the Developer Portal",
                command["name"],
            )
