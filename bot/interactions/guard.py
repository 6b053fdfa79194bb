"""The access guard: every command, autocomplete and click passes it, and is counted for the drain."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.cad.models import CallRef, valid_id
from bot.clock import Clock
from bot.interactions import Interaction
from bot.interactions.access import AccessPolicy, RequiredRole
from bot.interactions.replies import respond_or_suggest_nothing
from bot.journal.database import JournalError
from bot.journal.entries import Requester
from bot.journal.store import Journal
from bot.messages import refusals

log = logging.getLogger(__name__)

REQUIRED_ROLE = "required role"
"""Key in `extras`. In a command's: the role that it requires. In an interaction's: the role that was checked."""
LACKS_ROLE = "lacks role"
"""Key in an interaction's `extras`. Set if the guard denied it because the member lacks the role."""
MAX_SEEN = 1000
"""Interactions that are remembered. Discord repeats one within seconds, after a connection broke."""
ATTEMPT_INTERVAL = 60.0
"""The journal records at most one denied attempt per member in this many seconds."""


class AccessGuard:
    """Checks who may do what, at the moment of the command or click.

    Args:
        policy: decides who may.
        journal: records the attempts of members who lack the role.
        clock: the bot's clock.

    Attributes:
        closing: True once the bot shuts down. From then on the guard denies everything.
        running: tasks of the interactions in progress, which a shutdown waits for.
    """

    def __init__(self, policy: AccessPolicy, journal: Journal, clock: Clock) -> None:
        self.policy = policy
        self.closing = False
        self.running: set[asyncio.Task[object]] = set()
        self._journal = journal
        self._clock = clock
        self._reported_guilds: set[int] = set()
        self._attempts: dict[int, float] = {}  # user id -> time of the last recorded attempt
        self._seen: dict[int, None] = {}

    def is_repeated(self, interaction: Interaction) -> bool:
        """Return True if Discord has delivered this interaction before. Nothing more is done for it then."""
        if interaction.id in self._seen:
            log.info("Discord delivered interaction %s twice", interaction.id)
            interaction.extras[REQUIRED_ROLE] = None  # handled
            return True
        self._seen[interaction.id] = None
        if len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        return False

    def check(self, interaction: Interaction, required: RequiredRole) -> str | None:
        """Register the running task; return the refusal that the member reads, or None if they may go on."""
        interaction.extras[REQUIRED_ROLE] = required
        if task := asyncio.current_task():
            self.running.add(task)
            task.add_done_callback(self.running.discard)
        return refusals.SHUTTING_DOWN if self.closing else self._refusal(interaction, required)

    async def deny(self, interaction: Interaction, refusal: str) -> None:
        """Answer with a refusal, and record the attempt if the member lacks the role."""
        await respond_or_suggest_nothing(interaction, refusal)
        if LACKS_ROLE in interaction.extras and interaction.type is not discord.InteractionType.autocomplete:
            await self._record_attempt(interaction)

    def _refusal(self, interaction: Interaction, required: RequiredRole) -> str | None:
        guild_id = interaction.guild_id
        guild = None if guild_id is None else interaction.client.get_guild(guild_id)
        if guild is not None and guild.unavailable:
            guild = None
        roles = None if guild is None else {role.id: role.name for role in guild.roles}
        member = interaction.user
        held = [role.id for role in member.roles] if isinstance(member, discord.Member) else []
        permissions = interaction.permissions
        manages = permissions.manage_guild or permissions.administrator
        refusal = self.policy.refusal(guild_id, roles, held, required, manages_server=manages)
        if refusal is None or guild_id is None or roles is None:
            return refusal
        if self.policy.is_home(guild_id, roles):
            interaction.extras[LACKS_ROLE] = True
        elif guild_id not in self._reported_guilds:
            self._reported_guilds.add(guild_id)
            log.warning("denied a command in guild %s (%s): it is not a home guild", guild_id, guild)
        return refusal

    async def _record_attempt(self, interaction: Interaction) -> None:
        requester, now = requester_from(interaction), self._clock.monotonic()
        self._attempts = {user: at for user, at in self._attempts.items() if at > now - ATTEMPT_INTERVAL}
        if requester.user_id in self._attempts:
            return
        self._attempts[requester.user_id] = now
        try:
            await self._journal.record_completed(_call_in(interaction), replace(requester, token=None), None)
        except JournalError as error:
            log.error("the journal can't record that user %s was denied (%s)", requester.user_id, error)


def guard_of(interaction: Interaction) -> AccessGuard:
    """Return the guard of the bot that received an interaction."""
    guard: AccessGuard = interaction.client.guard
    return guard


def requester_from(interaction: Interaction, way: str | None = None) -> Requester:
    """Return who sent a request, from where and by which command. `way` replaces the command's displayed name."""
    command = interaction.command
    slash = "" if isinstance(command, app_commands.ContextMenu) else "/"
    return Requester(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id,
        way=way or (f"{slash}{command.qualified_name}" if command else "a button"),
        token=interaction.token,
    )


def was_handled(interaction: Interaction) -> bool:
    """Return True if the guard has checked an interaction. Admitted or denied, it gets an answer."""
    return REQUIRED_ROLE in interaction.extras


def required_role(interaction: Interaction) -> RequiredRole:
    """Return the role that a command requires, from its own `extras` or from those of its group."""
    command: Any = interaction.command
    while command is not None:
        if REQUIRED_ROLE in command.extras:
            return RequiredRole(command.extras[REQUIRED_ROLE])
        command = getattr(command, "parent", None)
    return RequiredRole.DISPATCHER


def _call_in(interaction: Interaction) -> CallRef | None:
    call, server = (valid_id(getattr(interaction.namespace, name, None)) for name in ("call_id", "server_id"))
    return None if call is None else CallRef(server or 0, call)
