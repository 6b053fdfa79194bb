"""/cad911, for admins: what the bot did and for whom, and whether everything works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from bot.interactions.views import PagedView
from bot.journal.entries import Entry, EntryFilter
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
            await _Pages(interaction, self._journal, entry_filter).turn(interaction, (None,))


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the journal.

    Attributes:
        starts: for this page and each newer one, the entry number below which it starts; None for the newest page.
        following: the same for the next older page; None if there is none.
    """

    starts: tuple[int | None, ...] = (None,)
    entries: Sequence[Entry] = ()
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    following: int | None = None


class _Pages(PagedView[_Page]):
    """A page of the journal, and buttons for the other pages and the CSV file."""

    def __init__(self, origin: Interaction, journal: Journal, entry_filter: EntryFilter) -> None:
        super().__init__(origin, _Page())
        self._journal = journal
        self._filter = entry_filter
        self._names = MemberNames(origin.guild)

    async def turn(self, interaction: Interaction, starts: tuple[int | None, ...]) -> None:
        """Read a page and show it."""
        found = await self._journal.page(self._filter, starts[-1], PAGE + 1)
        entries = found[:PAGE]
        people = {entry.user_id for entry in entries if entry.user_id is not None}
        names = {user_id: (await self._names.of(user_id))[0] for user_id in people}
        page = _Page(starts, entries, names, entries[-1].number if len(found) > PAGE else None)
        await self.show(interaction, lambda _: page)

    def draw(self, state: _Page) -> discord.Embed:
        """Set the buttons for a page, and return its text."""
        self.newer.disabled = len(state.starts) == 1
        self.older.disabled = state.following is None
        self.file.disabled = not state.entries
        text = truncate(history_messages.history_page(state.entries, self._filter, state.names), MAX_EMBED)
        embed = discord.Embed(title="History", description=text)
        if state.entries:
            embed.set_footer(text=f"Page {len(state.starts)}")
        return embed

    # Both start from the page that is on show as the click arrives, so a second click on a slow one turns no further.

    @discord.ui.button(label="Newer")
    async def newer(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Show the page with newer entries."""
        starts = self.state.starts
        if await defer(interaction):
            await self.turn(interaction, starts[:-1] or starts)

    @discord.ui.button(label="Older")
    async def older(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Show the page with older entries."""
        shown = self.state
        if await defer(interaction):
            older = () if shown.following is None else (shown.following,)
            await self.turn(interaction, (*shown.starts, *older))

    @discord.ui.button(label="All as CSV")
    async def file(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Send all matching entries as a CSV file, in a new reply."""
        if not await defer(interaction, new_reply=True):
            return
        with SpooledTemporaryFile(MAX_IN_MEMORY) as file:
            found, limit = self._journal.entries(self._filter), interaction.filesize_limit
            many, complete = await write_csv(file, found, limit, self._names.of)
            text = history_messages.csv_ready(many, complete=complete)
            await send_file(interaction, text, file, "remove911-history.csv")


async def setup(bot: CadBot) -> None:
    """Add the cog and its commands."""
    await bot.add_cog(Cad911(bot.journal))
