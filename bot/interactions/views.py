"""Base classes of all buttons and selects: each click is checked and answered, and each view ends at a fixed time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import discord

from bot.clock import Clock
from bot.interactions import Interaction
from bot.interactions.access import RequiredRole
from bot.interactions.guard import REQUIRED_ROLE, guard_of
from bot.interactions.replies import (
    MAY_BE_ACKNOWLEDGED,
    defer,
    respond,
    respond_or_keep,
    respond_to_error,
    update_view,
)
from bot.messages import buttons, refusals

S = TypeVar("S")

MAX_VIEW_SECONDS = 14 * 60.0
"""A view ends at most this many seconds after its command: Discord accepts edits of a reply for 15 minutes."""
MIN_VIEW_SECONDS = 60.0
"""A view lives at least this many seconds, even if this machine's clock disagrees with Discord's."""
CONFIRM_SECONDS = 60.0
"""A confirmation must be answered within this many seconds."""
LATE_SECONDS = 1.0
"""Seconds before the text of a click that was not acknowledged is replaced. Until then, Discord may still accept the
acknowledgement and show the pending text."""


class OwnedView(discord.ui.View):
    """Buttons and selects in an ephemeral reply, for the member who sent `origin`.

    A click requires the same role as `origin` did.

    Args:
        origin: the command or click that this view replies to. The guard has admitted it.
        seconds: the view's lifetime. Clicks do not extend it.
    """

    single_use = False
    """True if the view asks for one decision, so that only the first click counts."""

    def __init__(self, origin: Interaction, seconds: float = MAX_VIEW_SECONDS) -> None:
        super().__init__()
        self.origin = origin
        self._required: RequiredRole = origin.extras[REQUIRED_ROLE]
        self._clock: Clock = origin.client.clock
        age = self._clock.wall() - origin.created_at.timestamp()
        self._end = self._clock.monotonic() + min(seconds, max(MAX_VIEW_SECONDS - age, MIN_VIEW_SECONDS))
        self._decided = False

    @property
    def timeout(self) -> float | None:
        """Seconds left. discord.py starts its timer anew at each click, so this keeps the end where it is."""
        return max(self._end - self._clock.monotonic(), 0.001)  # to discord.py, zero means no end

    @timeout.setter
    def timeout(self, value: float | None) -> None:
        raise AttributeError(f"the view's end is fixed and can't be set to {value} s from now")

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Check each click anew, because the member may have lost the role since the last one."""
        guard = guard_of(interaction)
        if guard.is_repeated(interaction):
            return False
        refusal = guard.check(interaction, self._required)
        if refusal is None and interaction.user.id != self.origin.user.id:
            refusal = buttons.NOT_YOURS
        if refusal is None and self._decided:
            refusal = buttons.FIRST_CLICK_COUNTS
        if refusal is not None:
            await guard.deny(interaction, refusal)
            return False
        self._decided = self.single_use  # no await since the click arrived, so the first click wins
        return True

    async def on_error(self, interaction: Interaction, error: Exception, /, *_: object) -> None:
        """Answer what a click's callback raised."""
        interaction.extras.setdefault(REQUIRED_ROLE, self._required)  # if it failed before the guard's check
        await respond_to_error(interaction, error)

    async def on_timeout(self) -> None:
        """Disable the buttons and selects."""
        if self._decided:  # the message shows the decision's result
            return
        for item in self.children:
            if isinstance(item, (discord.ui.Button, discord.ui.Select)):
                item.disabled = True
        await update_view(self.origin, self)


class PagedView(OwnedView, Generic[S]):
    """Shows a state, such as a page of a list. The state changes only once Discord has accepted the reply with it.

    Otherwise the old page stays on show, and its buttons go on from there.
    """

    def __init__(self, origin: Interaction, state: S) -> None:
        super().__init__(origin)
        self.state = state
        self._showing = asyncio.Lock()

    def draw(self, state: S) -> discord.Embed:
        """Set the buttons and selects for a state, and return its embed."""
        raise NotImplementedError

    async def show(self, interaction: Interaction, change: Callable[[S], S]) -> None:
        """Change the state and show it. One change at a time: a try again must send the same buttons."""
        async with self._showing:
            state = change(self.state)
            embed = self.draw(state)
            if await respond(interaction, "", self if self.children else None, embed=embed):
                self.state = state
            else:
                self.draw(self.state)

    async def clear_selection(self) -> None:
        """Clear what is selected. Otherwise Discord would not send the same selection a second time."""
        async with self._showing:
            await update_view(self.origin, self)


class ConfirmationView(OwnedView):
    """Asks for confirmation. Cancel, or a minute without a click, ends it without action.

    Args:
        origin: the command or click whose reply asks the question.
        label: the label of the button that confirms.
        pending_text: replaces the question when the member confirms.
        on_confirm: acts and replies, in the click's task. It is not called if Discord did not accept the click's
            acknowledgement; then the member can confirm again.
    """

    single_use = True

    def __init__(
        self,
        origin: Interaction,
        *,
        label: str,
        pending_text: str,
        on_confirm: Callable[[Interaction], Awaitable[None]],
    ) -> None:
        super().__init__(origin, CONFIRM_SECONDS)
        self.confirm.label = label
        self._pending_text = pending_text
        self._on_confirm = on_confirm

    # Cancel comes first: the second click of a double click on what asked the question lands there.
    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.secondary)
    async def cancel(self, interaction: Interaction, _: discord.ui.Button[ConfirmationView]) -> None:
        """End without action."""
        if not await defer(interaction, buttons.CANCELLED):
            await self._not_acknowledged(interaction, buttons.CANCELLED)

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def confirm(self, interaction: Interaction, _: discord.ui.Button[ConfirmationView]) -> None:
        """Call `on_confirm`."""
        if await defer(interaction, self._pending_text):
            await self._on_confirm(interaction)
        else:
            await self._not_acknowledged(interaction, refusals.NOT_ACKNOWLEDGED)

    async def _not_acknowledged(self, click: Interaction, text: str) -> None:
        """End with `text` if Discord may still show the click's text; otherwise the member can click again."""
        if MAY_BE_ACKNOWLEDGED in click.extras:
            await asyncio.sleep(LATE_SECONDS)
            await respond_or_keep(self.origin, text)
            return
        self._decided = False
        if self.is_finished():  # it expired meanwhile
            await self.on_timeout()

    async def on_timeout(self) -> None:
        """Show that the question expired."""
        if not self._decided:
            await respond_or_keep(self.origin, buttons.NOT_CONFIRMED)
