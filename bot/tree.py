"""The one gate in, and the one error reply out, of every command and autocomplete."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import words
from bot.door import knock, need_of, turn_away
from bot.replies import answer, answer_error

if TYPE_CHECKING:
    from bot.app import CadBot

log = logging.getLogger(__name__)


class GateTree(app_commands.CommandTree["CadBot"]):
    """Lets in whom the gate admits. discord.py runs a command's own checks for no autocomplete, this for all."""

    def __init__(self, client: CadBot) -> None:
        # Commands are registered to guilds only: a global one is a stale one.
        super().__init__(client, fallback_to_global=False)

    async def interaction_check(self, interaction: discord.Interaction[CadBot], /) -> bool:
        """Answer whoever may not pass."""
        try:
            refusal = knock(interaction, need_of(interaction))
        except Exception as error:
            # discord.py answers nobody when a check fails with anything but its own kind of error.
            raise app_commands.AppCommandError("the gate failed") from error
        if refusal is None:
            return True
        await turn_away(interaction, refusal)
        return False

    async def on_error(self, interaction: discord.Interaction[CadBot], error: app_commands.AppCommandError, /) -> None:
        """Answer what a command raised."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if isinstance(cause, (app_commands.CommandNotFound, app_commands.CommandSignatureMismatch)):
            log.warning("interaction %s: Discord still shows an outdated command (%s)", interaction.id, cause)
            await answer(interaction, words.outdated_command())
        else:
            await answer_error(interaction, cause)
