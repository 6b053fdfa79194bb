"""/remove911 while the queue is long."""

from __future__ import annotations

import asyncio

import pytest
import simcord

from bot.cad import v1
from bot.cad.models import CallRef
from bot.cad.request_queue import RequestQueue
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.calls import many_calls
from tests.support.clocks import InstantClock, ManualClock, until
from tests.support.simulation import OpenSimulation, settle_until

pytestmark = pytest.mark.both_api_versions


def text(shown: simcord.InteractionResult) -> str:
    return shown.response.content if shown.response else ""


def edits(simulation: Simulation) -> int:
    return sum(sent.method == "PATCH" and sent.path.endswith("/@original") for sent in simulation.env.http_requests)


async def test_queued_removal_shows_its_position_once_and_then_the_result(make_simulation: OpenSimulation) -> None:
    clock = ManualClock()
    simulation = await make_simulation(queue=RequestQueue(v1.RATE_LIMITS), clock=clock, parked=True, cad=many_calls(4))
    await until(lambda: len(simulation.cad.requests) == 1)
    clock.tick(1.05)
    shown = [
        await simulation.dispatcher.slash(simulation.room, "remove911", call_id=number, server_id=1)
        for number in (1, 2, 3, 4)
    ]
    await settle_until(simulation, lambda: text(shown[0]).startswith("✅") and text(shown[3]) != "")
    assert text(shown[1]) == ""  # its slot is a second away, so no position is shown
    assert "is number 2 in line (server **1**). Its turn comes <t:" in text(shown[2])
    assert "is number 3 in line" in text(shown[3])
    for sent in (2, 3, 4):
        clock.tick(1.05)
        await until(lambda sent=sent: len(simulation.cad.requests_of("REMOVE_911")) == sent)
    await settle_until(simulation, lambda: all(text(one).startswith("✅") for one in shown))
    assert edits(simulation) == 6
    assert simulation.cad.calls == {}


async def test_wait_for_a_silent_cad_is_told_once_to_each_member(
    make_simulation: OpenSimulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cad.operation.STILL_WAITING", 0.05)
    answers = asyncio.Event()

    class HeldCad(FakeCad):
        async def remove(self, ref: CallRef) -> bool:
            await answers.wait()
            return await super().remove(ref)

    simulation = await make_simulation(parked=True, cad=HeldCad())
    shown: list[simcord.InteractionResult] = []
    for _ in range(3):  # each once the one before has been told: a member who joins late is told too
        shown.append(await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1))
        await settle_until(simulation, lambda: text(shown[-1]) != "")
    told = "⏳ Call **302** (server **1**): still waiting for the CAD (up to 25 seconds). "
    assert {text(one) for one in shown} == {told + "No result within a minute? **Check the CAD**."}
    answers.set()
    await settle_until(simulation, lambda: all(text(one).startswith("✅") for one in shown))
    assert edits(simulation) == 6
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1


async def test_thirty_simultaneous_removals_all_succeed(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(parked=True, cad=many_calls(30))
    shown: list[simcord.InteractionResult] = []
    for number in range(1, 31):
        person = simulation.guild.add_member(
            simulation.env.create_user(f"d{number}"), roles=[simulation.dispatcher_role]
        )
        shown.append(await person.slash(simulation.room, "remove911", call_id=number, server_id=1))
    await settle_until(simulation, lambda: all(text(one).startswith("✅") for one in shown))
    assert simulation.cad.calls == {}
    assert len(simulation.cad.requests_of("REMOVE_911")) == 30


async def test_thirty_members_share_one_request_for_one_call(make_simulation: OpenSimulation) -> None:
    clock, cad = ManualClock(), many_calls(1)
    simulation = await make_simulation(queue=RequestQueue(v1.RATE_LIMITS), clock=clock, parked=True, cad=cad)
    await until(lambda: len(cad.requests) == 1)
    shown: list[simcord.InteractionResult] = []
    for number in range(30):
        # The dispatcher requests it twice.
        person = simulation.dispatcher
        if number > 1:
            person = simulation.guild.add_member(
                simulation.env.create_user(f"d{number}"), roles=[simulation.dispatcher_role]
            )
        shown.append(await person.slash(simulation.room, "remove911", call_id=1, server_id=1))
    clock.tick(1.05)  # not before all have requested it
    await settle_until(simulation, lambda: all(text(one) for one in shown))
    assert {text(one) for one in shown} == {"✅ Call **1** removed (server **1**)."}
    assert len(cad.requests_of("REMOVE_911")) == 1


async def test_repeated_removal_shows_when_and_for_whom_and_sends_nothing(simulation: Simulation) -> None:
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    again = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    start = f"☑️ Call **302** was already removed (server **1**), by <@{simulation.dispatcher.id}>, <t:"
    assert text(again).startswith(start)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1


async def test_only_confirmed_removals_are_remembered_and_for_ten_minutes(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(clock=clock)
    for _ in range(2):
        gone = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=99, server_id=1)
        assert "it is gone, or a number is wrong." in text(gone)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 2
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    clock.t += 601
    later = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert "it is gone, or a number is wrong" in text(later)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 4


async def test_full_queue_refuses_a_removal(make_simulation: OpenSimulation) -> None:
    clock = ManualClock()
    simulation = await make_simulation(
        clock=clock, parked=True, cad=many_calls(3), queue=RequestQueue(v1.RATE_LIMITS, 1)
    )
    await until(lambda: len(simulation.cad.requests) == 1)
    queued = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=1, server_id=1)
    full = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=2, server_id=1)
    await settle_until(simulation, lambda: text(full) != "")
    assert "not removed (server **1**): too many requests are waiting." in text(full)
    clock.tick(1.05)
    await settle_until(simulation, lambda: text(queued).startswith("✅"))


async def test_queued_removal_completes_after_its_member_lost_the_role(make_simulation: OpenSimulation) -> None:
    clock = ManualClock()
    simulation = await make_simulation(clock=clock, parked=True, cad=many_calls(2))
    await until(lambda: len(simulation.cad.requests) == 1)
    queued = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=1, server_id=1)
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    refused = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=2, server_id=1)
    assert "⛔ Only **" in text(refused)
    clock.tick(1.05)
    await settle_until(simulation, lambda: text(queued).startswith("✅"))


async def test_closing_answers_queued_removals_at_once(make_simulation: OpenSimulation) -> None:
    clock = ManualClock()
    simulation = await make_simulation(queue=RequestQueue(v1.RATE_LIMITS), clock=clock, parked=True, cad=many_calls(2))
    await until(lambda: len(simulation.cad.requests) == 1)
    queued = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=1, server_id=1)
    await asyncio.create_task(simulation.bot.close())
    assert "not removed (server **1**): the bot is shutting down." in text(queued)
    assert simulation.cad.requests_of("REMOVE_911") == []
