"""/cad911, for admins: what the bot did and for whom, and whether everything works."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import proxy
from bot.app import CadBot
from bot.config.settings import MAX_RETENTION_DAYS
from bot.health import report
from bot.interactions import Interaction
from bot.interactions.access import RequiredRole
from bot.interactions.guard import REQUIRED_ROLE
from bot.interactions.member_names import MemberNames
from bot.interactions.options import Id
from bot.interactions.replies import defer, respond, send_file
from bot.interactions.views import OwnedView
from bot.journal.entries import EntryFilter
from bot.journal.export import MAX_IN_MEMORY, write_csv
from bot.journal.store import Journal
from bot.messages import history as history_messages
from bot.text import truncate

PAGE = 25
"""Journal entries on a page."""
MAX_EMBED = 4096
"""Characters that Discord accepts in an embed's description."""


class Cad911(
    commands.GroupCog,
    name="cad911",
    description="For admins: what the bot did, and whether it works",
    group_extras={REQUIRED_ROLE: RequiredRole.ADMIN},
):
    """The admins' commands."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @app_commands.command(description="Show what works, and how to fix the rest; let a paused bot try the CAD again")
    async def status(self, interaction: discord.Interaction[CadBot]) -> None:
        """Run all checks, and probe the CAD again, at most once a minute."""
        if not await defer(interaction):
            return
        bot = interaction.client
        secrets = (*bot.settings.secrets, *proxy.secrets())
        findings = await bot.status_report.collect(bot, [command.name for command in bot.guild_commands])
        embed = discord.Embed(title=report.summary(findings, "→"), description=report.as_message(findings, secrets))
        await respond(interaction, "", embed=embed)

    @app_commands.command(description="Who asked for what, and how it ended")
    @app_commands.describe(
        call_id="Only this call",
        person="Only this person's requests",
        outcome="Only requests with this outcome",
        days="How many days back to look",
    )
    @app_commands.choices(outcome=[app_commands.Choice(name=one, value=one) for one in history_messages.OUTCOMES])
    async def history(
        self,
        interaction: Interaction,
        call_id: Id | None = None,
        person: discord.User | None = None,
        outcome: str | None = None,
        days: app_commands.Range[int, 1, MAX_RETENTION_DAYS] | None = None,
    ) -> None:
        """Show the journal, a page at a time."""
        if await defer(interaction):
            since = None if days is None else interaction.client.clock.wall() - days * 86_400
            entry_filter = EntryFilter(call_id, person.id if person else None, outcome, since)
            await _Pages(interaction, self._journal, entry_filter).show(interaction)


class _Pages(OwnedView):
    """A page of the journal, and buttons for the other pages and the CSV file."""

    def __init__(self, origin: Interaction, journal: Journal, entry_filter: EntryFilter) -> None:
        super().__init__(origin)
        self._journal = journal
        self._filter = entry_filter
        self._names = MemberNames(origin.guild)
        # For this page and each newer one: the entry number below which it starts; None for the newest page.
        self._starts: list[int | None] = [None]
        self._next: int | None = None

    async def show(self, interaction: Interaction) -> None:
        """Read the page and show it."""
        found = await self._journal.page(self._filter, self._starts[-1], PAGE + 1)
        page = found[:PAGE]
        self._next = page[-1].number if len(found) > PAGE else None
        self.newer.disabled = len(self._starts) == 1
        self.older.disabled = self._next is None
        self.file.disabled = not page
        people = {entry.user_id for entry in page if entry.user_id is not None}
        names = {user_id: (await self._names.of(user_id))[0] for user_id in people}
        text = truncate(history_messages.history_page(page, self._filter, names), MAX_EMBED)
        embed = discord.Embed(title="History", description=text)
        if page:
            embed.set_footer(text=f"Page {len(self._starts)}")
        await respond(interaction, "", self, embed=embed)

    @discord.ui.button(label="Newer")
    async def newer(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Show the page with newer entries."""
        if await defer(interaction):
            if len(self._starts) > 1:
                self._starts.pop()
            await self.show(interaction)

    @discord.ui.button(label="Older")
    async def older(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Show the page with older entries."""
        if await defer(interaction):
            if self._next not in (None, self._starts[-1]):  # a click just before may be loading that page already
                self._starts.append(self._next)
            await self.show(interaction)

    @discord.ui.button(label="All as CSV")
    async def file(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Send all matching entries as a CSV file."""
        if not await defer(interaction):
            return
        with SpooledTemporaryFile(MAX_IN_MEMORY) as file:
            found, limit = self._journal.entries(self._filter), interaction.filesize_limit
            many, complete = await write_csv(file, found, limit, self._names.of)
            text = history_messages.csv_ready(many, complete=complete)
            await send_file(interaction, text, file, "remove911-history.csv")


async def setup(bot: CadBot) -> None:
    """Add the cog and its commands."""
    await bot.add_cog(Cad911(bot.journal))
