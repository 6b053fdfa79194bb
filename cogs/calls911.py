"""/calls911: a server's open 911 calls as a list, from which some are removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import words, words_calls
from bot.app import CadBot
from bot.board import Board, SeenCalls
from bot.cad.model import CallRef, End
from bot.door import asker_of
from bot.options import Id, ServerOption
from bot.recreate import button_for
from bot.removals import RemovalDesk, check_id
from bot.replies import acknowledge, say, show
from bot.views import Confirm, View

PAGE = 25
"""Calls on a page: as many as a select takes."""
AT_ONCE = 10
"""Calls that are removed in one go."""
WAY = "/calls911"

Click = discord.Interaction[CadBot]


class Calls911(commands.Cog):
    """Holds the command in the one of two forms that the settings ask for.

    Args:
        desk: takes the removals.
        board: knows the calls.
        server: what is said about the option `server_id`.
    """

    def __init__(self, desk: RemovalDesk, board: Board, server: ServerOption) -> None:
        self._desk = desk
        self._board = board
        self._server = server

    def command(self) -> app_commands.Command[Calls911, ..., None]:
        """Build the command. Whether an option is required is fixed when Discord hears of it."""
        if self._server.default is None:

            async def callback(interaction: Click, server_id: Id) -> None:
                await self._show(interaction, server_id)

        else:
            default = self._server.default

            async def callback(interaction: Click, server_id: Id = default) -> None:
                await self._show(interaction, server_id)

        described = app_commands.describe(server_id=self._server.about)(callback)
        command = app_commands.Command[Calls911, ..., None](
            name="calls911",
            description=f"List the open {self._server.number} calls, and remove some",
            callback=described,
        )
        command.autocomplete("server_id")(self._server.suggest)
        command.guild_only = True
        return command

    async def _show(self, interaction: Click, server_id: int) -> None:
        check_id("server_id", server_id)
        if await acknowledge(interaction):
            await CallList(interaction, self._desk, self._board, server_id).refreshed(interaction)


class CallList(View):
    """The open calls, page by page, and a select for those to remove."""

    def __init__(self, asked: Click, desk: RemovalDesk, board: Board, server_id: int) -> None:
        super().__init__(asked)
        self._desk = desk
        self._board = board
        self._server_id = server_id
        self._page = 0
        self._seen = SeenCalls()

    async def refreshed(self, interaction: Click) -> None:
        """Look at the board anew and show the page."""
        seen = await self._board.calls(self._server_id)
        calls = tuple(sorted(seen.calls, key=lambda call: call.ref.call_id))
        self._seen = replace(seen, calls=calls)
        await self._show(interaction)

    async def _show(self, interaction: Click) -> None:
        calls, last = self._seen.calls, max(0, (len(self._seen.calls) - 1) // PAGE)
        self._page = min(self._page, last)
        page = calls[self._page * PAGE :][:PAGE]
        self.clear_items()
        if page:
            self.add_item(self.pick)
            self.pick.options = [
                discord.SelectOption(label=label, description=about or None, value=str(call.ref.call_id))
                for call in page
                for label, about in [words_calls.option(call)]
            ]
            self.pick.max_values = min(AT_ONCE, len(page))
            self.pick.placeholder = words_calls.select(self.pick.max_values)
        if last:
            self.previous.disabled, self.next.disabled = self._page == 0, self._page == last
            self.add_item(self.previous).add_item(self.next)
        if not self._seen.no_plus:
            self.add_item(self.refresh)
        embed = discord.Embed(description=words_calls.listed(self._seen, page, self._server_id))
        if last:
            embed.set_footer(text=f"Page {self._page + 1} of {last + 1}, {len(calls)} calls")
        await say(interaction, "", self if self.children else None, embed=embed)

    @discord.ui.select()
    async def pick(self, interaction: Click, select: discord.ui.Select[Any]) -> None:
        """Name what was selected, and ask."""
        refs = [CallRef(self._server_id, int(value)) for value in select.values]

        async def then(click: Click) -> None:
            await self._remove(click, refs)

        label = "Remove call" if len(refs) == 1 else f"Remove {len(refs)} calls"
        confirm = Confirm(interaction, label=label, meanwhile=words_calls.removing([], refs), then=then)
        await say(interaction, words_calls.remove_these(refs, self._seen.calls), confirm)
        # Nothing is selected any more: Discord would not send the same selection again.
        await show(self._asked, self)

    @discord.ui.button(label="Previous")
    async def previous(self, interaction: Click, _: discord.ui.Button[Any]) -> None:
        """Go back a page."""
        if await acknowledge(interaction):
            self._page = max(0, self._page - 1)
            await self._show(interaction)

    @discord.ui.button(label="Next")
    async def next(self, interaction: Click, _: discord.ui.Button[Any]) -> None:
        """Go on a page."""
        if await acknowledge(interaction):
            self._page += 1
            await self._show(interaction)

    @discord.ui.button(label="Refresh")
    async def refresh(self, interaction: Click, _: discord.ui.Button[Any]) -> None:
        """Look anew."""
        if await acknowledge(interaction):
            await self.refreshed(interaction)

    async def _remove(self, click: Click, refs: Sequence[CallRef]) -> None:
        """Remove all of them, in their order; each answer is told as soon as it is there."""
        # All are in the journal before the first is waited for, so that none is lost.
        begun = [await self._desk.begin(ref, asker_of(click, WAY)) for ref in refs]
        outcomes = [await self._desk.end(begun[0])]
        for one in begun[1:]:
            ended = [words.outcome(outcome, brief=True) for outcome in outcomes]
            await say(click, words_calls.removing(ended, refs[len(outcomes) :]))
            outcomes.append(await self._desk.end(one))
        text = "\n".join(words.outcome(outcome, brief=len(refs) > 1) for outcome in outcomes)
        if await say(click, text, button_for(click, self._desk, outcomes)):
            await self._desk.answered(click.token)
        gone = {one.ref for one in outcomes if one.answer.end in (End.REMOVED, End.GONE)}
        if gone and not self.is_finished():
            self._seen = self._seen.without(gone)  # and shown is nothing new: the role may have gone meanwhile
            await self._show(self._asked)


async def setup(bot: CadBot) -> None:
    """Add the cog and its command."""
    cog = Calls911(bot.desk, bot.board, ServerOption.of(bot))
    await bot.add_cog(cog)
    bot.tree.add_command(cog.command())
