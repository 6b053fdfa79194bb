"""A call that was removed by mistake is created again: once at most, said before, and truly."""

from __future__ import annotations

import asyncio

import pytest
import simcord

from bot.app import CadBot
from bot.cad.model import CallRef, Plan
from bot.entries import Filter
from bot.sandbox.town import Town
from tests.clocks import HandClock
from tests.conftest import V1_ONLY, OpenTown
from tests.test_autocomplete import offered, open_on

CALL = CallRef(1, 302)


async def removed(make_town: OpenTown, **how: object) -> tuple[Town, simcord.ResponseMessage]:
    """A call that the board knew was removed; the answer has the button."""
    town = await open_on(make_town, Plan.PLUS, **how)
    await offered(town, "", server_id=1)
    shown = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert shown.response is not None
    assert labels(shown.response) == ["Re-create call"]
    return town, shown.response


def labels(message: simcord.ResponseMessage) -> list[str]:
    return [item["label"] for row in message.components for item in row["components"]]


def dead(message: simcord.ResponseMessage) -> bool:
    return all(item.get("disabled", False) for row in message.components for item in row["components"])


async def wish(town: Town, answer: simcord.ResponseMessage) -> simcord.ResponseMessage:
    asked = await town.dispatcher.click(answer, label="Re-create call")
    assert asked.ephemeral
    assert asked.response is not None
    return asked.response


async def test_it_says_what_it_does_and_does_it_once(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    question = await wish(town, answer)
    first, kind, *said, last = question.content.split("\n")
    assert first == "Create call **302** again on server **1**?"
    assert kind.startswith("🚨 Emergency call")
    assert said == [
        "Caller: `Ana Ortega`",
        "Place: `24/7, Grove Street`",
        "Description: `Man with a shotgun, cashier on the floor.`",
    ]
    assert last == "It gets a **new number**, and units are **alerted again**."
    assert town.cad.asked_for("CALL_911") == []
    await town.dispatcher.click(question, label="Re-create call")
    (again,) = [call for call in town.cad.calls.values() if call.caller == "Ana Ortega"]
    assert again.ref != CALL
    assert (again.location, again.description, again.emergency) == (
        "24/7, Grove Street",
        "Man with a shotgun, cashier on the floor.",
        True,
    )
    number = again.ref.call_id
    happened = f"✅ Call **302** on server **1** was created again. It is call **{number}** now."
    assert question.content == f"{happened} The CAD confirmed it."
    assert dead(answer)
    assert len(town.cad.asked_for("CALL_911")) == 1
    (entry, _) = await town.journal.page(Filter(), None, 9)
    assert (entry.action, entry.way, entry.outcome) == ("create", "Re-create call", "created")
    assert entry.reference == str(number)
    assert entry.answer is not None
    assert (entry.answer.done, entry.answer.created) == (True, number)


async def test_a_call_that_was_created_again_counts_as_no_removal(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    (removal,) = await town.journal.page(Filter(), None, 9)
    question = await wish(town, answer)
    await town.dispatcher.click(question, label="Re-create call")
    before = await town.journal.removed_since(CALL, 0.0)
    assert before is not None
    assert before.number == removal.number
    assert await town.journal.page(Filter(outcome="removed"), None, 9) == [before]
    assert [entry.action for entry in await town.journal.page(Filter(outcome="created"), None, 9)] == ["create"]


async def test_a_call_that_was_created_again_is_in_the_next_list(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    question = await wish(town, answer)
    await town.dispatcher.click(question, label="Re-create call")
    again = max(ref.call_id for ref in town.cad.calls)
    assert again in {call.ref.call_id for call in (await town.board.calls(1)).calls}


async def test_two_questions_create_one_call(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    first, second = await wish(town, answer), await wish(town, answer)
    await town.dispatcher.click(first, label="Re-create call")
    await town.dispatcher.click(second, label="Re-create call")
    assert "created again already" in second.content
    assert len(town.env.errors) == 1
    assert len(town.cad.asked_for("CALL_911")) == 1


async def test_an_answer_that_never_comes_is_not_known_and_never_sent_again(make_town: OpenTown) -> None:
    town, answer = await removed(make_town, patience=0.2)
    question = await wish(town, answer)
    town.cad.garble = True
    await town.dispatcher.click(question, label="Re-create call")
    assert "it is **not known** whether it was created again" in question.content
    assert question.content.endswith("Look at the CAD before you create it there: it may be there already.")
    assert len(town.cad.asked_for("CALL_911")) == 1


async def test_a_cad_that_is_down_creates_nothing(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    question = await wish(town, answer)
    await town.cad.go_down()
    await town.dispatcher.click(question, label="Re-create call")
    assert question.content.startswith(
        "❌ Call **302** on server **1** was **not created again**. The CAD could not be"
    )


async def test_who_lost_the_role_creates_nothing(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    question = await wish(town, answer)
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    for message in (question, answer):
        refused = await town.dispatcher.click(message, label="Re-create call")
        assert refused.response is not None
        assert "You need the role" in refused.response.content
    assert town.cad.asked_for("CALL_911") == []


async def test_after_a_restart_the_button_says_that_it_has_expired(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    await town.env.restart_bot(CadBot(town.bot.settings, town.client, town.journal, town.board))
    clicked = await town.dispatcher.click(answer, label="Re-create call")
    assert clicked.response is not None
    assert "expired" in clicked.response.content
    assert town.cad.asked_for("CALL_911") == []


async def test_the_button_ends_after_ten_minutes(make_town: OpenTown) -> None:
    town, answer = await removed(make_town)
    await town.env.advance_time(600)
    await town.env.settle()
    assert dead(answer)


async def test_what_the_board_did_not_know_can_not_be_created_again(town: Town) -> None:
    shown = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert shown.response is not None
    assert shown.response.content.startswith("✅")
    assert shown.response.components == []


@V1_ONLY
async def test_two_who_shared_the_removal_create_one_call(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await open_on(make_town, Plan.PLUS, clock=clock, parked=True)
    clock.tick(60)
    await town.board.servers()
    clock.tick(60)
    await town.board.calls(1)
    colleague = town.guild.add_member(town.env.create_user("dave"), roles=[town.dispatcher_role])
    people = (town.dispatcher, colleague)
    asked = [await who.slash(town.room, "remove911", call_id=302, server_id=1) for who in people]
    clock.tick(60)
    answers = [one.response for one in asked if one.response is not None]
    async with asyncio.timeout(5):
        while await town.env.settle() or not all(one.content.startswith("✅") for one in answers):
            await asyncio.sleep(0.002)
    assert len(town.cad.asked_for("REMOVE_911")) == 1
    questions = [await who.click(one, label="Re-create call") for who, one in zip(people, answers, strict=True)]
    for who, question in zip(people, questions, strict=True):
        assert question.response is not None
        clock.tick(60)
        await who.click(question.response, label="Re-create call")
    async with asyncio.timeout(5):
        while await town.env.settle() or not town.cad.asked_for("CALL_911"):
            clock.tick(60)
            await asyncio.sleep(0.002)
    assert questions[1].response is not None
    assert "created again already" in questions[1].response.content
    assert len(town.env.errors) == 1
    assert len(town.cad.asked_for("CALL_911")) == 1


async def test_what_a_call_says_is_in_no_log_where_the_answer_does_not_reach_discord(
    make_town: OpenTown, caplog: pytest.LogCaptureFixture
) -> None:
    town = await open_on(make_town, Plan.PLUS)
    await town.board.calls(1)
    town.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=503, times=None)
    await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    ours = [record.getMessage() for record in caplog.records if record.name.split(".")[0] in ("bot", "cogs")]
    assert any("did not reach Discord" in said and "Call **302** on server **1** was removed" in said for said in ours)
    assert not any("Ortega" in said for said in ours)
