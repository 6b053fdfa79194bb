"""The one base of buttons and selects: gate and owner at the click, a fixed end, always an answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import discord

from bot import words_clicks
from bot.door import NEED, knock, turn_away
from bot.replies import acknowledge, answer_error, say, show

if TYPE_CHECKING:
    from bot.access import Need
    from bot.app import CadBot

LONGEST = 14 * 60.0
"""Seconds after the command at which its buttons end at the latest: Discord takes edits of a reply for 15 minutes."""
LEAST = 60.0
"""Seconds that they have even where this machine's clock disagrees with Discord's."""
CONFIRM = 60.0
"""Seconds in which a question can be answered."""

Click = discord.Interaction[Any]


class View(discord.ui.View):
    """Buttons and selects in the ephemeral reply to `asked`, for whoever asked.

    Whoever clicks needs what the interaction needed that brought it up.

    Args:
        asked: the command or click that the gate let in.
        seconds: until their end, which clicks do not put off.
    """

    once = False
    """Whether there is one decision to take, so that only the first click counts."""

    def __init__(self, asked: discord.Interaction[CadBot], seconds: float = LONGEST) -> None:
        super().__init__()
        self._asked = asked
        self._need: Need = asked.extras[NEED]
        age = (discord.utils.utcnow() - asked.created_at).total_seconds()
        self._end = time.monotonic() + min(seconds, max(LONGEST - age, LEAST))
        self._taken = False

    @property
    def timeout(self) -> float | None:
        """Seconds that are left. discord.py counts them anew at each click, so the end stays where it is."""
        return max(self._end - time.monotonic(), 0.001)  # zero would mean for ever

    @timeout.setter
    def timeout(self, value: float | None) -> None:
        raise AttributeError(f"the end is fixed, and can't be in {value} s")

    async def interaction_check(self, interaction: Click, /) -> bool:
        """Let the owner click, if they still may: a role can have been taken away a second ago."""
        refusal = knock(interaction, self._need)
        if refusal is None and interaction.user.id != self._asked.user.id:
            refusal = words_clicks.not_yours()
        if refusal is None and self._taken:
            refusal = words_clicks.first_click_counts()
        if refusal is not None:
            await turn_away(interaction, refusal)
            return False
        self._taken = self.once  # nothing was awaited since the click came: the first one wins
        return True

    async def on_error(self, interaction: Click, error: Exception, /, *_: object) -> None:
        """Answer what a click's callback raised."""
        interaction.extras.setdefault(NEED, self._need)  # where it failed before it came to the door
        await answer_error(interaction, error)

    async def on_timeout(self) -> None:
        """Grey out what no longer works."""
        if self._taken:  # the message shows what came of it
            return
        for item in self.children:
            if isinstance(item, (discord.ui.Button, discord.ui.Select)):
                item.disabled = True
        await show(self._asked, self)


class Confirm(View):
    """Asks whether to do it: the button does, and Cancel or a minute of silence does not.

    Args:
        asked: the command or click whose reply is the question.
        label: what the button says.
        meanwhile: what stands in the question's place as soon as it was clicked.
        then: does it, in the task of the click, and gives the answer. Not called where Discord did not take the
            click's acknowledgement; then the question stands again.
    """

    once = True

    def __init__(
        self,
        asked: discord.Interaction[CadBot],
        *,
        label: str,
        meanwhile: str,
        then: Callable[[discord.Interaction[CadBot]], Awaitable[None]],
    ) -> None:
        super().__init__(asked, CONFIRM)
        self.yes.label = label
        self._meanwhile = meanwhile
        self._then = then

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def yes(self, interaction: discord.Interaction[CadBot], _: discord.ui.Button[Confirm]) -> None:
        """Do it."""
        if await acknowledge(interaction, self._meanwhile):
            await self._then(interaction)
        else:
            self._taken = False

    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.secondary)
    async def no(self, interaction: discord.Interaction[CadBot], _: discord.ui.Button[Confirm]) -> None:
        """Leave it."""
        self._taken = await acknowledge(interaction, words_clicks.cancelled())

    async def on_timeout(self) -> None:
        """Say that nothing happened."""
        if not self._taken:
            await say(self._asked, words_clicks.not_confirmed())
