"""/remove911: a dispatcher takes a 911 call off the CAD."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot import words
from bot.app import CadBot
from bot.cad.model import MAX_ID, CallRef, Place
from bot.entries import Asker
from bot.removals import RemovalDesk
from bot.replies import acknowledge, say

Id = app_commands.Range[int, 1, MAX_ID]


class Remove911(commands.Cog):
    """Holds the command in the one of two forms that the settings ask for.

    Args:
        desk: takes the removals.
        default_server: the CAD server that is meant where none is given, or None where it has to be.
    """

    def __init__(self, desk: RemovalDesk, default_server: int | None) -> None:
        self._desk = desk
        self._default_server = default_server

    def command(self) -> app_commands.Command[Remove911, ..., None]:
        """Build the command. Whether an option is required is fixed when Discord hears of it."""
        default = self._default_server
        if default is None:

            async def callback(interaction: discord.Interaction[CadBot], call_id: Id, server_id: Id) -> None:
                await self._remove(interaction, CallRef(server_id, call_id))

            server = "The number of the CAD server that the call is on"
        else:

            async def callback(interaction: discord.Interaction[CadBot], call_id: Id, server_id: Id = default) -> None:
                await self._remove(interaction, CallRef(server_id, call_id))

            server = f"The number of the CAD server that the call is on; leave it out for server {default}"
        described = app_commands.describe(call_id="The number of the 911 call", server_id=server)(callback)
        command = app_commands.Command[Remove911, ..., None](
            name="remove911", description="Remove a 911 call from the CAD", callback=described
        )
        command.guild_only = True
        return command

    async def _remove(self, interaction: discord.Interaction[CadBot], ref: CallRef) -> None:
        if not await acknowledge(interaction):
            return
        asker = Asker(
            user_id=interaction.user.id,
            guild_id=interaction.guild_id or 0,
            channel_id=interaction.channel_id,
            way="/remove911",
            token=interaction.token,
        )

        async def told(place: Place) -> None:
            await say(interaction, words.waiting(ref, place))

        outcome = await self._desk.remove(ref, asker, told)
        if await say(interaction, words.outcome(outcome)):
            await self._desk.answered(outcome)


async def setup(bot: CadBot) -> None:
    """Add the cog and its command."""
    cog = Remove911(bot.desk, bot.settings.default_server_id)
    await bot.add_cog(cog)
    bot.tree.add_command(cog.command())
