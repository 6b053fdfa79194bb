"""The CAD's posts in the simulated Discord server."""

from __future__ import annotations

import discord

from bot.cad.models import CallRef
from bot.sandbox.simulation import Simulation


async def post_of(simulation: Simulation, ref: CallRef) -> discord.Message:
    """Post all open calls as the CAD does, and return the post of one of them."""
    await simulation.post_calls()
    footer = f"| {ref.call_id} | {ref.server_id}"
    return next(
        post
        for post in simulation.room.history()
        if post.embeds and (post.embeds[0].footer.text or "").endswith(footer)
    )
