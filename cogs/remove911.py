"""/remove911, and the same by the CAD's own post: a dispatcher takes a 911 call off the CAD."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot import words, words_clicks
from bot.app import CadBot
from bot.board import Board
from bot.cad.model import CallRef, Place
from bot.door import asker_of
from bot.footers import Post, read
from bot.options import Id, ServerOption
from bot.recreate import button_for
from bot.removals import RemovalDesk
from bot.replies import acknowledge, say
from bot.views import Confirm

BY_POST = "Remove 911 call"
"""The message command's name. A name can't follow the settings: people look for it in the documentation."""

Click = discord.Interaction[CadBot]


class Remove911(commands.Cog):
    """Holds the command in the one of two forms that the settings ask for, and the message command."""

    def __init__(self, desk: RemovalDesk, board: Board, server: ServerOption) -> None:
        self._desk = desk
        self._board = board
        self._server = server

    def command(self) -> app_commands.Command[Remove911, ..., None]:
        """Build the command. Whether an option is required is fixed when Discord hears of it."""
        if self._server.default is None:

            async def callback(interaction: Click, call_id: Id, server_id: Id) -> None:
                await self._typed(interaction, CallRef(server_id, call_id))

        else:
            default = self._server.default

            async def callback(interaction: Click, call_id: Id, server_id: Id = default) -> None:
                await self._typed(interaction, CallRef(server_id, call_id))

        number = self._server.number
        described = app_commands.describe(call_id=f"The number of the {number} call", server_id=self._server.about)(
            callback
        )
        command = app_commands.Command[Remove911, ..., None](
            name="remove911", description=f"Remove a {number} call from the CAD", callback=described
        )
        command.autocomplete("call_id")(self._server.suggest_calls)
        command.autocomplete("server_id")(self._server.suggest)
        command.guild_only = True
        return command

    def message_command(self) -> app_commands.ContextMenu:
        """Build the command that stands in the menu of a message, under Apps."""

        async def callback(interaction: Click, message: discord.Message) -> None:
            await self._pointed_at(interaction, message)

        menu = app_commands.ContextMenu(name=BY_POST, callback=callback)
        menu.guild_only = True
        return menu

    async def _typed(self, interaction: Click, ref: CallRef) -> None:
        if await acknowledge(interaction):
            await self._remove(interaction, ref, "/remove911")

    async def _pointed_at(self, interaction: Click, message: discord.Message) -> None:
        """Show what the post and the CAD say, and ask; nobody has typed these numbers."""
        post = read(message)
        if not isinstance(post, Post):
            await say(interaction, words_clicks.unread(post, self._server.number))
            return
        if not await acknowledge(interaction):
            return
        servers = await self._board.servers()
        ids = {one.id for one in servers.servers}
        if ids and servers.trouble is None and post.ref.server_id not in ids:
            await say(interaction, words_clicks.unknown_server(post.ref))
            return
        seen = await self._board.calls(post.ref.server_id)

        async def then(click: Click) -> None:
            await self._remove(click, post.ref, BY_POST)

        confirm = Confirm(interaction, label="Remove call", meanwhile=words_clicks.removing(post.ref), then=then)
        await say(interaction, words_clicks.remove_from_post(post, seen if seen.trouble is None else None), confirm)

    async def _remove(self, interaction: Click, ref: CallRef, way: str) -> None:
        """Remove the call, and give the answer in the reply that was acknowledged."""

        async def told(place: Place) -> None:
            await say(interaction, words.waiting(ref, place))

        outcome = await self._desk.remove(ref, asker_of(interaction, way), told)
        if await say(interaction, words.outcome(outcome), button_for(interaction, self._desk, [outcome])):
            await self._desk.answered(interaction.token)


async def setup(bot: CadBot) -> None:
    """Add the cog and its commands."""
    cog = Remove911(bot.desk, bot.board, ServerOption.of(bot))
    await bot.add_cog(cog)
    bot.tree.add_command(cog.command())
    bot.tree.add_command(cog.message_command())
