"""The simulation's audit channel, and a restart of its bot."""

from __future__ import annotations

import discord

from bot.app import CadBot
from bot.journal.entries import Requester
from bot.sandbox.simulation import Simulation
from tests.support.clocks import until


def posts(simulation: Simulation) -> list[discord.Embed]:
    """Return the posts in the audit channel, the oldest first."""
    return [message.embeds[0] for message in sorted(simulation.audit_room.history(), key=lambda one: one.id)]


async def wait_for_posts(simulation: Simulation, count: int) -> list[discord.Embed]:
    await until(lambda: len(posts(simulation)) >= count)
    return posts(simulation)


async def restart(simulation: Simulation) -> None:
    # SimCord lets the old bot's tasks live on, which a real process does not.
    if simulation.bot._audit_channel is not None:
        await simulation.bot._audit_channel.close(0)
    await simulation.env.restart_bot(
        CadBot(simulation.bot.settings, simulation.client, simulation.journal, simulation.call_cache)
    )


def dispatcher_of(simulation: Simulation, way: str = "/remove911") -> Requester:
    """Return the simulation's dispatcher, as the journal records a request."""
    return Requester(
        user_id=simulation.dispatcher.id, guild_id=simulation.guild.id, channel_id=simulation.room.id, way=way
    )
