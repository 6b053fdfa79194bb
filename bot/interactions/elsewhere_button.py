"""The button that removes the call of the same number on another server: offered after a wrong server, and asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.cad.models import CallRef, EmergencyCall
from bot.interactions import Interaction
from bot.interactions.replies import respond
from bot.interactions.views import ConfirmationView, OwnedView
from bot.messages import calls as call_messages
from bot.messages import posts
from bot.removals.result import RemovalResult

Remove = Callable[[Interaction, CallRef], Awaitable[None]]


def elsewhere_view(origin: Interaction, removal: RemovalResult, remove: Remove) -> OwnedView | None:
    """Return the button if the call's number is open on another server, else None. `remove` acts, and replies."""
    if removal.elsewhere is None:
        return None
    call, _ = removal.elsewhere
    return _ElsewhereView(origin, call, call_messages.remove_elsewhere(call.ref, removal.servers), remove)


class _ElsewhereView(OwnedView):
    def __init__(self, origin: Interaction, call: EmergencyCall, label: str, remove: Remove) -> None:
        super().__init__(origin)
        self._call = call
        self._remove = remove
        self.ask.label = label

    @discord.ui.button()
    async def ask(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Ask for confirmation, because nobody typed this server."""
        ref = self._call.ref
        view = ConfirmationView(
            interaction,
            label="Remove call",
            pending_text=posts.removing(ref),
            on_confirm=lambda click: self._remove(click, ref),
        )
        await respond(interaction, call_messages.confirm_removal([ref], [self._call]), view)
