"""/remove911, and the message command on the CAD's posts: a dispatcher removes a 911 call from the CAD."""

from __future__ import annotations

from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.app import CadBot
from bot.cad.models import CallRef
from bot.calls.posts import CallPost, read_post
from bot.interactions import Interaction
from bot.interactions.elsewhere_button import elsewhere_view
from bot.interactions.guard import requester_from
from bot.interactions.options import Id, ServerOption
from bot.interactions.recreate_button import recreate_view
from bot.interactions.replies import answering, defer, deliver, respond, show_wait
from bot.interactions.views import ConfirmationView
from bot.messages import outcomes, posts
from bot.removals.service import RemovalService

MESSAGE_COMMAND = "Remove 911 call"
"""The message command's name. It does not follow EMERGENCY_NUMBER, because the documentation names it."""


class Remove911(commands.Cog):
    """Builds both commands, because their texts and options depend on the settings."""

    def __init__(self, removals: RemovalService, server: ServerOption) -> None:
        self._removals = removals
        self._server = server

    def command(self) -> app_commands.Command[Any, ..., None]:
        """Build /remove911."""
        server, number = self._server, self._server.emergency_number

        @app_commands.describe(
            call_id=f"The number of the {number} call; on Plus, type a name to search", server_id=server.description
        )
        @app_commands.autocomplete(call_id=server.suggest_calls, server_id=server.suggest_servers)
        async def callback(interaction: Interaction, call_id: Id, server_id: Id = server.default) -> None:
            if await defer(interaction):
                await self._remove(interaction, CallRef(server_id, call_id), "/remove911")

        description = f"Remove a {number} call from the CAD"
        return app_commands.Command(name="remove911", description=description, callback=callback)

    def message_command(self) -> app_commands.ContextMenu:
        """Build the command in the menu of a message, under Apps."""
        return app_commands.ContextMenu(name=MESSAGE_COMMAND, callback=self._confirm_post)

    async def _confirm_post(self, interaction: Interaction, message: discord.Message) -> None:
        """Show what the post and the CAD say, and ask for confirmation, because nobody typed these ids."""
        post = read_post(message)
        if not isinstance(post, CallPost):
            await respond(interaction, posts.post_error(post, self._server.emergency_number))
            return
        if not await defer(interaction):
            return
        servers = await self._server.cache.servers(post.ref.server_id)
        if servers.proves_missing(post.ref.server_id):
            await respond(interaction, posts.unknown_server(post.ref, servers.listed.listed_at))
            return
        snapshot = await self._server.cache.calls(post.ref.server_id)
        # A post that is newer than the removal is about a new call with the same number.
        posted_at = message.created_at.timestamp()
        if before := await self._removals.removed_before(post.ref, interaction.user.id, since=posted_at):
            await respond(interaction, outcomes.removal_text(before))
            return
        view = ConfirmationView(
            interaction,
            label="Remove call",
            pending_text=posts.removing(post.ref),
            on_confirm=lambda click: self._remove(click, post.ref, MESSAGE_COMMAND),
        )
        await respond(interaction, posts.confirm_removal(post, snapshot if snapshot.error is None else None), view)

    async def _remove(self, interaction: Interaction, ref: CallRef, way: str) -> None:
        """Remove the call, and show the result in the deferred reply."""
        on_wait = partial(show_wait, interaction, ref)
        with answering(interaction):
            removal = await self._removals.remove(ref, requester_from(interaction, way), on_wait)
            view = recreate_view(interaction, self._removals, [removal])
            view = view or elsewhere_view(interaction, removal, partial(self._remove, way=way))
            await deliver(interaction, outcomes.removal_text(removal), view)


async def setup(bot: CadBot) -> None:
    """Add the cog and its commands."""
    cog = Remove911(bot.removals, ServerOption.from_settings(bot.settings, bot.call_cache))
    await bot.add_cog(cog)
    bot.tree.add_command(cog.command())
    bot.tree.add_command(cog.message_command())
