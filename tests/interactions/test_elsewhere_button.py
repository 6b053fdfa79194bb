"""A removal with the wrong server: what the bot knows already helps, and nothing is sent for it."""

from __future__ import annotations

import pytest
import simcord

from bot.cad.models import CallRef, Plan
from bot.sandbox.simulation import Simulation
from tests.support.simulation import OpenSimulation, open_on, remove, suggestions

pytestmark = pytest.mark.both_api_versions

TRUCK = CallRef(2, 12)


async def with_lists(make_simulation: OpenSimulation) -> Simulation:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await suggestions(simulation)
    return simulation


async def remove_12_on_server_1(simulation: Simulation) -> simcord.ResponseMessage:
    shown = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=12, server_id=1)
    assert shown.response is not None
    return shown.response


def labels(message: simcord.ResponseMessage) -> list[str]:
    return [item["label"] for row in message.components for item in row["components"]]


async def test_call_on_another_server_is_offered_and_removed_after_a_question(make_simulation: OpenSimulation) -> None:
    simulation = await with_lists(make_simulation)
    looked_up = len(simulation.cad.requests)
    reply = await remove_12_on_server_1(simulation)
    assert reply.content.startswith(
        "☑️ No call **12** on server **1**. There is a call **12** on **2 Blaine County** (as of <t:"
    )
    assert len(simulation.cad.requests) == looked_up + 1
    assert labels(reply) == ["Remove 12 on 2 Blaine County"]
    asked = await simulation.dispatcher.click(reply, label="Remove 12 on 2 Blaine County")
    assert asked.response is not None
    assert asked.response.content.startswith("Remove this call from server **2**?")
    assert TRUCK in simulation.cad.calls
    await simulation.dispatcher.click(asked.response, label="Remove call")
    assert asked.response.content.startswith("✅ Call **12** removed (server **2**).")
    assert TRUCK not in simulation.cad.calls


async def test_member_who_lost_the_role_meanwhile_can_not_use_the_button(make_simulation: OpenSimulation) -> None:
    simulation = await with_lists(make_simulation)
    reply = await remove_12_on_server_1(simulation)
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    refused = await simulation.dispatcher.click(reply, label="Remove 12 on 2 Blaine County")
    assert refused.response is not None
    assert refused.response.content == "⛔ Only **Dispatcher** can do this."
    assert TRUCK in simulation.cad.calls


async def test_server_that_the_cad_does_not_have_is_answered_with_those_that_it_has(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await with_lists(make_simulation)
    result = await remove(simulation, call_id=12, server_id=9)
    assert result.startswith("❌ Call **12** not removed (server **9**): your CAD has no server **9** (as of <t:")
    assert result.endswith(" It has **1 Los Santos**, **2 Blaine County**.")


async def test_bot_that_has_read_no_list_says_nothing_of_other_servers(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    reply = await remove_12_on_server_1(simulation)
    assert reply.content == "☑️ No call **12** on server **1**: it is gone, or a number is wrong."
    assert labels(reply) == []
