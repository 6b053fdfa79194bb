"""The command tree: checks access before every command and autocomplete, and answers what a command raises."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord import app_commands

from bot.interactions import Interaction
from bot.interactions.guard import guard_of, required_role
from bot.interactions.replies import respond_or_suggest_nothing, respond_to_error
from bot.messages import refusals

log = logging.getLogger(__name__)


class GuardedTree(app_commands.CommandTree[Any]):
    """Checks access here, because discord.py skips a command's own checks for autocomplete."""

    def __init__(self, client: discord.Client) -> None:
        # The bot registers guild commands only, so a global command is a stale one.
        super().__init__(client, fallback_to_global=False)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Return True if the member may go on; otherwise answer them."""
        guard = guard_of(interaction)
        if guard.is_repeated(interaction):
            return False
        try:
            refusal = guard.check(interaction, required_role(interaction))
        except Exception as error:
            # discord.py calls `on_error` for an AppCommandError only. After any other error, nobody answers.
            raise app_commands.AppCommandError("the access check failed") from error
        if refusal is None:
            return True
        await guard.deny(interaction, refusal)
        return False

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if isinstance(cause, (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)):
            log.warning("interaction %s: Discord still shows an outdated command (%s)", interaction.id, cause)
            await respond_or_suggest_nothing(interaction, refusals.OUTDATED_COMMAND)
        else:
            await respond_to_error(interaction, cause)
