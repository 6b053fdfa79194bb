"""The message command: what people read when they point at a post, and what goes over the wire."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import inf

import discord
import pytest
import simcord

from bot.app import CadBot
from bot.cad.model import CallRef, Plan
from bot.entries import Filter
from bot.footers import Post, Unread, read
from bot.sandbox.cad import Call, LoopbackCad
from bot.sandbox.menu import Menu, point_at
from bot.sandbox.town import Town
from cogs.remove911 import BY_POST
from tests.clocks import HandClock, until
from tests.conftest import V1_ONLY, OpenTown

CALL = CallRef(1, 302)
METADATA = {"id": "1", "type": 2, "user": {"id": "2", "username": "x", "discriminator": "0", "avatar": None}}
NASTY = Call(
    CallRef(1, 302),
    "`**Zoë** 👩‍🚒👍🏽`\u202e @everyone",
    "شارع الملك فهد / حي العليا",
    "One\ntwo ```three``` " + "x" * 400,
    1,
)


async def post_of(town: Town, ref: CallRef = CALL) -> discord.Message:
    await town.post_calls()
    footer = f"| {ref.call_id} | {ref.server_id}"
    return next(one for one in town.room.history() if one.embeds and (one.embeds[0].footer.text or "").endswith(footer))


async def posted(
    town: Town, footer: str, *, title: str = "NEW EMERGENCY CALL", author: str = "Sonoran CAD"
) -> discord.Message:
    embed = discord.Embed(title=title).set_author(name=author).set_footer(text=footer)
    return await town.guild.create_webhook(town.room, "Sonoran CAD").send(embed=embed)


async def pointed(town: Town, at: discord.Message, who: simcord.MemberActor | None = None) -> simcord.ResponseMessage:
    shown = await point_at(town, at, who or town.dispatcher)
    assert shown.ephemeral
    assert shown.response is not None
    return shown.response


def labels(shown: simcord.ResponseMessage) -> list[str]:
    return [item["label"] for row in shown.components for item in row["components"]]


async def test_a_call_is_removed_from_its_post_after_one_question(town: Town) -> None:
    shown = await pointed(town, await post_of(town))
    assert shown.content == (
        "Remove call **302** on server **1**?\n"
        "Caller: `Ana Ortega`\n"
        "Place: `24/7, Grove Street`\n"
        "Description: `Man with a shotgun, cashier on the floor.`\n"
        "This was read from the post, and nowhere else: the bot can't tell whether the call is still open."
    )
    assert labels(shown) == ["Remove call", "Cancel"]
    assert town.cad.asked_for("REMOVE_911") == []
    await town.dispatcher.click(shown, label="Remove call")
    assert shown.content == "✅ Call **302** on server **1** was removed. The CAD confirmed it."
    assert labels(shown) == []
    assert len(town.cad.asked_for("REMOVE_911")) == 1
    assert CALL not in town.cad.calls


async def test_cancelling_and_silence_send_nothing(town: Town) -> None:
    post = await post_of(town)
    cancelled = await pointed(town, post)
    await town.dispatcher.click(cancelled, label="Cancel")
    assert cancelled.content == "Cancelled. Nothing was sent to the CAD."
    ignored = await pointed(town, post)
    await town.env.advance_time(61)
    assert ignored.content.startswith("⌛ Not confirmed in time, so nothing was sent to the CAD.")
    assert labels(ignored) == []
    assert town.cad.asked_for("REMOVE_911") == []


async def test_strangers_are_refused_before_they_read_anything(town: Town) -> None:
    post = await post_of(town)
    for stranger in (town.civilian, town.administrator):
        shown = await pointed(town, post, stranger)
        assert shown.content.startswith("You need the role `Dispatcher` for this.")
        assert labels(shown) == []


async def test_a_role_that_is_taken_away_before_the_click(town: Town) -> None:
    shown = await pointed(town, await post_of(town))
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    said = await town.dispatcher.click(shown, label="Remove call")
    assert said.response is not None
    assert said.response.content.startswith("You need the role `Dispatcher`")
    assert town.cad.asked_for("REMOVE_911") == []


async def test_the_players_words_are_harmless(make_town: OpenTown) -> None:
    town = await make_town(cad=LoopbackCad(calls={NASTY.ref: NASTY}))
    shown = await pointed(town, await post_of(town))
    _, caller, place, description, _ = shown.content.split("\n")
    assert caller == "Caller: `'**Zoë** 👩‍🚒👍🏽' @everyone`"
    assert place == "Place: `شارع الملك فهد / حي العليا`"
    assert description.startswith("Description: `One two '''three''' xxx")
    assert description.endswith("x…`")
    assert len(description) < 220
    (sent,) = [r for r in town.env.http_requests if r.path.endswith("/@original")]
    assert isinstance(sent.json, dict)
    assert sent.json["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    ("footer", "title", "says"),
    [
        ("erasosarp | 5 | 42 | 1", "NEW DISPATCH CALL", "about a dispatch call"),
        ("u | 8 | 302", "NEW EMERGENCY CALL", "not the server that it is on"),
        ("SonoranBrianABCDE | 0 | 25", "PANIC", "not about a 911 call"),
        ("x | 8 | 9 | 7", "A NEW ARREST RECORD HAS BEEN ADDED:", "does not guess"),
        ("u | 8 | 0 | 1", "NEW EMERGENCY CALL", "can't be read"),
    ],
)
async def test_what_is_no_call_is_explained(town: Town, footer: str, title: str, says: str) -> None:
    shown = await pointed(town, await posted(town, footer, title=title))
    assert says in shown.content
    assert shown.content.endswith("For a 911 call, use `/remove911` with its number and its server's number.")
    assert labels(shown) == []


async def test_only_the_cads_own_posts_are_believed(town: Town) -> None:
    """A person's message, this bot's own answer (which has a webhook id too), and a webhook of somebody else."""
    public = await posted(town, "u | 8 | 302 | 1", author="Somebody")
    written = await town.dispatcher.send(town.room, "u | 8 | 302 | 1")
    own = await pointed(town, public)
    for message in (public, written, own.message):
        assert (await pointed(town, message)).content.startswith("This message is not one of the CAD's posts")


@pytest.mark.parametrize("mark", [{"application_id": "42"}, {"interaction_metadata": METADATA}])
async def test_another_bots_answer_with_the_same_embed_is_not_believed(town: Town, mark: dict[str, object]) -> None:
    """It carries a webhook id as the CAD's post does, and differs from it by such a mark alone."""
    post = await posted(town, "u | 8 | 302 | 1")
    raw = await town.bot.http.get_message(town.room.id, post.id)
    guild = town.bot.get_guild(town.guild.id)
    assert guild is not None
    room = guild.get_channel(town.room.id)
    assert isinstance(room, discord.TextChannel)
    assert isinstance(read(discord.Message(state=room._state, channel=room, data=raw)), Post)
    marked = discord.Message(state=room._state, channel=room, data={**raw, **mark})  # type: ignore[typeddict-item]
    assert read(marked) is Unread.NOT_THE_CADS


async def test_each_end_is_told_in_the_same_reply(make_town: OpenTown) -> None:
    town = await make_town(patience=0.1, cad=LoopbackCad(seconds={CALL: inf}))
    shown = await pointed(town, await post_of(town))
    await town.dispatcher.click(shown, label="Remove call")
    assert shown.content.startswith("⚠️ Call **302** on server **1**: it is **not known** whether it was removed.")
    again = await pointed(town, await post_of(town, CallRef(2, 11)))
    await town.dispatcher.slash(town.room, "remove911", call_id=11, server_id=2)
    await town.dispatcher.click(again, label="Remove call")
    assert "This bot removed it" in again.content


@V1_ONLY
async def test_the_place_in_the_line_is_told_and_the_second_click_sends_nothing(make_town: OpenTown) -> None:
    clock = HandClock()
    town = await make_town(clock=clock, parked=True)
    await until(lambda: len(town.cad.requests) == 1)
    post = await post_of(town)
    shown = await pointed(town, post)
    for number in (301, 303, 304):
        await town.dispatcher.slash(town.room, "remove911", call_id=number, server_id=1)
    await town.dispatcher.click(shown, label="Remove call")
    assert "waits for its turn at the CAD" in shown.content
    assert labels(shown) == []
    for sent in (1, 2, 3, 4):
        clock.tick(1.05)
        await until(lambda sent=sent: len(town.cad.asked_for("REMOVE_911")) == sent)
    async with asyncio.timeout(5):
        while await town.env.settle() or not shown.content.startswith("✅"):
            await asyncio.sleep(0.002)
    assert len(town.cad.asked_for("REMOVE_911")) == 4


async def test_without_an_acknowledgement_nothing_is_removed(town: Town) -> None:
    shown = await pointed(town, await post_of(town))
    town.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    clicked = await town.dispatcher.click(shown, label="Remove call")
    assert not clicked.acknowledged
    assert town.cad.asked_for("REMOVE_911") == []
    assert CALL in town.cad.calls


async def test_a_question_of_before_a_restart_removes_nothing(town: Town) -> None:
    shown = await pointed(town, await post_of(town))
    await town.env.restart_bot(CadBot(town.bot.settings, town.client, town.journal, town.board))
    said = await town.dispatcher.click(shown, label="Remove call")
    assert said.response is not None
    assert said.response.content.startswith("These buttons have expired")
    assert town.cad.asked_for("REMOVE_911") == []


async def test_the_journal_says_by_which_way_it_was_asked(town: Town) -> None:
    shown = await pointed(town, await post_of(town))
    await town.dispatcher.click(shown, label="Remove call")
    assert [entry.way async for entry in town.journal.entries(Filter())] == [BY_POST]


async def test_in_the_sandbox_a_reply_that_says_apps_opens_the_menu(town: Town) -> None:
    menu, post = Menu(town), await post_of(town)
    await town.dispatcher.send(town.room, "apps")  # to nothing
    await town.dispatcher.send(town.room, "which apps?", reply_to=post)
    assert not await menu.look()
    asked = await town.dispatcher.send(town.room, " Apps ", reply_to=post)
    before = len(town.room.history())
    assert not await menu.look()  # the page has to hear first that it came
    assert await menu.look()
    assert not await menu.look()
    after = town.room.history(viewer=town.dispatcher)
    assert asked.id not in [message.id for message in after]
    assert after[-1].content.startswith("Remove call **302** on server **1**?")
    assert len(after) == before  # one came, one went


async def on_plus(make_town: OpenTown) -> Town:
    town = await make_town(cad=LoopbackCad(plan=Plan.PLUS))
    await until(lambda: town.client.plan is Plan.PLUS)
    return town


async def test_with_plus_it_shows_what_the_cad_says_of_the_call(make_town: OpenTown) -> None:
    town = await on_plus(make_town)
    post = await post_of(town)
    town.cad.calls[CALL] = replace(town.cad.calls[CALL], description="Two men now, one with a knife.", emergency=False)
    shown = await pointed(town, post)
    question, kind, caller, place, description, source = shown.content.split("\n")
    assert question == "Remove call **302** on server **1**?"
    assert kind.startswith("📞 Civil call, last changed <t:")
    assert (caller, place) == ("Caller: `Ana Ortega`", "Place: `24/7, Grove Street`")
    assert description == "Description: `Two men now, one with a knife.`"
    assert source.startswith("This is what the CAD says of it, asked <t:")


async def test_with_plus_it_says_that_the_cad_does_not_list_the_call(make_town: OpenTown) -> None:
    town = await on_plus(make_town)
    post = await post_of(town)
    del town.cad.calls[CALL]
    shown = await pointed(town, post)
    assert "Caller: `Ana Ortega`" in shown.content
    assert shown.content.endswith("does not list the call: it may be gone already.")
    await town.dispatcher.click(shown, label="Remove call")
    assert shown.content.startswith("☑️ Call **302** on server **1** is not there.")


async def test_a_server_that_the_cad_does_not_have_is_not_believed(make_town: OpenTown) -> None:
    town = await on_plus(make_town)
    post = await post_of(town)
    town.cad.servers = {2: "Blaine County"}
    shown = await pointed(town, post)
    assert shown.content.startswith("This post names server **1**, and the CAD lists no such server")
    assert town.cad.asked_for("REMOVE_911") == []


async def test_a_call_that_was_removed_since_the_list_is_told_so(make_town: OpenTown) -> None:
    town = await make_town(cad=LoopbackCad(plan=Plan.PLUS))
    post = await post_of(town)
    await town.board.calls(1)
    await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    shown = await pointed(town, post)
    assert shown.content.endswith("does not list the call, or it was removed since: it may be gone already.")
