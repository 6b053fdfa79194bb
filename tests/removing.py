"""A removal at the client, from its beginning to its end, as one step."""

from __future__ import annotations

from bot.cad.client import CadClient, Told
from bot.cad.model import Answer, CallRef


async def removed(client: CadClient, ref: CallRef, told: Told | None = None) -> Answer:
    return await client.follow(client.begin_removal(ref), told)
