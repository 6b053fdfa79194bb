"""The door: whoever comes by a command or a click is noted for the drain and passes the same gate."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot import words
from bot.access import Need
from bot.cad.model import CallRef, an_id
from bot.entries import Asker
from bot.journal_file import JournalError
from bot.replies import answer

if TYPE_CHECKING:
    from bot.app import CadBot

log = logging.getLogger(__name__)

NEED = "need"
"""Where a command's `extras` say what it needs, and an admitted interaction's with what it was admitted."""
STRANGER = "stranger"
"""In an interaction's `extras` where somebody was refused for the role that they lack."""
BETWEEN_ATTEMPTS = 60.0
"""Seconds between two attempts of one stranger that are noted."""


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
        await _note_attempt(interaction)


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


async def _note_attempt(interaction: discord.Interaction[CadBot]) -> None:
    client, asker, now = interaction.client, asker_of(interaction), time()
    client.noted_strangers = {user: at for user, at in client.noted_strangers.items() if at > now - BETWEEN_ATTEMPTS}
    if asker.user_id in client.noted_strangers:
        return
    client.noted_strangers[asker.user_id] = now
    try:
        await client.journal.noted(_named(interaction), replace(asker, token=None), None)
    except JournalError as error:
        log.error("an attempt by user %s, who may not, could not be noted (%s)", asker.user_id, error)


def _named(interaction: discord.Interaction[CadBot]) -> CallRef | None:
    call, server = (an_id(getattr(interaction.namespace, name, None)) for name in ("call_id", "server_id"))
    return None if call is None else CallRef(server or 0, call)


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
