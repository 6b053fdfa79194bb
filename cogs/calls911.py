"""/calls911: lists the open 911 calls of all servers or of one, and removes those that a dispatcher selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.app import CadBot
from bot.cad.models import CallRef, EmergencyCall
from bot.calls.cache import CallCache, CallsSnapshot, ServersSnapshot
from bot.interactions import Interaction
from bot.interactions.guard import requester_from
from bot.interactions.options import Id, ServerOption
from bot.interactions.recreate_button import recreate_view
from bot.interactions.replies import answering, defer, deliver, respond, show_progress
from bot.interactions.views import ConfirmationView, PagedView
from bot.messages import calls as call_messages
from bot.messages import outcomes
from bot.removals.result import RemovalResult
from bot.removals.service import RemovalService, validate_id
from bot.text import truncate

PAGE = 25
"""Calls on a page: as many as Discord allows in a select."""
MAX_REMOVALS = 10
"""Calls that a dispatcher can remove with one confirmation."""
WAY = "/calls911"
LIST_WAIT = 8.0
"""Seconds that the list of all servers waits for the CAD. On v1, each server takes one."""
MAX_EMBED = 4096
"""Characters that Discord accepts in an embed's description."""


class Calls911(commands.Cog):
    """Builds the command, because its texts and options depend on the settings."""

    def __init__(self, removals: RemovalService, cache: CallCache, server: ServerOption) -> None:
        self._removals = removals
        self._cache = cache
        self._server = server

    def command(self) -> app_commands.Command[Any, ..., None]:
        """Build /calls911."""
        server = self._server

        @app_commands.describe(server_id="Only the calls of this CAD server; leave it out for all")
        @app_commands.autocomplete(server_id=server.suggest_servers)
        async def callback(interaction: Interaction, server_id: Id | None = None) -> None:
            if server_id is not None:
                validate_id("server_id", server_id)
            if await defer(interaction):
                calls = CallList(interaction, self._removals, self._cache, server_id, server.default_id)
                await calls.refreshed(interaction)

        description = f"List the open {server.emergency_number} calls, and remove some"
        return app_commands.Command(name="calls911", description=description, callback=callback)


@dataclass(frozen=True, slots=True)
class ShownCalls:
    """The open calls by server and by page, and the page to show, if there are so many.

    Attributes:
        servers: the servers whose calls the list should have; None if it is one server's.
    """

    lists: Mapping[int, CallsSnapshot] = field(default_factory=dict[int, CallsSnapshot])
    servers: ServersSnapshot | None = None
    pages: Sequence[Sequence[EmergencyCall]] = ((),)
    wanted_page: int = 0

    @property
    def calls(self) -> list[EmergencyCall]:
        """The calls of all pages."""
        return [call for page in self.pages for call in page]

    @property
    def last_page(self) -> int:
        """The last page's number. The first one is 0."""
        return len(self.pages) - 1

    def without(self, gone: Set[CallRef]) -> ShownCalls:
        """Return the same pages without some calls. No call moves up from the next page."""
        lists = {server_id: snapshot.without(gone) for server_id, snapshot in self.lists.items()}
        return replace(
            self, lists=lists, pages=[[call for call in page if call.ref not in gone] for page in self.pages]
        )

    @property
    def page(self) -> int:
        """The number of the page."""
        return min(max(0, self.wanted_page), self.last_page)


class CallList(PagedView[ShownCalls]):
    """The open calls, page by page, and a select for those to remove."""

    def __init__(
        self,
        origin: Interaction,
        removals: RemovalService,
        cache: CallCache,
        server_id: int | None,
        default_id: int | None,
    ) -> None:
        super().__init__(origin, ShownCalls())
        self._removals = removals
        self._cache = cache
        self._server_id = server_id
        self._default_id = default_id

    async def refreshed(self, interaction: Interaction) -> None:
        """Read the open calls again, and show the current page."""
        lists: dict[int, CallsSnapshot] = {}
        if self._server_id is None:
            lists = await self._cache.calls_by_server(LIST_WAIT)
        if (server_id := self._server_id or self._default_id) and not lists:
            lists = {server_id: await self._cache.calls(server_id)}
        lists = {
            server_id: replace(one, calls=tuple(sorted(one.calls, key=lambda call: call.ref.call_id)))
            for server_id, one in sorted(lists.items())
        }
        servers = self._cache.cached_servers if self._server_id is None else None
        calls = [call for snapshot in lists.values() for call in snapshot.calls]
        pages = [calls[first : first + PAGE] for first in range(0, len(calls), PAGE)] or [[]]
        await self.show(interaction, lambda shown: ShownCalls(lists, servers, pages, shown.page))

    def draw(self, state: ShownCalls) -> discord.Embed:
        """Set the select and the buttons for a page, and return its text."""
        lists, page = state.lists, state.pages[state.page]
        self.clear_items()
        if page:
            names = state.servers.listed.servers if state.servers is not None and len(lists) > 1 else ()
            self.add_item(self.pick)
            self.pick.options = [
                discord.SelectOption(
                    label=label, description=about or None, value=f"{call.ref.server_id}/{call.ref.call_id}"
                )
                for call in page
                for label, about in [call_messages.select_option(call, names)]
            ]
            self.pick.max_values = min(MAX_REMOVALS, len(page))
            self.pick.placeholder = call_messages.select_placeholder(self.pick.max_values)
        if state.last_page:
            self.previous.disabled, self.next.disabled = state.page == 0, state.page == state.last_page
            self.add_item(self.previous).add_item(self.next)
        if not any(snapshot.plan_too_low for snapshot in lists.values()):
            self.add_item(self.refresh)
        text = call_messages.list_page(lists, page, state.servers)
        embed = discord.Embed(description=truncate(text, MAX_EMBED))
        if state.last_page:
            embed.set_footer(text=f"Page {state.page + 1} of {state.last_page + 1}, {len(state.calls)} calls")
        return embed

    @discord.ui.select()
    async def pick(self, interaction: Interaction, select: discord.ui.Select[Any]) -> None:
        """Ask to confirm the removal of the selected calls."""
        refs = [CallRef(*map(int, value.split("/"))) for value in select.values]
        view = ConfirmationView(
            interaction,
            label="Remove call" if len(refs) == 1 else f"Remove {len(refs)} calls",
            pending_text=call_messages.removal_progress([], refs),
            on_confirm=lambda click: self._remove(click, refs),
        )
        await respond(interaction, call_messages.confirm_removal(refs, self.state.calls), view)
        await self.clear_selection()

    @discord.ui.button(label="Previous")
    async def previous(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Show the previous page."""
        await self._turn(interaction, self.state.page - 1)

    @discord.ui.button(label="Next")
    async def next(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Show the next page."""
        await self._turn(interaction, self.state.page + 1)

    @discord.ui.button(label="Refresh")
    async def refresh(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Read the open calls again."""
        if await defer(interaction):
            await self.refreshed(interaction)

    async def _turn(self, interaction: Interaction, page: int) -> None:
        if await defer(interaction):
            await self.show(interaction, lambda shown: replace(shown, wanted_page=page))

    async def _remove(self, click: Interaction, refs: Sequence[CallRef]) -> None:
        """Remove the calls in their order, and show each result as soon as it is known."""
        with answering(click):
            started = await self._removals.start(refs, requester_from(click, WAY))
            removals: list[RemovalResult] = []
            for one in started:
                if removals:
                    ended = [outcomes.removal_text(removal, brief=True) for removal in removals]
                    await show_progress(click, call_messages.removal_progress(ended, refs[len(removals) :]))
                    await self._drop_gone(removals[-1:])
                removals.append(await self._removals.wait_for(one))
            text = "\n".join(outcomes.removal_text(removal, brief=len(refs) > 1) for removal in removals)
            await deliver(click, text, recreate_view(click, self._removals, removals))
        await self._drop_gone(removals)

    async def _drop_gone(self, removals: Sequence[RemovalResult]) -> None:
        """Take calls that are gone out of the list. This step checks no role, so it shows and reads nothing new."""
        gone = {removal.ref for removal in removals if removal.result.is_gone}
        if gone & {call.ref for call in self.state.calls} and not self.is_finished():
            await self.show(self.origin, lambda shown: shown.without(gone))


async def setup(bot: CadBot) -> None:
    """Add the cog and its command."""
    cog = Calls911(bot.removals, bot.call_cache, ServerOption.from_settings(bot.settings, bot.call_cache))
    await bot.add_cog(cog)
    bot.tree.add_command(cog.command())
