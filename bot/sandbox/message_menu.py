"""Message commands in the simulated Discord. Its page has no message menu: a person replies `apps` instead."""

from __future__ import annotations

from typing import Any

import discord
import simcord

from bot.sandbox.simulation import Simulation
from cogs.remove911 import MESSAGE_COMMAND

MENU_WORD = "apps"


class _WithGuild(simcord.MemberActor):
    """Adds the guild in which the command is registered, as Discord does. SimCord 3.2 leaves it out."""

    async def _dispatch_interaction(
        self,
        type: int,  # noqa: A002 - SimCord's name
        channel: simcord.ChannelHandle,
        data: dict[str, Any],
        **more: Any,
    ) -> simcord.InteractionResult:
        return await super()._dispatch_interaction(type, channel, {**data, "guild_id": str(self.guild.id)}, **more)


async def use_message_command(
    simulation: Simulation, message: discord.Message, who: simcord.MemberActor
) -> simcord.InteractionResult:
    """Choose the message command in a message's menu."""
    return await _WithGuild(simulation.env, who.guild, who.user).context_menu(simulation.room, MESSAGE_COMMAND, message)


class MessageMenu:
    """Finds the replies, runs the message command as their authors, and deletes the replies.

    A new reply waits until the next pass: the page that sent it has to learn first that it arrived.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._seen: set[int] = set()
        self._done: set[int] = set()

    async def process_replies(self) -> bool:
        """Process the replies that an earlier pass has seen; return whether there were any.

        Raises:
            SetupError: SimCord is busy with another action; try again.
        """
        simulation = self._simulation
        messages = {message.id: message for message in simulation.room.history()}
        people = {person.id: person for person in simulation.people}
        processed = False
        for message in messages.values():
            who, reference = people.get(message.author.id), message.reference
            if who is None or reference is None or message.content.strip().casefold() != MENU_WORD:
                continue
            if message.id not in self._seen:
                self._seen.add(message.id)
                continue
            target = messages.get(reference.message_id or 0)
            if target is not None and message.id not in self._done:
                await use_message_command(simulation, target, who)
            self._done.add(message.id)
            await who.delete(message)
            processed = True
        return processed
