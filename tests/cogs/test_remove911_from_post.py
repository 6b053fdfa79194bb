"""The message command on the CAD's posts."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from math import inf

import discord
import pytest
import simcord

from bot.app import CadBot
from bot.cad.models import CallRef, Plan
from bot.cad.results import Outcome, Reason, Result
from bot.calls.posts import CallPost, PostError, read_post
from bot.journal.entries import EntryFilter
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from bot.sandbox.message_menu import use_message_command
from bot.sandbox.simulation import Simulation
from cogs.remove911 import MESSAGE_COMMAND
from tests.support.audit import dispatcher_of
from tests.support.cad import HALF_READABLE, ServersAsSent
from tests.support.clocks import InstantClock, ManualClock, until
from tests.support.posts import post_of
from tests.support.simulation import V1_ONLY, OpenSimulation

pytestmark = pytest.mark.both_api_versions


CALL = CallRef(1, 302)


METADATA = {"id": "1", "type": 2, "user": {"id": "2", "username": "x", "discriminator": "0", "avatar": None}}


NASTY = FakeCall(
    CallRef(1, 302),
    "`**Zoë** 👩‍🚒👍🏽`\u202e @everyone",
    "شارع الملك فهد / حي العليا",
    "One\ntwo ```three``` " + "x" * 400,
    1,
)


async def posted(
    simulation: Simulation, footer: str, *, title: str = "NEW EMERGENCY CALL", author: str = "Sonoran CAD"
) -> discord.Message:
    embed = discord.Embed(title=title).set_author(name=author).set_footer(text=footer)
    return await simulation.guild.create_webhook(simulation.room, "Sonoran CAD").send(embed=embed)


async def use_on(
    simulation: Simulation, message: discord.Message, who: simcord.MemberActor | None = None
) -> simcord.ResponseMessage:
    shown = await use_message_command(simulation, message, who or simulation.dispatcher)
    assert shown.ephemeral
    assert shown.response is not None
    return shown.response


def labels(shown: simcord.ResponseMessage) -> list[str]:
    return [item["label"] for row in shown.components for item in row["components"]]


async def test_call_is_removed_from_its_post_after_one_confirmation(simulation: Simulation) -> None:
    shown = await use_on(simulation, await post_of(simulation, CALL))
    assert shown.content == (
        "Remove call **302** (server **1**)?\n"
        "Caller: `Ana Ortega`\n"
        "Place: `24/7, Grove Street`\n"
        "Description: `Man with a shotgun, cashier on the floor.`\n"
        "From the post. The bot can't tell whether the call is still open."
    )
    assert labels(shown) == ["Cancel", "Remove call"]
    assert simulation.cad.requests_of("REMOVE_911") == []
    await simulation.dispatcher.click(shown, label="Remove call")
    assert shown.content == "✅ Call **302** removed (server **1**)."
    assert labels(shown) == []
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1
    assert CALL not in simulation.cad.calls


async def test_cancelled_and_expired_confirmations_send_nothing(simulation: Simulation) -> None:
    post = await post_of(simulation, CALL)
    cancelled = await use_on(simulation, post)
    await simulation.dispatcher.click(cancelled, label="Cancel")
    assert cancelled.content == "☑️ Cancelled. Nothing was changed."
    ignored = await use_on(simulation, post)
    await simulation.env.advance_time(61)
    assert ignored.content.startswith("⌛ Not confirmed in time, so nothing was changed.")
    assert labels(ignored) == []
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_members_without_the_role_are_refused_before_they_read_anything(simulation: Simulation) -> None:
    post = await post_of(simulation, CALL)
    for member in (simulation.civilian, simulation.administrator):
        shown = await use_on(simulation, post, member)
        assert shown.content.startswith("⛔ Only **Dispatcher** can do this.")
        assert labels(shown) == []


async def test_member_who_lost_the_role_before_the_click_removes_nothing(simulation: Simulation) -> None:
    shown = await use_on(simulation, await post_of(simulation, CALL))
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    said = await simulation.dispatcher.click(shown, label="Remove call")
    assert said.response is not None
    assert said.response.content.startswith("⛔ Only **Dispatcher**")
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_hostile_player_texts_are_shown_safely(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=FakeCad(calls={NASTY.ref: NASTY}))
    shown = await use_on(simulation, await post_of(simulation, CALL))
    _, caller, place, description, _ = shown.content.split("\n")
    assert caller == "Caller: `'**Zoë** 👩‍🚒👍🏽' @everyone`"
    assert place == "Place: `شارع الملك فهد / حي العليا`"
    assert description.startswith("Description: `One two '''three''' xxx")
    assert description.endswith("x…`")
    assert len(description) < 220
    (sent,) = [r for r in simulation.env.http_requests if r.path.endswith("/@original")]
    assert isinstance(sent.json, dict)
    assert sent.json["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    ("footer", "title", "expected"),
    [
        ("erasosarp | 5 | 42 | 1", "NEW DISPATCH CALL", "about a dispatch call"),
        ("u | 8 | 302", "NEW EMERGENCY CALL", "doesn't say which server"),
        ("SonoranBrianABCDE | 0 | 25", "PANIC", "isn't about a 911 call"),
        ("x | 8 | 9 | 7", "A NEW ARREST RECORD HAS BEEN ADDED:", "doesn't guess"),
        ("u | 8 | 0 | 1", "NEW EMERGENCY CALL", "can't be read"),
    ],
)
async def test_post_without_a_call_is_explained(simulation: Simulation, footer: str, title: str, expected: str) -> None:
    shown = await use_on(simulation, await posted(simulation, footer, title=title))
    assert expected in shown.content
    assert shown.content.startswith("❌ ")
    assert labels(shown) == []


async def test_only_the_cads_own_posts_are_accepted(simulation: Simulation) -> None:
    """A member's message, this bot's own reply (which has a webhook id too), and another webhook."""
    public = await posted(simulation, "u | 8 | 302 | 1", author="Somebody")
    written = await simulation.dispatcher.send(simulation.room, "u | 8 | 302 | 1")
    own = await use_on(simulation, public)
    for message in (public, written, own.message):
        assert (await use_on(simulation, message)).content.startswith("❌ This isn't one of the CAD's posts.")


@pytest.mark.parametrize("mark", [{"application_id": "42"}, {"interaction_metadata": METADATA}])
async def test_another_bots_message_with_the_same_embed_is_not_accepted(
    simulation: Simulation, mark: dict[str, object]
) -> None:
    """It has a webhook id like the CAD's post, and differs only by such a mark."""
    post = await posted(simulation, "u | 8 | 302 | 1")
    raw = await simulation.bot.http.get_message(simulation.room.id, post.id)
    guild = simulation.bot.get_guild(simulation.guild.id)
    assert guild is not None
    room = guild.get_channel(simulation.room.id)
    assert isinstance(room, discord.TextChannel)
    assert isinstance(read_post(discord.Message(state=room._state, channel=room, data=raw)), CallPost)
    marked = discord.Message(state=room._state, channel=room, data={**raw, **mark})  # type: ignore[typeddict-item]
    assert read_post(marked) is PostError.NOT_THE_CADS


async def test_every_result_replaces_the_confirmation(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(timeout=0.1, cad=FakeCad(delays={CALL: inf}))
    shown = await use_on(simulation, await post_of(simulation, CALL))
    await simulation.dispatcher.click(shown, label="Remove call")
    assert shown.content.startswith("⚠️ Call **302** (server **1**): ")
    again = await use_on(simulation, await post_of(simulation, CallRef(2, 11)))
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=11, server_id=2)
    await simulation.dispatcher.click(again, label="Remove call")
    assert "was already removed" in again.content


async def test_post_of_a_call_that_was_removed_lately_says_so_without_a_button(simulation: Simulation) -> None:
    post = await post_of(simulation, CALL)
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    told = await use_on(simulation, post)
    assert told.content.startswith(
        f"☑️ Call **302** was already removed (server **1**), by <@{simulation.dispatcher.id}>, <t:"
    )
    assert told.content.endswith("Still open? Run this again.")
    assert labels(told) == []
    again = await use_on(simulation, post)
    assert labels(again) == ["Cancel", "Remove call"]
    await simulation.dispatcher.click(again, label="Remove call")
    assert "No call **302** on server **1**" in again.content
    assert len(simulation.cad.requests_of("REMOVE_911")) == 2


async def test_post_that_is_newer_than_the_removal_is_about_a_new_call(simulation: Simulation) -> None:
    post = await post_of(simulation, CALL)
    number = await simulation.journal.record_request("r", CALL, dispatcher_of(simulation))
    await simulation.journal.mark_ended("r", Result(Outcome.REMOVED, Reason.CONFIRMED, status=200))
    await simulation.journal._write(
        "UPDATE entries SET ended_at = :at WHERE number = :number",
        {"at": post.created_at.timestamp() - 1, "number": number},
    )
    assert labels(await use_on(simulation, post)) == ["Cancel", "Remove call"]


@V1_ONLY
async def test_queue_position_replaces_the_confirmation_and_one_request_is_sent(
    make_simulation: OpenSimulation,
) -> None:
    clock = ManualClock()
    simulation = await make_simulation(clock=clock, parked=True)
    await until(lambda: len(simulation.cad.requests) == 1)
    post = await post_of(simulation, CALL)
    shown = await use_on(simulation, post)
    for number in (301, 303, 304):
        await simulation.dispatcher.slash(simulation.room, "remove911", call_id=number, server_id=1)
    await simulation.dispatcher.click(shown, label="Remove call")
    assert "in line (server **1**)" in shown.content
    assert labels(shown) == []
    for sent in (1, 2, 3, 4):
        clock.tick(1.05)
        await until(lambda sent=sent: len(simulation.cad.requests_of("REMOVE_911")) == sent)
    async with asyncio.timeout(5):
        while await simulation.env.settle() or not shown.content.startswith("✅"):
            await asyncio.sleep(0.002)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 4


async def test_unacknowledged_confirmation_removes_nothing(simulation: Simulation) -> None:
    shown = await use_on(simulation, await post_of(simulation, CALL))
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    clicked = await simulation.dispatcher.click(shown, label="Remove call")
    assert not clicked.acknowledged
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert CALL in simulation.cad.calls


async def test_confirmation_from_before_a_restart_removes_nothing(simulation: Simulation) -> None:
    shown = await use_on(simulation, await post_of(simulation, CALL))
    await simulation.env.restart_bot(
        CadBot(simulation.bot.settings, simulation.client, simulation.journal, simulation.call_cache)
    )
    said = await simulation.dispatcher.click(shown, label="Remove call")
    assert said.response is not None
    assert said.response.content.startswith("⌛ These buttons have expired")
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_journal_records_the_message_command(simulation: Simulation) -> None:
    shown = await use_on(simulation, await post_of(simulation, CALL))
    await simulation.dispatcher.click(shown, label="Remove call")
    assert [entry.way async for entry in simulation.journal.entries(EntryFilter())] == [MESSAGE_COMMAND]


async def on_plus(make_simulation: OpenSimulation) -> Simulation:
    simulation = await make_simulation(cad=FakeCad(plan=Plan.PLUS))
    await until(lambda: simulation.client.plan is Plan.PLUS)
    return simulation


async def test_with_plus_the_cads_details_are_shown(make_simulation: OpenSimulation) -> None:
    simulation = await on_plus(make_simulation)
    post = await post_of(simulation, CALL)
    simulation.cad.calls[CALL] = replace(
        simulation.cad.calls[CALL], description="Two men now, one with a knife.", emergency=False
    )
    shown = await use_on(simulation, post)
    question, kind, caller, place, description, source = shown.content.split("\n")
    assert question == "Remove call **302** (server **1**)?"
    assert kind.startswith("📞 Civil call, last updated <t:")
    assert (caller, place) == ("Caller: `Ana Ortega`", "Place: `24/7, Grove Street`")
    assert description == "Description: `Two men now, one with a knife.`"
    assert source.startswith("From the CAD, <t:")


async def test_with_plus_an_unlisted_call_is_reported(make_simulation: OpenSimulation) -> None:
    simulation = await on_plus(make_simulation)
    post = await post_of(simulation, CALL)
    del simulation.cad.calls[CALL]
    shown = await use_on(simulation, post)
    assert "Caller: `Ana Ortega`" in shown.content
    assert shown.content.endswith(":R>: it may be gone already.")
    await simulation.dispatcher.click(shown, label="Remove call")
    assert shown.content.startswith("☑️ No call **302** on server **1**:")


async def test_post_with_an_unknown_server_is_refused(make_simulation: OpenSimulation) -> None:
    simulation = await on_plus(make_simulation)
    post = await post_of(simulation, CALL)
    simulation.cad.servers = {2: "Blaine County"}
    shown = await use_on(simulation, post)
    assert re.fullmatch(
        r"❌ The CAD has no server \*\*1\*\* \(as of <t:\d+:R>\), which this post names\. "
        r"Use `/remove911` with the numbers\.",
        shown.content,
    )
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_post_whose_server_is_newer_than_the_list_is_confirmed(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(cad=FakeCad(plan=Plan.PLUS), clock=clock)
    post = await post_of(simulation, CALL)
    servers, simulation.cad.servers = simulation.cad.servers, {2: "Blaine County"}
    await simulation.call_cache.servers()
    simulation.cad.servers = servers
    clock.t += 60
    shown = await use_on(simulation, post)
    assert shown.content.startswith("Remove call **302** (server **1**)?")


async def test_post_whose_server_could_not_be_read_is_confirmed(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=ServersAsSent(HALF_READABLE, plan=Plan.PLUS))
    shown = await use_on(simulation, await post_of(simulation, CallRef(2, 11)))
    assert shown.content.startswith("Remove call **11** (server **2**)?")
    await simulation.dispatcher.click(shown, label="Remove call")
    assert shown.content.startswith("✅ Call **11** removed (server **2**).")


async def test_call_gone_since_the_last_list_is_reported(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=FakeCad(plan=Plan.PLUS))
    post = await post_of(simulation, CALL)
    await simulation.call_cache.calls(1)
    del simulation.cad.calls[CALL]
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    shown = await use_on(simulation, post)
    assert shown.content.endswith(":R>, or it was removed since: it may be gone already.")
