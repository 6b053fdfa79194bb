"""What people see while the line works: their place once, the end once, and each the truth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
import simcord

from bot.cad.line import Line
from bot.cad.model import CallRef
from bot.sandbox.cad import Call, LoopbackCad
from bot.sandbox.town import Town
from tests.clocks import HandClock, until
from tests.conftest import OpenTown


def many_calls(many: int) -> LoopbackCad:
    calls = [Call(CallRef(1, number), "Caller", "Somewhere", "Something", 1) for number in range(1, many + 1)]
    return LoopbackCad(calls={call.ref: call for call in calls})


async def settled(town: Town, true: Callable[[], bool]) -> None:
    """Let the bot and the CAD catch up until it is so."""
    async with asyncio.timeout(5):
        while await town.env.settle() or not true():
            await asyncio.sleep(0.002)


def text(shown: simcord.InteractionResult) -> str:
    return shown.response.content if shown.response else ""


def edits(town: Town) -> int:
    return sum(sent.method == "PATCH" and sent.path.endswith("/@original") for sent in town.env.http_requests)


async def test_the_place_is_shown_once_and_then_the_end(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await make_town(line=Line(), clock=clock, parked=True, cad=many_calls(4))
    await until(lambda: len(town.cad.requests) == 1)
    clock.tick(1.05)
    shown = [
        await town.dispatcher.slash(town.room, "remove911", call_id=number, server_id=1) for number in (1, 2, 3, 4)
    ]
    await settled(town, lambda: text(shown[0]).startswith("✅") and text(shown[3]) != "")
    assert text(shown[1]) == ""  # its turn is a second away: nothing to tell
    assert "waits for its turn at the CAD: one is before it. Its turn should come <t:" in text(shown[2])
    assert "waits for its turn at the CAD: 2 are before it." in text(shown[3])
    for sent in (2, 3, 4):
        clock.tick(1.05)
        await until(lambda sent=sent: len(town.cad.asked_for("REMOVE_911")) == sent)
    await settled(town, lambda: all(text(one).startswith("✅") for one in shown))
    assert edits(town) == 6
    assert town.cad.calls == {}


async def test_thirty_people_at_once_all_removed_at_the_pace(make_town: OpenTown) -> None:
    town = await make_town(parked=True, cad=many_calls(30))
    shown: list[simcord.InteractionResult] = []
    for number in range(1, 31):
        person = town.guild.add_member(town.env.create_user(f"d{number}"), roles=[town.dispatcher_role])
        shown.append(await person.slash(town.room, "remove911", call_id=number, server_id=1))
    await settled(town, lambda: all(text(one).startswith("✅") for one in shown))
    assert town.cad.calls == {}
    assert len(town.cad.asked_for("REMOVE_911")) == 30


async def test_thirty_people_and_one_call_share_one_request(make_town: OpenTown) -> None:
    clock, cad = HandClock(), many_calls(1)
    town = await make_town(line=Line(), clock=clock, parked=True, cad=cad)
    await until(lambda: len(cad.requests) == 1)
    shown: list[simcord.InteractionResult] = []
    for number in range(30):
        # The first asks twice.
        person = town.dispatcher
        if number > 1:
            person = town.guild.add_member(town.env.create_user(f"d{number}"), roles=[town.dispatcher_role])
        shown.append(await person.slash(town.room, "remove911", call_id=1, server_id=1))
    clock.tick(1.05)  # not before everybody has asked
    await settled(town, lambda: all(text(one) for one in shown))
    assert {text(one) for one in shown} == {"✅ Call **1** on server **1** was removed. The CAD confirmed it."}
    assert len(cad.asked_for("REMOVE_911")) == 1


async def test_asking_again_says_when_and_for_whom_and_sends_nothing(town: Town) -> None:
    await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    again = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert text(again).startswith("☑️ Call **302** on server **1** is not there. This bot removed it <t:")
    assert text(again).endswith(f":R>, for <@{town.dispatcher.id}>.")
    assert len(town.cad.asked_for("REMOVE_911")) == 1


async def test_only_what_this_bot_saw_removed_is_remembered_and_not_for_ever(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        gone = await town.dispatcher.slash(town.room, "remove911", call_id=99, server_id=1)
        assert "It is gone already, or the number or the server is wrong." in text(gone)
    assert len(town.cad.asked_for("REMOVE_911")) == 2
    await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    now = time.time()
    monkeypatch.setattr("bot.removals.time", lambda: now + 601)
    later = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert "It is gone already" in text(later)
    assert len(town.cad.asked_for("REMOVE_911")) == 4


async def test_a_full_line(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await make_town(clock=clock, parked=True, cad=many_calls(3), line=Line(depth=1))
    await until(lambda: len(town.cad.requests) == 1)
    waits = await town.dispatcher.slash(town.room, "remove911", call_id=1, server_id=1)
    full = await town.dispatcher.slash(town.room, "remove911", call_id=2, server_id=1)
    await settled(town, lambda: text(full) != "")
    assert "**not removed**. Too many removals are waiting already, so nothing was sent." in text(full)
    clock.tick(1.05)
    await settled(town, lambda: text(waits).startswith("✅"))


async def test_who_was_allowed_when_they_asked_stays_allowed_while_they_wait(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await make_town(clock=clock, parked=True, cad=many_calls(2))
    await until(lambda: len(town.cad.requests) == 1)
    waits = await town.dispatcher.slash(town.room, "remove911", call_id=1, server_id=1)
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    refused = await town.dispatcher.slash(town.room, "remove911", call_id=2, server_id=1)
    assert "You need the role" in text(refused)
    clock.tick(1.05)
    await settled(town, lambda: text(waits).startswith("✅"))


async def test_a_reply_whose_token_is_over_is_in_the_log(make_town: OpenTown, caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock()
    town = await make_town(line=Line(), clock=clock, parked=True, cad=many_calls(1))
    await until(lambda: len(town.cad.requests) == 1)
    await town.dispatcher.slash(town.room, "remove911", call_id=1, server_id=1)
    await town.env.advance_time(15 * 60)
    clock.tick(1.05)
    await settled(town, lambda: town.cad.calls == {} and "did not reach Discord" in caplog.text)


async def test_closing_tells_who_waits_at_once(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await make_town(line=Line(), clock=clock, parked=True, cad=many_calls(2))
    await until(lambda: len(town.cad.requests) == 1)
    waits = await town.dispatcher.slash(town.room, "remove911", call_id=1, server_id=1)
    await asyncio.create_task(town.bot.close())
    assert "**not removed**. The bot is shutting down, so nothing was sent." in text(waits)
    assert town.cad.asked_for("REMOVE_911") == []
