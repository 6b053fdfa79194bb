"""A removal by the CAD client in one step, and a CAD whose list of servers a test writes."""

from __future__ import annotations

from typing import Any

from bot.cad.client import CadClient, OnWait
from bot.cad.models import CallRef
from bot.cad.results import Result
from bot.sandbox.fake_cad.server import FakeCad

HALF_READABLE: list[dict[str, object]] = [{"id": 1, "name": "Los Santos"}, {"id": "2", "name": "Blaine County"}]
"""A list of servers whose second entry can't be read."""


async def remove_and_wait(client: CadClient, ref: CallRef, on_wait: OnWait | None = None) -> Result:
    return await client.wait_for(client.start_removal(ref), on_wait)


class ServersAsSent(FakeCad):
    """A CAD that has all of its servers, but lists these entries."""

    def __init__(self, listed: list[dict[str, object]], **options: Any) -> None:
        super().__init__(**options)
        self.listed = listed

    def servers_json(self) -> dict[str, object]:
        return {"servers": self.listed}
