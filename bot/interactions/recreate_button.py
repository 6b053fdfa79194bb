"""The button below a removal's reply that re-creates the call: at most once, and for ten minutes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import discord

from bot.cad.models import EmergencyCall
from bot.cad.results import Outcome
from bot.interactions import Interaction
from bot.interactions.guard import requester_from
from bot.interactions.replies import answering, deliver, respond, show_wait, update_view
from bot.interactions.views import ConfirmationView, OwnedView
from bot.messages import calls as call_messages
from bot.messages import outcomes
from bot.removals.result import RemovalResult
from bot.removals.service import RECREATE_SECONDS, RemovalService

LABEL = "Re-create call"


def recreate_view(origin: Interaction, removals: RemovalService, results: Sequence[RemovalResult]) -> OwnedView | None:
    """Return a button for each call that this bot removed and whose text is known, or None if there is no such call."""
    view = _RecreateView(origin, removals)
    for one in results:
        if one.result.outcome in (Outcome.REMOVED, Outcome.GONE_UNCONFIRMED) and one.call is not None:
            view.add_item(_RecreateButton(one, one.call, f"{LABEL} {one.ref.call_id}" if len(results) > 1 else LABEL))
    return view if view.children else None


class _RecreateView(OwnedView):
    """Keeps the calls' texts in memory only, so after a restart a click is answered as expired."""

    def __init__(self, origin: Interaction, removals: RemovalService) -> None:
        super().__init__(origin, RECREATE_SECONDS)
        self.removals = removals


class _RecreateButton(discord.ui.Button[_RecreateView]):
    def __init__(self, removed: RemovalResult, call: EmergencyCall, label: str) -> None:
        super().__init__(label=label, style=discord.ButtonStyle.secondary)
        self._removed, self._call = removed, call

    async def callback(self, interaction: Interaction) -> None:
        """Ask for confirmation."""
        if self.view is None:
            return
        pending, on_confirm = call_messages.recreating(self._call.ref), partial(self._recreate, self.view)
        question = ConfirmationView(interaction, label=LABEL, pending_text=pending, on_confirm=on_confirm)
        await respond(interaction, call_messages.confirm_recreation(self._call), question)

    async def _recreate(self, view: _RecreateView, click: Interaction) -> None:
        # Disabled before anything is sent. The service refuses a second re-creation in any case.
        self.disabled = True
        await update_view(view.origin, view)
        on_wait = partial(show_wait, click, self._call.ref)
        with answering(click):
            recreation = await view.removals.recreate(self._removed, requester_from(click, LABEL), on_wait)
            await deliver(click, outcomes.removal_text(recreation))
