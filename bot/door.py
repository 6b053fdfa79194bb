"""The door: whoever comes by a command, a click or a form is noted for the drain and passes the same gate."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import discord

from bot import words
from bot.access import Need

if TYPE_CHECKING:
    from bot.app import CadBot

log = logging.getLogger(__name__)

NEED = "need"
"""Where a command's `extras` say what it needs, and an admitted interaction's with what it was admitted."""


def knock(interaction: discord.Interaction[CadBot], need: Need) -> str | None:
    """Note the running task, and return what somebody who may not is told, or None for somebody who may."""
    client = interaction.client
    interaction.extras[NEED] = need
    if task := asyncio.current_task():
        client.running.add(task)
        task.add_done_callback(client.running.discard)
    return words.shutting_down() if client.closing else _refusal(interaction, need)


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
    if refusal is None or guild_id is None or roles is None or client.gate.is_home(guild_id, roles):
        return refusal
    if guild_id not in client.strange_guilds:
        client.strange_guilds.add(guild_id)
        log.warning("refused in guild %s (%s): it is not one of the home guilds", guild_id, guild)
    return refusal
