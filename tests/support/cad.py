"""A removal by the CAD client in one step."""

from __future__ import annotations

from bot.cad.client import CadClient, OnWait
from bot.cad.models import CallRef
from bot.cad.results import Result


async def remove_and_wait(client: CadClient, ref: CallRef, on_wait: OnWait | None = None) -> Result:
    return await client.wait_for(client.start_removal(ref), on_wait)
