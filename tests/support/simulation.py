"""The simulation as the tests open it, and actions of people in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
import simcord
from simcord.http.router import route
from simcord.http.routes.interactions import edit_original_response

from bot.cad.models import Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.clocks import until

KEY = FakeCad().key

# discord.py's `Webhook` quotes the `@`. Discord takes that; SimCord has to be told.
route("PATCH", "/webhooks/{webhook_id}/{token}/messages/%40original")(edit_original_response)


class OpenSimulation(Protocol):
    def __call__(self, **options: Any) -> Awaitable[Simulation]: ...


V1_ONLY = pytest.mark.parametrize("api", ["v1"], indirect=True)
"""For a test of what only v1 has or sends."""


async def open_on(make_simulation: OpenSimulation, plan: Plan, **options: object) -> Simulation:
    simulation = await make_simulation(cad=FakeCad(plan=plan), **options)
    await until(lambda: simulation.client.plan is plan)
    return simulation


async def suggestions(
    simulation: Simulation, typed: str = "", option: str = "call_id", **filled_in: object
) -> list[tuple[str, object]]:
    choices = await simulation.dispatcher.autocomplete(simulation.room, "remove911", option, typed, **filled_in)
    return [(choice["name"], choice["value"]) for choice in choices]


async def remove(
    simulation: Simulation, call_id: int = 302, server_id: int = 1, who: simcord.MemberActor | None = None
) -> str:
    shown = await (who or simulation.dispatcher).slash(
        simulation.room, "remove911", call_id=call_id, server_id=server_id
    )
    assert shown.ephemeral
    assert shown.response is not None
    assert not shown.followups
    return shown.response.content


async def redeliver(simulation: Simulation) -> None:
    """Let the bot send kept replies again, as it does each minute. Only tasks of an interaction reach SimCord."""

    async def recover(_: object) -> None:
        await simulation.bot._pending_replies.recover()

    simulation.bot.add_listener(recover, "on_interaction")
    await suggestions(simulation)
    simulation.bot.remove_listener(recover, "on_interaction")


def refuse_edits(simulation: Simulation, times: int | None = 1) -> None:
    """Let Discord refuse the next edits of replies."""
    simulation.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=500, times=times)


async def settle_until(simulation: Simulation, condition: Callable[[], bool]) -> None:
    """Let the bot and the CAD proceed until the condition holds; fail after 5 s."""
    async with asyncio.timeout(5):
        while await simulation.env.settle() or not condition():
            await asyncio.sleep(0.002)
