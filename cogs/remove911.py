"""/remove911, and the same by the CAD's own post: a dispatcher takes a 911 call off the CAD."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot import words, words_clicks
from bot.app import CadBot
from bot.cad.model import MAX_ID, CallRef, Place
from bot.door import asker_of
from bot.footers import Post, read
from bot.removals import RemovalDesk
from bot.replies import acknowledge, say
from bot.views import Confirm

Id = app_commands.Range[int, 1, MAX_ID]

BY_POST = "Remove 911 call"
"""The message command's name. A name can't follow the settings: people look for it in the documentation."""


class Remove911(commands.Cog):
    """Holds the command in the one of two forms that the settings ask for, and the message command.

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
                await self._typed(interaction, CallRef(server_id, call_id))

            server = "The number of the CAD server that the call is on"
        else:

            async def callback(interaction: discord.Interaction[CadBot], call_id: Id, server_id: Id = default) -> None:
                await self._typed(interaction, CallRef(server_id, call_id))

            server = f"The number of the CAD server that the call is on; leave it out for server {default}"
        described = app_commands.describe(call_id="The number of the 911 call", server_id=server)(callback)
        command = app_commands.Command[Remove911, ..., None](
            name="remove911", description="Remove a 911 call from the CAD", callback=described
        )
        command.guild_only = True
        return command

    def message_command(self) -> app_commands.ContextMenu:
        """Build the command that stands in the menu of a message, under Apps."""

        async def callback(interaction: discord.Interaction[CadBot], message: discord.Message) -> None:
            await self._pointed_at(interaction, message)

        menu = app_commands.ContextMenu(name=BY_POST, callback=callback)
        menu.guild_only = True
        return menu

    async def _typed(self, interaction: discord.Interaction[CadBot], ref: CallRef) -> None:
        if await acknowledge(interaction):
            await self._remove(interaction, ref, "/remove911")

    async def _pointed_at(self, interaction: discord.Interaction[CadBot], message: discord.Message) -> None:
        """Show what the post says and ask; nobody has typed these numbers."""
        post = read(message)
        if not isinstance(post, Post):
            await say(interaction, words_clicks.unread(post))
            return

        async def then(click: discord.Interaction[CadBot]) -> None:
            await self._remove(click, post.ref, BY_POST)

        confirm = Confirm(interaction, label="Remove call", meanwhile=words_clicks.removing(post.ref), then=then)
        await say(interaction, words_clicks.remove_from_post(post), confirm)

    async def _remove(self, interaction: discord.Interaction[CadBot], ref: CallRef, way: str) -> None:
        """Remove the call, and give the answer in the reply that was acknowledged."""

        async def told(place: Place) -> None:
            await say(interaction, words.waiting(ref, place))

        outcome = await self._desk.remove(ref, asker_of(interaction, way), told)
        if await say(interaction, words.outcome(outcome)):
            await self._desk.answered(outcome)


async def setup(bot: CadBot) -> None:
    """Add the cog and its commands."""
    cog = Remove911(bot.desk, bot.settings.default_server_id)
    await bot.add_cog(cog)
    bot.tree.add_command(cog.command())
    bot.tree.add_command(cog.message_command())
