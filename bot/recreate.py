"""The button below a removal's answer that creates the call again: at most once, and for ten minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord

from bot import words, words_calls
from bot.door import asker_of
from bot.removals import CREATABLE
from bot.replies import say, show
from bot.views import Confirm, View

if TYPE_CHECKING:
    from bot.app import CadBot
    from bot.cad.model import EmergencyCall, Place
    from bot.removals import Outcome, RemovalDesk

LABEL = "Re-create call"

Click = discord.Interaction[Any]


def button_for(asked: discord.Interaction[CadBot], desk: RemovalDesk, outcomes: Sequence[Outcome]) -> View | None:
    """Return the buttons for what was removed and is known; None where there is nothing to create again."""
    calls = [one.call for one in outcomes if one.answer.done and one.call is not None]
    return _Recreate(asked, desk, calls) if calls else None


class _Recreate(View):
    """What it needs lives here, in memory only: after a restart the button says that it has expired."""

    def __init__(self, asked: discord.Interaction[CadBot], desk: RemovalDesk, calls: Sequence[EmergencyCall]) -> None:
        super().__init__(asked, CREATABLE)
        self.asked = asked
        self.desk = desk
        for call in calls:
            self.add_item(_Again(call, LABEL if len(calls) == 1 else f"{LABEL} {call.ref.call_id}"))


class _Again(discord.ui.Button[_Recreate]):
    """Asks first; the answer to that does it."""

    def __init__(self, call: EmergencyCall, label: str) -> None:
        super().__init__(label=label, style=discord.ButtonStyle.secondary)
        self._call = call

    async def callback(self, interaction: Click) -> None:
        """Say what it does, and ask."""
        confirm = Confirm(interaction, label=LABEL, meanwhile=words_calls.creating(self._call.ref), then=self._create)
        await say(interaction, words_calls.create_again(self._call), confirm)

    async def _create(self, click: discord.Interaction[CadBot]) -> None:
        if self.view is None:
            return
        # Dead before anything leaves, whatever comes of it; the desk sees to it that it happens once at most.
        self.disabled = True
        await show(self.view.asked, self.view)

        async def told(place: Place) -> None:
            await say(click, words.waiting(self._call.ref, place))

        desk = self.view.desk
        outcome = await desk.recreate(self._call, asker_of(click, LABEL), told)
        if await say(click, words.outcome(outcome)):
            await desk.answered(click.token)
