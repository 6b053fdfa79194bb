"""The one gate in, and the one error reply out, of every command and autocomplete."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import words
from bot.errors import Refused
from bot.replies import say, suggest_nothing

if TYPE_CHECKING:
    from bot.app import CadBot

log = logging.getLogger(__name__)


class GateTree(app_commands.CommandTree["CadBot"]):
    """Lets in whom the gate admits. discord.py runs a command's own checks for no autocomplete, this for all."""

    def __init__(self, client: CadBot) -> None:
        # Commands are registered to guilds only: a global one is a stale one.
        super().__init__(client, fallback_to_global=False)
        self._strange_guilds: set[int] = set()

    async def interaction_check(self, interaction: discord.Interaction[CadBot], /) -> bool:
        """Note the task for the drain, and answer whoever may not pass."""
        if task := asyncio.current_task():
            self.client.running.add(task)
            task.add_done_callback(self.client.running.discard)
        try:
            refusal = words.shutting_down() if self.client.closing else self._refusal(interaction)
        except Exception as error:
            # discord.py answers nobody when a check fails with anything but its own kind of error.
            raise app_commands.AppCommandError("the gate failed") from error
        if refusal is None:
            return True
        await self._tell(interaction, refusal)
        return False

    async def on_error(self, interaction: discord.Interaction[CadBot], error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised: a refusal in its own words, a bug by a reference that the log has too."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if isinstance(cause, Refused):
            text = cause.told
        elif isinstance(cause, (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)):
            log.warning("interaction %s: Discord still shows an outdated command (%s)", interaction.id, cause)
            text = words.outdated_command()
        else:
            log.error("interaction %s failed", interaction.id, exc_info=cause)
            text = words.broken(interaction.id)
        await self._tell(interaction, text)

    async def _tell(self, interaction: discord.Interaction[CadBot], text: str) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            await suggest_nothing(interaction)
        else:
            await say(interaction, text)

    def _refusal(self, interaction: discord.Interaction[CadBot]) -> str | None:
        guild_id = interaction.guild_id
        guild = None if guild_id is None else self.client.get_guild(guild_id)
        if guild is not None and guild.unavailable:
            guild = None
        roles = None if guild is None else {role.id: role.name for role in guild.roles}
        member = interaction.user
        held = [role.id for role in member.roles] if isinstance(member, discord.Member) else []
        gate = self.client.gate
        refusal = gate.refusal(guild_id, roles, held)
        if refusal is None or guild_id is None:
            return refusal
        if roles is not None and not gate.is_home(guild_id, roles) and guild_id not in self._strange_guilds:
            self._strange_guilds.add(guild_id)
            log.warning("refused in guild %s (%s): it is not one of the home guilds", guild_id, guild)
        return refusal
