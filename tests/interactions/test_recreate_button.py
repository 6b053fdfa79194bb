"""The button that re-creates a call: confirmed first, sent at most once, with a truthful result."""

from __future__ import annotations

import asyncio

import pytest
import simcord

from bot.app import CadBot
from bot.cad.models import CallRef, Plan
from bot.journal.entries import EntryFilter
from bot.messages import refusals
from bot.sandbox.simulation import Simulation
from tests.support.clocks import ManualClock
from tests.support.simulation import V1_ONLY, OpenSimulation, open_on, redeliver, refuse_edits, suggestions

pytestmark = pytest.mark.both_api_versions


CALL = CallRef(1, 302)


async def removed_call(
    make_simulation: OpenSimulation, **options: object
) -> tuple[Simulation, simcord.ResponseMessage]:
    """Remove a call that the cache holds. The reply has the button."""
    simulation = await open_on(make_simulation, Plan.PLUS, **options)
    await suggestions(simulation, "", server_id=1)
    shown = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert shown.response is not None
    assert labels(shown.response) == ["Re-create call"]
    return simulation, shown.response


def labels(message: simcord.ResponseMessage) -> list[str]:
    return [item["label"] for row in message.components for item in row["components"]]


def all_disabled(message: simcord.ResponseMessage) -> bool:
    return all(item.get("disabled", False) for row in message.components for item in row["components"])


async def ask_to_recreate(simulation: Simulation, result: simcord.ResponseMessage) -> simcord.ResponseMessage:
    shown = await simulation.dispatcher.click(result, label="Re-create call")
    assert shown.ephemeral
    assert shown.response is not None
    return shown.response


async def test_recreation_is_confirmed_first_and_sent_once(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    question = await ask_to_recreate(simulation, result)
    first, kind, *said, last = question.content.split("\n")
    assert first == "Re-create call **302** (server **1**)?"
    assert kind.startswith("🚨 Emergency call")
    assert said == [
        "Caller: `Ana Ortega`",
        "Place: `24/7, Grove Street`",
        "Description: `Man with a shotgun, cashier on the floor.`",
    ]
    assert last == "It gets a **new number**, and units are **alerted again**."
    assert simulation.cad.requests_of("CALL_911") == []
    await simulation.dispatcher.click(question, label="Re-create call")
    (recreated,) = [call for call in simulation.cad.calls.values() if call.caller == "Ana Ortega"]
    assert recreated.ref != CALL
    assert (recreated.location, recreated.description, recreated.emergency) == (
        "24/7, Grove Street",
        "Man with a shotgun, cashier on the floor.",
        True,
    )
    number = recreated.ref.call_id
    happened = f"✅ Call **302** is back as **{number}** (server **1**)."
    assert question.content == f"{happened}"
    assert all_disabled(result)
    assert len(simulation.cad.requests_of("CALL_911")) == 1
    (entry, _) = await simulation.journal.page(EntryFilter(), None, 9)
    assert (entry.action, entry.way, entry.outcome) == ("create", "Re-create call", "created")
    assert entry.reference == str(number)
    assert entry.result is not None
    assert (entry.result.succeeded, entry.result.new_call_id) == (True, number)


async def test_recreation_is_not_recorded_as_removal(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    (removal,) = await simulation.journal.page(EntryFilter(), None, 9)
    question = await ask_to_recreate(simulation, result)
    await simulation.dispatcher.click(question, label="Re-create call")
    before = await simulation.journal.removed_since(CALL, 0.0)
    assert before is not None
    assert before.number == removal.number
    assert await simulation.journal.page(EntryFilter(outcome="removed"), None, 9) == [before]
    assert [entry.action for entry in await simulation.journal.page(EntryFilter(outcome="created"), None, 9)] == [
        "create"
    ]


async def test_recreated_call_is_in_the_next_list(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    question = await ask_to_recreate(simulation, result)
    await simulation.dispatcher.click(question, label="Re-create call")
    recreated = max(ref.call_id for ref in simulation.cad.calls)
    assert recreated in {call.ref.call_id for call in (await simulation.call_cache.calls(1)).calls}


async def test_two_confirmations_recreate_one_call(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    first, second = await ask_to_recreate(simulation, result), await ask_to_recreate(simulation, result)
    await simulation.dispatcher.click(first, label="Re-create call")
    await simulation.dispatcher.click(second, label="Re-create call")
    assert "already re-created" in second.content
    assert len(simulation.env.errors) == 1
    assert len(simulation.cad.requests_of("CALL_911")) == 1


async def test_second_recreation_is_told_so_although_discord_refuses_the_answer_at_first(
    make_simulation: OpenSimulation,
) -> None:
    simulation, result = await removed_call(make_simulation)
    first, second = await ask_to_recreate(simulation, result), await ask_to_recreate(simulation, result)
    await simulation.dispatcher.click(first, label="Re-create call")
    told = first.content
    refuse_edits(simulation, times=2)  # the button below the removal, and the answer
    await simulation.dispatcher.click(second, label="Re-create call")
    assert second.content.startswith("⏳ Call **302** (server **1**): re-creation requested.")
    await redeliver(simulation)
    assert second.content == refusals.ALREADY_RECREATED
    assert first.content == told
    assert len(simulation.env.errors) == 1


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "<html>"),
        (200, "COULD NOT ADD CALL, SERVER ID: 1 IS OFFLINE"),
        (200, '{"callId": 302, "success": false, "error": "SERVER ID 1 IS OFFLINE"}'),
        (404, '{"error": "Not found"}'),
    ],
)
async def test_recreation_that_the_cad_does_not_confirm_is_unknown_and_not_retried(
    make_simulation: OpenSimulation, status: int, text: str
) -> None:
    simulation, result = await removed_call(make_simulation, timeout=0.2)
    question = await ask_to_recreate(simulation, result)
    simulation.cad.canned = status, text
    await simulation.dispatcher.click(question, label="Re-create call")
    assert question.content.startswith("⚠️ Re-creating call **302** (server **1**): ")
    assert "**Check the CAD**; if it isn't back, create it there." in question.content
    assert len(simulation.cad.requests_of("CALL_911")) == 1


async def test_cad_that_is_down_recreates_nothing(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    question = await ask_to_recreate(simulation, result)
    await simulation.cad.go_down()
    await simulation.dispatcher.click(question, label="Re-create call")
    assert question.content.startswith("❌ Call **302** not re-created (server **1**): the CAD can't be")


async def test_member_who_lost_the_role_recreates_nothing(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    question = await ask_to_recreate(simulation, result)
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    for message in (question, result):
        refused = await simulation.dispatcher.click(message, label="Re-create call")
        assert refused.response is not None
        assert "⛔ Only **" in refused.response.content
    assert simulation.cad.requests_of("CALL_911") == []


async def test_button_from_before_a_restart_has_expired(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    await simulation.env.restart_bot(
        CadBot(simulation.bot.settings, simulation.client, simulation.journal, simulation.call_cache)
    )
    clicked = await simulation.dispatcher.click(result, label="Re-create call")
    assert clicked.response is not None
    assert "expired" in clicked.response.content
    assert simulation.cad.requests_of("CALL_911") == []


async def test_button_is_disabled_after_ten_minutes(make_simulation: OpenSimulation) -> None:
    simulation, result = await removed_call(make_simulation)
    await simulation.env.advance_time(600)
    await simulation.env.settle()
    assert all_disabled(result)


async def test_call_that_the_cache_does_not_hold_gets_no_button(simulation: Simulation) -> None:
    shown = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert shown.response is not None
    assert shown.response.content.startswith("✅")
    assert shown.response.components == []


@V1_ONLY
async def test_two_members_who_shared_a_removal_recreate_one_call(make_simulation: OpenSimulation) -> None:
    clock = ManualClock()
    simulation = await open_on(make_simulation, Plan.PLUS, clock=clock, parked=True)
    clock.tick(60)
    await simulation.call_cache.servers()
    clock.tick(60)
    await simulation.call_cache.calls(1)
    colleague = simulation.guild.add_member(simulation.env.create_user("dave"), roles=[simulation.dispatcher_role])
    people = (simulation.dispatcher, colleague)
    replies = [await who.slash(simulation.room, "remove911", call_id=302, server_id=1) for who in people]
    clock.tick(60)
    results = [one.response for one in replies if one.response is not None]
    async with asyncio.timeout(5):
        while await simulation.env.settle() or not all(one.content.startswith("✅") for one in results):
            await asyncio.sleep(0.002)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1
    questions = [await who.click(one, label="Re-create call") for who, one in zip(people, results, strict=True)]
    for who, question in zip(people, questions, strict=True):
        assert question.response is not None
        clock.tick(60)
        await who.click(question.response, label="Re-create call")
    async with asyncio.timeout(5):
        while await simulation.env.settle() or not simulation.cad.requests_of("CALL_911"):
            clock.tick(60)
            await asyncio.sleep(0.002)
    assert questions[1].response is not None
    assert "already re-created" in questions[1].response.content
    assert len(simulation.env.errors) == 1
    assert len(simulation.cad.requests_of("CALL_911")) == 1
