"""Message commands in the simulated Discord, whose page has no menu for them: a reply that says `apps` is the way."""

from __future__ import annotations

from typing import Any

import discord
import simcord

from bot.sandbox.town import Town
from cogs.remove911 import BY_POST

WORD = "apps"


class _WithGuild(simcord.MemberActor):
    """Says to which guild the command is registered, as Discord does; SimCord 3.2 leaves that out."""

    async def _dispatch_interaction(
        self,
        type: int,  # noqa: A002 - SimCord calls it so
        channel: simcord.ChannelHandle,
        data: dict[str, Any],
        **more: Any,
    ) -> simcord.InteractionResult:
        return await super()._dispatch_interaction(type, channel, {**data, "guild_id": str(self.guild.id)}, **more)


async def point_at(town: Town, message: discord.Message, who: simcord.MemberActor) -> simcord.InteractionResult:
    """Choose the message command in a message's menu."""
    return await _WithGuild(town.env, who.guild, who.user).context_menu(town.room, BY_POST, message)


class Menu:
    """Finds the replies, does what they ask for as the person who wrote them, and takes them away again.

    A reply that is new is left for the next look: the page, which sent it, has to hear first that it came.
    """

    def __init__(self, town: Town) -> None:
        self._town = town
        self._seen: set[int] = set()
        self._done: set[int] = set()

    async def look(self) -> bool:
        """Do what was asked for since the last look, and say whether something was.

        Raises:
            SetupError: somebody is clicking, which is a step of its own; look again.
        """
        town = self._town
        messages = {message.id: message for message in town.room.history()}
        people = {person.id: person for person in town.people}
        asked = False
        for message in messages.values():
            who, reference = people.get(message.author.id), message.reference
            if who is None or reference is None or message.content.strip().casefold() != WORD:
                continue
            if message.id not in self._seen:
                self._seen.add(message.id)
                continue
            target = messages.get(reference.message_id or 0)
            if target is not None and message.id not in self._done:
                await point_at(town, target, who)
            self._done.add(message.id)
            await who.delete(message)
            asked = True
        return asked
