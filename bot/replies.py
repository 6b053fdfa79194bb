"""How an answer reaches the person: ephemeral, once, and never as an unanswered interaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import IO, TYPE_CHECKING, cast

import aiohttp
import discord

from bot import words
from bot.errors import UNREACHED, Refused

if TYPE_CHECKING:
    import io

    from bot.app import CadBot

log = logging.getLogger(__name__)

# RuntimeError is what aiohttp raises where its session was closed meanwhile.
_UNREACHED = (*UNREACHED, discord.InteractionResponded, RuntimeError)
_ALREADY_ACKNOWLEDGED = 40060

PAUSES = (1.0, 3.0)
"""Seconds after which an answer is given again where the connection broke; less than what a drain leaves it."""


async def acknowledge(interaction: discord.Interaction[CadBot], meanwhile: str | None = None) -> bool:
    """Acknowledge; False where Discord did not take it, and then nothing else may be done.

    Args:
        interaction: a command, to which the ephemeral reply is a new one, or a click, to which it is the message
            with the buttons.
        meanwhile: what replaces that message, its buttons included, until the answer is there.
    """
    try:
        if interaction.type is discord.InteractionType.application_command:
            await interaction.response.defer(ephemeral=True, thinking=True)
        elif meanwhile is None:
            await interaction.response.defer()
        else:
            await interaction.response.edit_message(content=meanwhile, view=None)
    except _UNREACHED as error:
        if getattr(error, "code", None) == _ALREADY_ACKNOWLEDGED:
            log.error(
                "interaction %s was acknowledged already. Nothing was sent to the CAD. Either Discord's reply was lost "
                "for a moment, or another copy of this bot is running with the same token: stop it",
                interaction.id,
            )
        else:
            log.warning(
                "interaction %s could not be acknowledged (%s). Nothing was sent to the CAD",
                interaction.id,
                _brief(error),
            )
        return False
    return True


async def say(
    interaction: discord.Interaction[CadBot],
    text: str,
    view: discord.ui.View | None = None,
    embed: discord.Embed | None = None,
) -> bool:
    """Give the answer, whether the interaction was acknowledged yet or not. A failure is logged, and False.

    Args:
        interaction: what is answered.
        text: the answer. It replaces what stood there before.
        view: the buttons below it. Those that were there before go.
        embed: a box below the text. One that was there before goes.
    """
    try:
        if interaction.response.is_done():
            await _edit(interaction, text, view, embed)
        else:
            nothing = discord.utils.MISSING
            await interaction.response.send_message(
                text, view=nothing if view is None else view, embed=embed or nothing, ephemeral=True
            )
    except _UNREACHED as error:
        # The first line only: what players said stands below it, and in no log.
        told, _, _ = text.partition("\n")
        log.error("interaction %s: the answer did not reach Discord (%s): %s", interaction.id, _brief(error), told)
        return False
    return True


async def _edit(
    interaction: discord.Interaction[CadBot], text: str, view: discord.ui.View | None, embed: discord.Embed | None
) -> None:
    # discord.py itself tries again after a 5xx, and not after a connection that broke. Edited twice is edited once.
    for pause in (*PAUSES, None):
        try:
            await interaction.edit_original_response(content=text, view=view, embed=embed)
        except (aiohttp.ClientError, OSError):
            if pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            return


async def attach(interaction: discord.Interaction[CadBot], text: str, file: IO[bytes], name: str) -> None:
    """Send a file beside the answer, ephemeral too. A failure is logged, and said where Discord still takes that."""
    try:
        await interaction.followup.send(text, file=discord.File(cast("io.BufferedIOBase", file), name), ephemeral=True)
    except _UNREACHED as error:
        log.error("interaction %s: a file did not reach Discord (%s)", interaction.id, _brief(error))
        with contextlib.suppress(*_UNREACHED):
            await interaction.followup.send(words.no_file(), ephemeral=True)


async def edit_later(bot: CadBot, token: str, text: str) -> bool:
    """Give the answer to an interaction of which only the token is left. A failure is logged, and False."""
    webhook = discord.Webhook.partial(bot.application_id or 0, token, client=bot)
    try:
        # "@original" is what Discord calls the reply; discord.py's public edit knows message ids only.
        await webhook.edit_message(cast("int", "@original"), content=text, allowed_mentions=bot.allowed_mentions)
    except _UNREACHED as error:
        log.warning("an answer that was left over did not reach Discord (%s): %s", _brief(error), text)
        return False
    return True


async def show(interaction: discord.Interaction[CadBot], view: discord.ui.View) -> None:
    """Show the buttons of a reply as they are now. A failure is only logged."""
    try:
        await interaction.edit_original_response(view=view)
    except _UNREACHED as error:
        log.warning("interaction %s: its buttons could not be changed (%s)", interaction.id, _brief(error))


async def answer(interaction: discord.Interaction[CadBot], text: str) -> None:
    """Say it, but where somebody is typing: an autocomplete is answered with an empty list."""
    if interaction.type is not discord.InteractionType.autocomplete:
        await say(interaction, text)
        return
    try:
        if not interaction.response.is_done():
            await interaction.response.autocomplete([])
    except _UNREACHED as error:
        log.info("autocomplete %s could not be answered (%s)", interaction.id, _brief(error))


async def answer_error(interaction: discord.Interaction[CadBot], error: Exception) -> None:
    """Answer what was raised: a refusal in its own words, a bug by a reference that the log has too."""
    if isinstance(error, Refused):
        await answer(interaction, error.told)
        return
    log.error("interaction %s failed", interaction.id, exc_info=error)
    await answer(interaction, words.broken(interaction.id))


def _brief(error: Exception) -> str:
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}"
    return type(error).__name__
