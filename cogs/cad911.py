"""/cad911: what admins look at. Who asked for what and how it ended; what works, and what does not."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import words_journal
from bot.access import Need
from bot.app import CadBot
from bot.cad.model import MAX_ID
from bot.door import NEED
from bot.entries import Entry, Filter
from bot.errors import Refused
from bot.export import IN_MEMORY, write_csv
from bot.health import report
from bot.journal import Journal
from bot.journal_file import JournalError
from bot.replies import acknowledge, attach, say
from bot.text import cut
from bot.views import View

PAGE = 25
"""Entries on a page."""
MOST_OF_AN_EMBED = 4096
"""Characters that Discord takes of its text."""

Click = discord.Interaction[CadBot]


class Cad911(commands.GroupCog, name="cad911", description="For admins: what the bot did, and whether it works"):
    """The admins' commands."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @app_commands.command(description="What works, and what to do about the rest; lets the CAD be tried again")
    async def status(self, interaction: Click) -> None:
        """Look at everything from inside, and re-check the CAD, at most once a minute."""
        if not await acknowledge(interaction):
            return
        bot = interaction.client
        found = await bot.overview.look(bot, [command.name for command in bot.guild_commands])
        embed = discord.Embed(title=report.summary(found, "→"), description=report.as_message(found))
        await say(interaction, "", embed=embed)

    @app_commands.command(description="Who asked for what, and how it ended")
    @app_commands.describe(
        call_id="Only this call", person="Only what this person asked for", outcome="Only what ended like this"
    )
    @app_commands.choices(outcome=[app_commands.Choice(name=one, value=one) for one in words_journal.OUTCOMES])
    async def history(
        self,
        interaction: Click,
        call_id: app_commands.Range[int, 1, MAX_ID] | None = None,
        person: discord.User | None = None,
        outcome: str | None = None,
    ) -> None:
        """Show the journal, a page at a time."""
        if not await acknowledge(interaction):
            return
        wanted = Filter(call_id, person.id if person else None, outcome)
        pages = _Pages(interaction, self._journal, wanted)
        await pages.show(interaction)


class _Pages(View):
    """A page of the journal, and what leads to the others."""

    def __init__(self, asked: Click, journal: Journal, wanted: Filter) -> None:
        super().__init__(asked)
        self._journal = journal
        self._wanted = wanted
        # Where this page and those on the way to it begin: the number above, None for the newest.
        self._starts: list[int | None] = [None]
        self._next: int | None = None

    async def show(self, interaction: Click) -> None:
        """Read the page and show it."""
        try:
            found = await self._journal.page(self._wanted, self._starts[-1], PAGE + 1)
        except JournalError as error:
            raise Refused(words_journal.journal_is_out_of_order()) from error
        page = found[:PAGE]
        self._next = page[-1].number if len(found) > PAGE else None
        self.newer.disabled = len(self._starts) == 1
        self.older.disabled = self._next is None
        self.file.disabled = not page
        await say(interaction, "", self, embed=_embed(page, self._wanted, len(self._starts)))

    @discord.ui.button(label="Newer")
    async def newer(self, interaction: Click, _: discord.ui.Button[Any]) -> None:
        """Go back a page."""
        if await acknowledge(interaction):
            if len(self._starts) > 1:
                self._starts.pop()
            await self.show(interaction)

    @discord.ui.button(label="Older")
    async def older(self, interaction: Click, _: discord.ui.Button[Any]) -> None:
        """Go on a page."""
        if await acknowledge(interaction):
            if self._next not in (None, self._starts[-1]):  # that page may be on its way, by a click just before
                self._starts.append(self._next)
            await self.show(interaction)

    @discord.ui.button(label="All as CSV")
    async def file(self, interaction: Click, _: discord.ui.Button[Any]) -> None:
        """Attach all that matches."""
        if not await acknowledge(interaction):
            return
        with SpooledTemporaryFile(IN_MEMORY) as file:
            try:
                many, whole = await write_csv(file, self._journal.entries(self._wanted), interaction.filesize_limit)
            except JournalError as error:
                raise Refused(words_journal.journal_is_out_of_order()) from error
            await attach(interaction, words_journal.csv_is_ready(many, whole=whole), file, "remove911-history.csv")


def _embed(page: list[Entry], wanted: Filter, number: int) -> discord.Embed:
    embed = discord.Embed(title="History", description=cut(words_journal.history(page, wanted), MOST_OF_AN_EMBED))
    return embed.set_footer(text=f"Page {number}") if page else embed


async def setup(bot: CadBot) -> None:
    """Add the cog and its commands."""
    cog = Cad911(bot.journal)
    if cog.app_command is not None:
        cog.app_command.guild_only = True
        cog.app_command.extras[NEED] = Need.ADMIN
    await bot.add_cog(cog)
