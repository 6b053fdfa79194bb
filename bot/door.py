"""The door: whoever comes by a command or a click is noted for the drain and passes the same gate."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot import words
from bot.access import Need
from bot.cad.model import MAX_ID, CallRef
from bot.entries import Asker
from bot.replies import answer

if TYPE_CHECKING:
    from bot.app import CadBot

log = logging.getLogger(__name__)

NEED = "need"
"""Where a command's `extras` say what it needs, and an admitted interaction's with what it was admitted."""


STRANGER = "stranger"
"""In an interaction's `extras` where somebody was refused for the role that they lack."""


def knock(interaction: discord.Interaction[CadBot], need: Need) -> str | None:
    """Note the running task, and return what somebody who may not is told, or None for somebody who may."""
    client = interaction.client
    interaction.extras[NEED] = need
    if task := asyncio.current_task():
        client.running.add(task)
        task.add_done_callback(client.running.discard)
    return words.shutting_down() if client.closing else _refusal(interaction, need)


async def turn_away(interaction: discord.Interaction[CadBot], refusal: str) -> None:
    """Say no, and note an attempt of somebody who lacks the role."""
    await answer(interaction, refusal)
    if STRANGER in interaction.extras and interaction.type is not discord.InteractionType.autocomplete:
        await interaction.client.desk.refused(asker_of(interaction), _named(interaction))


def asker_of(interaction: discord.Interaction[CadBot], way: str | None = None) -> Asker:
    """Say who asked, from where and in which way; by default the command's name as people know it."""
    command = interaction.command
    slash = "" if isinstance(command, app_commands.ContextMenu) else "/"
    return Asker(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id or 0,
        channel_id=interaction.channel_id,
        way=way or (f"{slash}{command.qualified_name}" if command else "a button"),
        token=interaction.token,
    )


def came_in(interaction: discord.Interaction[CadBot]) -> bool:
    """Say whether somebody took care of an interaction: admitted or refused, it is answered."""
    return NEED in interaction.extras


def need_of(interaction: discord.Interaction[CadBot]) -> Need:
    """Find out what a command needs: it says so in its own `extras`, or the group does that it belongs to."""
    command: Any = interaction.command
    while command is not None:
        if NEED in command.extras:
            return Need(command.extras[NEED])
        command = getattr(command, "parent", None)
    return Need.DISPATCHER


def _named(interaction: discord.Interaction[CadBot]) -> CallRef | None:
    given = interaction.namespace
    call, server = getattr(given, "call_id", None), getattr(given, "server_id", None)
    ids = [one if type(one) is int and 1 <= one <= MAX_ID else 0 for one in (call, server)]
    return CallRef(ids[1], ids[0]) if ids[0] else None


def _refusal(interaction: discord.Interaction[CadBot], need: Need) -> str | None:
    client, guild_id = interaction.client, interaction.guild_id
    guild = None if guild_id is None else client.get_guild(guild_id)
    if guild is not None and guild.unavailable:
        guild = None
    roles = None if guild is None else {role.id: role.name for role in guild.roles}
    member = interaction.user
    held = [role.id for role in member.roles] if isinstance(member, discord.Member) else []
    allowed = interaction.permissions
    manages = allowed.manage_guild or allowed.administrator
    refusal = client.gate.refusal(guild_id, roles, held, need, manages_server=manages)
    if refusal is None or guild_id is None or roles is None:
        return refusal
    if client.gate.is_home(guild_id, roles):
        interaction.extras[STRANGER] = True
        return refusal
    if guild_id not in client.strange_guilds:
        client.strange_guilds.add(guild_id)
        log.warning("refused in guild %s (%s): it is not one of the home guilds", guild_id, guild)
    return refusal
