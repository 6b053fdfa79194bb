"""The bot as a Discord client: holds the services, registers the commands, and drains before it closes."""

from __future__ import annotations

import asyncio
import logging

import discord
from discord.ext import commands

from bot.cad.client import CadClient
from bot.calls.cache import CallCache
from bot.config.settings import Settings
from bot.delivery.audit_channel import AuditChannel
from bot.delivery.pending_replies import PendingReplies
from bot.gateway import Gateway
from bot.health import discord_checks
from bot.health.status import StatusReport
from bot.interactions import Interaction
from bot.interactions.access import AccessPolicy, RequiredRole
from bot.interactions.command_tree import GuardedTree
from bot.interactions.guard import AccessGuard, was_handled
from bot.interactions.replies import respond
from bot.journal.store import Journal
from bot.messages import buttons
from bot.registration import Command, CommandRegistration
from bot.removals.service import RemovalService
from bot.tasks import spawn

log = logging.getLogger(__name__)

# The bot uses no voice, so missing voice libraries deserve no warning.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

EXTENSIONS = ("cogs.remove911", "cogs.calls911", "cogs.cad911")

DRAIN_SECONDS = 10.0
"""On shutdown, requests already sent to the CAD have this many seconds to finish."""
REPLY_SECONDS = 5.0
"""After that, replies have this many seconds to reach Discord."""


class CadBot(commands.Bot):
    """One community's bot. The caller opens the client, the journal and the cache, and closes them after the bot.

    Its clock is the client's.
    """

    def __init__(self, settings: Settings, cad: CadClient, journal: Journal, cache: CallCache) -> None:
        self.clock = cad.clock
        self.status_report = StatusReport(settings, cad, journal)
        super().__init__(
            command_prefix=(),  # the bot reads no messages
            help_command=None,
            intents=discord.Intents(guilds=True),
            tree_cls=GuardedTree,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            http_trace=self.status_report.discord_clock.trace(),
            **discord_checks.discord_proxy(),
        )
        self.settings = settings
        self.guard = AccessGuard(AccessPolicy.from_settings(settings), journal, self.clock)
        self.journal = journal
        self.call_cache = cache
        self.removals = RemovalService(cad, journal, cache)
        self._pending_replies = PendingReplies(self, cad, journal, self.removals)
        self._audit_channel: AuditChannel | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._redelivery: asyncio.Task[None] | None = None
        self._drain_task: asyncio.Task[None] | None = None
        self._cad = cad
        self._registration = CommandRegistration(self, self.guard.policy)
        self._checked_at_start = False

    @property
    def guild_commands(self) -> list[Command]:
        """The commands of each home guild, once the cogs are loaded."""
        return self._registration.commands

    async def setup_hook(self) -> None:
        """Load the cogs, and raise if one fails: the next sync would remove its commands. Start background work."""
        await self.load_commands()
        self._cad.refresh_plan()
        if channel_id := self.settings.audit_channel_id:
            channel = self.get_partial_messageable(channel_id)
            self._audit_channel = AuditChannel(self.journal, channel, self._cad.blocked_kinds)
            self._cad.on_blocked(self._audit_channel.wake)
            self._audit_channel.start()
        self._recovery = asyncio.create_task(self._pending_replies.recover())
        self._redelivery = spawn(self._pending_replies.run(), "redelivery")

    async def connect(self, *, reconnect: bool = True) -> None:  # noqa: ARG002 - discord.py's own signature
        """Stay connected to Discord's gateway until the bot is closed."""
        await Gateway(self, self.clock).run()

    async def load_commands(self) -> None:
        """Load the cogs. This needs no connection."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        # The cogs added global commands. They become guild commands, one home guild at a time.
        self._registration.commands = self.tree.get_commands()
        for command in self.guild_commands:
            command.guild_only = True
        self.tree.clear_commands(guild=None)

    async def on_ready(self) -> None:
        """Register the commands, and clear global ones that another bot with this token may have left."""
        log.info("logged in to Discord as %s, in %d server(s)", self.user, len(self.guilds))
        if not self.guilds:
            link = discord_checks.invite_link(self.settings, self.application_id or 0)
            log.warning("the bot is in no Discord server: invite it with %s", link)
        for guild in self.guilds:
            await self._registration.register(guild)
        await self._registration.clear_global()
        if not self._checked_at_start:
            self._checked_at_start = True
            await self.status_report.log_at_start(self)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Register the commands in a guild that became available after `on_ready`, or that invited the bot."""
        await self._registration.register(guild)

    on_guild_join = on_guild_available

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot left, so that the commands are registered again after a new invitation."""
        self._registration.forget(guild.id)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Log an error if a role that gives access was deleted."""
        for required in RequiredRole:
            if role.id in self.guard.policy.role_ids(required):
                log.error(
                    "the %s role %s (%s) was deleted in %s and no longer gives access. Put the new role's id into %s",
                    required.name.lower(),
                    role.name,
                    role.id,
                    role.guild.name,
                    required.value,
                )

    async def on_interaction(self, interaction: Interaction) -> None:
        """Answer a click whose view no longer exists: it expired, or the bot restarted.

        discord.py starts the task of a live view's click before this one, and that task first asks the guard.
        """
        if interaction.type is discord.InteractionType.component and not was_handled(interaction):
            await respond(interaction, buttons.EXPIRED)

    async def close(self) -> None:
        """Deny new commands, wait for requests and replies in progress, then disconnect from Discord."""
        self.guard.closing = True
        if self._drain_task is None:
            # Every close waits for the same drain: discord.py also closes by itself if Discord ends the connection.
            self._drain_task = asyncio.create_task(self._drain(self.guard.running - {asyncio.current_task()}))
        await asyncio.shield(self._drain_task)
        await super().close()

    async def _drain(self, tasks: set[asyncio.Task[object]]) -> None:
        self._registration.close()
        await self._cad.drain(DRAIN_SECONDS)
        if self._recovery is not None:
            tasks = {*tasks, self._recovery}
        if tasks:
            await asyncio.wait(tasks, timeout=REPLY_SECONDS)
        if self._audit_channel is not None:
            await self._audit_channel.close(REPLY_SECONDS)
        if self._redelivery is not None:
            self._redelivery.cancel()
