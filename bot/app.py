"""The Discord side of the bot: holds the services, registers the commands, closes in good order."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import words_clicks
from bot.access import Gate, Need
from bot.audit import Audit
from bot.board import Board
from bot.cad.client import CadClient
from bot.door import came_in
from bot.errors import UNREACHED
from bot.health import discord_side
from bot.health.overview import Overview
from bot.journal import Journal
from bot.journal_file import JournalError
from bot.leftover import catch_up, keep_answering
from bot.removals import RemovalDesk
from bot.replies import say
from bot.settings import Settings
from bot.tree import GateTree

log = logging.getLogger(__name__)

# No voice is spoken here, so its missing libraries are no warning.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

Command = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu

EXTENSIONS = ("cogs.remove911", "cogs.calls911", "cogs.cad911")

DRAIN = 10.0
"""Seconds that requests on the wire have to end when the bot stops."""
LAST_WORDS = 5.0
"""Seconds after that in which the replies are edited."""


class CadBot(commands.Bot):
    """One community's bot.

    Args:
        settings: where and for whom it works.
        cad: the client that it asks, open already; whoever opened it closes it after the bot.
        journal: where it is written down what was asked and how it ended; open already, and closed after the client.
        board: what is known of open calls and servers; open already, and closed before the client.
    """

    def __init__(self, settings: Settings, cad: CadClient, journal: Journal, board: Board) -> None:
        self.overview = Overview(settings, cad, journal)
        super().__init__(
            command_prefix=(),  # no message is ever read
            help_command=None,
            intents=discord.Intents(guilds=True),
            tree_cls=GateTree,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            http_trace=self.overview.clock.trace(),
        )
        self.settings = settings
        self.gate = Gate.of(settings)
        self.journal = journal
        self.board = board
        self.desk = RemovalDesk(cad, journal, board)
        self._audit: Audit | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._answering: asyncio.Task[None] | None = None
        self.closing = False
        self._draining: asyncio.Task[None] | None = None
        self.running: set[asyncio.Task[object]] = set()
        self.strange_guilds: set[int] = set()
        self.noted_strangers: dict[int, float] = {}
        self._cad = cad
        self.guild_commands: list[Command] = []
        """What the home guilds get, once the cogs are loaded."""
        self._welcomed: set[int] = set()
        self._global_cleared = False
        self._looked_after = False

    async def setup_hook(self) -> None:
        """Load the cogs. One that fails is raised: without it the sync would take its commands from Discord."""
        await self.load_commands()
        self._cad.find_out_plan()
        if channel := self.settings.audit_channel_id:
            self._audit = Audit(self.journal, self.get_partial_messageable(channel))
            self._audit.open()
        # In a context of its own: it belongs to nobody's command.
        self._answering = contextvars.Context().run(asyncio.create_task, keep_answering(self), name="answers")
        try:
            # Asked before the first command can come, so that none of this process's is among them.
            left, newest = await self.journal.left_open(), await self.journal.newest()
        except JournalError as error:
            log.error("what an earlier run left over could not be read (%s)", error)
        else:
            self._catching_up = asyncio.create_task(catch_up(self, self._cad, left, newest))

    async def load_commands(self) -> None:
        """Load the cogs. Needs no connection."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        # Nothing is global: what the cogs brought waits here for the guilds.
        self.guild_commands = self.tree.get_commands()
        self.tree.clear_commands(guild=None)

    async def on_ready(self) -> None:
        """Register the commands; clear those that an earlier bot may have registered globally."""
        log.info("logged in to Discord as %s, in %d server(s)", self.user, len(self.guilds))
        if not self.guilds:
            link = discord_side.invite(self.settings, self.application_id or 0)
            log.warning("the bot is in no Discord server: invite it by %s", link)
        for guild in self.guilds:
            await self._welcome(guild)
        await self._clear_global_commands()
        if not self._looked_after:
            self._looked_after = True
            await self.overview.at_start(self)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Register the commands in a guild that Discord told about late, after `on_ready`."""
        await self._welcome(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Register the commands in a guild that the bot was invited to."""
        await self._welcome(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot left, so that a new invitation registers anew."""
        self._welcomed.discard(guild.id)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Say loudly that a role by which people passed is gone."""
        for need in Need:
            if role.id in self.gate.role_ids(need):
                log.error(
                    "the %s role %s (%s) was deleted in %s: nobody passes by it any more. "
                    "Put the new role's id into %s",
                    need.name.lower(),
                    role.name,
                    role.id,
                    role.guild.name,
                    need.value,
                )

    async def on_interaction(self, interaction: discord.Interaction[CadBot]) -> None:
        """Answer a click that nobody took care of: its view has expired, or is of before a restart.

        discord.py starts the task of a live view's click before this one, and that task's first step is the door.
        """
        if interaction.type is discord.InteractionType.component and not came_in(interaction):
            await say(interaction, words_clicks.expired())

    async def close(self) -> None:
        """Take no more commands, let what is on the wire end and its replies be edited, then leave Discord."""
        self.closing = True
        if self._draining is None:
            # One drain, which every further close waits for: discord.py closes by itself where Discord ends it.
            self._draining = asyncio.create_task(self._drain(self.running - {asyncio.current_task()}))
        await asyncio.shield(self._draining)
        await super().close()

    async def _drain(self, others: set[asyncio.Task[object]]) -> None:
        await self._cad.drain(DRAIN)
        if self._catching_up is not None:
            others = {*others, self._catching_up}
        if others:
            await asyncio.wait(others, timeout=LAST_WORDS)
        if self._audit is not None:
            await self._audit.close(LAST_WORDS)
        if self._answering is not None:
            self._answering.cancel()

    async def _clear_global_commands(self) -> None:
        if self._global_cleared:
            return
        try:
            if await self.tree.fetch_commands():
                await self.tree.sync()
                log.info("cleared stale global commands")
            self._global_cleared = True
        except UNREACHED as error:
            log.warning("stale global commands could not be looked for (%s)", type(error).__name__)

    async def _welcome(self, guild: discord.Guild) -> None:
        """Look at a guild once; where it is home, register the commands there by one PUT."""
        if guild.id in self._welcomed or guild.unavailable:  # Discord tells of it again when it can
            return
        self._welcomed.add(guild.id)
        if not self.gate.is_home(guild.id, {role.id for role in guild.roles}):
            log.warning(
                "%s (%s) is not a home guild, so no command is registered there. "
                "If it should be: DISPATCHER_ROLE_IDS or ADMIN_ROLE_IDS needs a role of it, "
                "and GUILD_IDS, where set, its id",
                guild.name,
                guild.id,
            )
            return
        for command in self.guild_commands:
            self.tree.add_command(command, guild=guild, override=True)
        try:
            synced = await self.tree.sync(guild=guild)
        except UNREACHED as error:
            self._welcomed.discard(guild.id)
            log.error(
                "the commands could not be registered in %s (%s). Invite the bot again with both scopes, "
                "bot and applications.commands, then restart it",
                guild.name,
                error,
            )
            return
        typed = discord.AppCommandType.chat_input
        names = [f"/{command.name}" if command.type is typed else command.name for command in synced]
        log.info("registered %s in %s", ", ".join(names), guild.name)
