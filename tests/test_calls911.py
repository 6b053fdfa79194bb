"""The list of open calls: what it shows, how it is paged, and that several are removed, each truly."""

from __future__ import annotations

import asyncio
import re

import discord
import pytest
import simcord

from bot.cad.model import CallRef, Plan
from bot.sandbox.cad import Call, LoopbackCad
from bot.sandbox.town import Town
from tests.conftest import V1_ONLY, OpenTown
from tests.test_autocomplete import open_on
from tests.test_remove911 import ask


def many(number: int) -> LoopbackCad:
    calls = [Call(CallRef(1, one), f"Caller {one}", f"Street {one}", "Something") for one in range(1, number + 1)]
    return LoopbackCad(plan=Plan.PLUS, calls={call.ref: call for call in calls})


async def listed(town: Town, who: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    shown = await (who or town.dispatcher).slash(town.room, "calls911", server_id=1)
    assert shown.ephemeral
    return shown


def text(shown: simcord.InteractionResult) -> str:
    assert shown.response is not None
    return "\n".join([shown.response.content, *(embed.description or "" for embed in shown.response.embeds)])


def footer(shown: simcord.InteractionResult) -> str | None:
    assert shown.response is not None
    return shown.response.embeds[0].footer.text


def options(shown: simcord.InteractionResult) -> list[tuple[str, str]]:
    assert shown.response is not None
    return [
        (option["label"], option["value"])
        for row in shown.response.components
        for item in row["components"]
        for option in item.get("options", [])
    ]


def labels(shown: simcord.InteractionResult) -> list[str]:
    assert shown.response is not None
    return [item["label"] for row in shown.response.components for item in row["components"] if "label" in item]


def placeholder(shown: simcord.InteractionResult) -> str:
    assert shown.response is not None
    return shown.response.components[0]["components"][0]["placeholder"]


async def pick(town: Town, shown: simcord.InteractionResult, *values: str) -> simcord.ResponseMessage:
    assert shown.response is not None
    asked = await town.dispatcher.select(shown.response, list(values))
    assert asked.ephemeral
    assert asked.response is not None
    return asked.response


async def test_the_open_calls_by_number(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    shown = await listed(town)
    head, *lines = text(shown).strip().split("\n")
    assert head.startswith("Open calls on server **1**, by number, as of <t:")
    assert [line.split("**")[1] for line in lines] == ["301", "302", "303", "304"]
    assert lines[1].startswith("🚨 **302** <t:")
    assert lines[1].endswith("`Ana Ortega` `24/7, Grove Street`")
    assert [value for _, value in options(shown)] == ["301", "302", "303", "304"]
    assert options(shown)[1][0] == "302 · Ana Ortega"
    assert labels(shown) == ["Refresh"]


async def test_several_are_removed_after_one_question_that_names_them(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    question = await pick(town, await listed(town), "301", "303")
    first, *lines = question.content.split("\n")
    assert first == "Remove these 2 calls from server **1**?"
    assert [line.split("**")[1] for line in lines] == ["301", "303"]
    assert town.cad.asked_for("REMOVE_911") == []
    await town.dispatcher.click(question, label="Remove 2 calls")
    assert question.content.split("\n") == [
        "✅ Call **301** on server **1** was removed. The CAD confirmed it.",
        "✅ Call **303** on server **1** was removed. The CAD confirmed it.",
    ]
    assert {ref.call_id for ref in town.cad.calls if ref.server_id == 1} == {302, 304}
    assert [entry.way for entry in await town.journal.unanswered(await town.journal.newest())] == []


async def test_what_was_asked_about_is_not_selected_any_more(make_town: OpenTown) -> None:
    """Discord shows a select anew, with nothing selected, where its message is edited."""
    town = await make_town(cad=many(2))
    shown = await listed(town)
    before = len(town.env.http_requests)
    await pick(town, shown, "1")
    (edit,) = [sent for sent in town.env.http_requests[before:] if sent.path.endswith("/@original")]
    assert edit.json is not None
    assert [option["value"] for option in edit.json["components"][0]["components"][0]["options"]] == ["1", "2"]


async def test_what_was_removed_leaves_the_list_above(make_town: OpenTown) -> None:
    town = await make_town(cad=many(2))
    shown = await listed(town)
    question = await pick(town, shown, "1")
    await town.dispatcher.click(question, label="Remove call")
    assert "without what was removed since" in text(shown)
    assert [value for _, value in options(shown)] == ["2"]
    assert placeholder(shown) == "Select the call to remove"
    question = await pick(town, shown, "2")
    await town.dispatcher.click(question, label="Remove call")
    assert re.fullmatch(
        r"Of the calls that were open <t:\d+:R> on server \*\*1\*\*, none is left\.", text(shown).strip()
    )
    assert (options(shown), labels(shown)) == ([], ["Refresh"])
    assert len(town.cad.asked_for("GET_CALLS")) == 1


async def test_what_could_not_be_removed_stays_in_the_list_above(make_town: OpenTown) -> None:
    town = await make_town(cad=many(2))
    shown = await listed(town)
    question = await pick(town, shown, "1")
    await town.cad.go_down()
    await town.dispatcher.click(question, label="Remove call")
    assert "was **not removed**" in question.content
    assert [value for _, value in options(shown)] == ["1", "2"]


async def test_each_result_is_its_own(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    shown = await listed(town)
    del town.cad.calls[CallRef(1, 303)]  # an officer responded in game
    await ask(town, call_id=304)
    question = await pick(town, shown, "301", "303", "304")
    await town.dispatcher.click(question, label="Remove 3 calls")
    removed, gone, before = question.content.split("\n")
    assert removed.startswith("✅ Call **301**")
    assert gone.startswith("☑️ Call **303** on server **1** is not there.")
    assert "This bot removed it" in before


async def test_cancelling_removes_nothing(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    question = await pick(town, await listed(town), "301")
    assert question.content.startswith("Remove this call from server **1**?")
    await town.dispatcher.click(question, label="Cancel")
    assert question.content == "Cancelled. Nothing was sent to the CAD."
    assert town.cad.asked_for("REMOVE_911") == []


async def test_who_lost_the_role_meanwhile_removes_nothing(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    shown = await listed(town)
    question = await pick(town, shown, "301")
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    refused = await town.dispatcher.click(question, label="Remove call")
    assert refused.response is not None
    assert "You need the role" in refused.response.content
    assert shown.response is not None
    refused = await town.dispatcher.select(shown.response, ["302"])
    assert refused.response is not None
    assert "You need the role" in refused.response.content
    assert town.cad.asked_for("REMOVE_911") == []


async def test_sixty_calls_are_paged(make_town: OpenTown) -> None:
    town = await make_town(cad=many(60))
    shown = await listed(town)
    assert (footer(shown), len(options(shown))) == ("Page 1 of 3, 60 calls", 25)
    assert shown.response is not None
    for page, size in ((2, 25), (3, 10)):
        shown = await town.dispatcher.click(shown.response, label="Next")
        assert (footer(shown), len(options(shown))) == (f"Page {page} of 3, 60 calls", size)
        assert shown.response is not None
    question = await pick(town, shown, "51", "60")
    await town.dispatcher.click(question, label="Remove 2 calls")
    assert CallRef(1, 60) not in town.cad.calls
    shown = await town.dispatcher.click(shown.response, label="Refresh")
    assert (footer(shown), len(options(shown))) == ("Page 3 of 3, 58 calls", 8)


async def test_no_open_calls(make_town: OpenTown) -> None:
    town = await make_town(cad=many(0))
    shown = await listed(town)
    assert text(shown).strip().startswith("No open calls on server **1**, as of <t:")
    assert options(shown) == []
    assert labels(shown) == ["Refresh"]


async def test_without_plus_it_says_what_to_do(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.STANDARD)
    shown = await listed(town)
    assert "needs the CAD's plan **Plus** or higher" in text(shown)
    assert "`/remove911`" in text(shown)
    assert labels(shown) == []
    assert town.cad.asked_for("GET_CALLS") == []


async def test_a_cad_that_is_down(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    await town.cad.go_down()
    shown = await listed(town)
    assert text(shown).strip().startswith("The open calls of server **1** could not be read (yet).")
    assert labels(shown) == ["Refresh"]


async def test_a_list_that_gets_no_newer_says_only_what_it_knows(make_town: OpenTown) -> None:
    town = await make_town(cad=many(0))
    await listed(town)
    town.board.created(1)  # so that the next list is asked for at once
    await town.cad.go_down()
    said = text(await listed(town)).strip()
    assert re.fullmatch(
        r"No call was open <t:\d+:R> on server \*\*1\*\*\. Nothing newer could be read\. "
        r"If it goes on, an admin sees more with `/cad911 status`\.",
        said,
    )


async def test_strangers_see_no_list(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    for who in (town.civilian, town.administrator):
        shown = await listed(town, who)
        assert "You need the role" in text(shown)
        assert "Ortega" not in text(shown)


async def test_players_words_break_nothing(make_town: OpenTown) -> None:
    nasty = ["\u202e`", "**" * 300, "\0\n\t", "@everyone", "👩‍👩‍👧‍👦" * 80, ""]
    calls = {CallRef(1, number): Call(CallRef(1, number), one, one, one) for number, one in enumerate(nasty, 1)}
    town = await make_town(cad=LoopbackCad(plan=Plan.PLUS, calls=calls))
    shown = await listed(town)
    assert len(options(shown)) == 6
    assert all(1 <= len(label) <= 100 for label, _ in options(shown))
    assert text(shown).count("`") % 2 == 0
    assert "\u202e" not in text(shown)
    assert len(text(shown)) < 4096


@V1_ONLY
async def test_progress_is_shown_while_the_line_works(make_town: OpenTown) -> None:
    town = await make_town(cad=many(3), parked=True)
    question = await pick(town, await listed(town), "1", "2", "3")
    before = len(town.env.http_requests)
    await town.dispatcher.click(question, label="Remove 3 calls")
    async with asyncio.timeout(5):
        while await town.env.settle() or "⏳" in question.content:
            await asyncio.sleep(0.002)
    assert question.content.count("✅") == 3
    edits = [
        sent.json["content"]
        for sent in town.env.http_requests[before:]
        if sent.path.endswith("/@original") and sent.json is not None and sent.json["content"]
    ]
    assert [(edit.count("✅"), edit.count("⏳")) for edit in edits] == [(1, 2), (2, 1), (3, 0)]


class OddCad(LoopbackCad):
    """A CAD whose list is not what it should be."""

    odd: list[dict[str, object]]

    def open_calls(self, server_id: int, which: object) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        assert (server_id, which) == (1, 1)
        return [], self.odd


async def odd_list(make_town: OpenTown, *items: dict[str, object]) -> simcord.InteractionResult:
    cad = OddCad(plan=Plan.PLUS)
    cad.odd = list(items)
    return await listed(await make_town(cad=cad))


async def test_a_number_that_is_listed_twice_is_one_call(make_town: OpenTown) -> None:
    shown = await odd_list(make_town, {"callId": 5, "caller": "Ana"}, {"callId": 5, "caller": "Ana"}, {"callId": 6})
    assert [value for _, value in options(shown)] == ["5", "6"]


async def test_what_could_not_be_read_is_no_empty_list(make_town: OpenTown) -> None:
    shown = await odd_list(make_town, {"callId": "5"}, {"callId": -5}, {"callId": 2**31}, {"callId": True}, {})
    assert options(shown) == []
    assert text(shown).strip().startswith("No call on server **1** could be read, as of <t:")
    assert text(shown).endswith("Some of what the CAD listed could not be read, so look there too.")


async def test_a_list_with_a_hole_says_so(make_town: OpenTown) -> None:
    shown = await odd_list(make_town, {"callId": "5"}, {"callId": 6})
    assert [value for _, value in options(shown)] == ["6"]
    assert "Some of what the CAD listed could not be read, so look there too." in text(shown)


async def test_a_server_that_the_cad_does_not_list(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    await town.board.servers()
    shown = await town.dispatcher.slash(town.room, "calls911", server_id=9)
    assert text(shown).strip() == "The CAD lists no server **9**. Run the command again with another `server_id`."
    assert town.cad.asked_for("GET_CALLS") == []


async def test_a_plan_that_was_lost_meanwhile_is_said_each_time(make_town: OpenTown) -> None:
    town = await open_on(make_town, Plan.PLUS)
    town.cad.plan = Plan.STANDARD
    for _ in range(2):
        town.board._sheets.clear()  # as after fifteen seconds
        assert "needs the CAD's plan **Plus** or higher" in text(await listed(town))
    assert len(town.cad.asked_for("GET_CALLS")) == 1
    assert (await ask(town)).startswith("✅")


@pytest.mark.parametrize("server_id", [0, -1, 2**31])
async def test_a_server_out_of_range_is_not_asked_about(make_town: OpenTown, server_id: int) -> None:
    # A client whose copy of the command has no range passes anything on, and so does discord.py.
    town = await open_on(make_town, Plan.PLUS)
    command = town.bot.tree.get_command("calls911", guild=discord.Object(town.guild.id))
    assert isinstance(command, discord.app_commands.Command)
    payload = command.to_dict(town.bot.tree)
    for option in payload["options"]:
        del option["min_value"], option["max_value"]
    assert town.bot.application_id is not None
    await town.bot.http.bulk_upsert_guild_commands(town.bot.application_id, town.guild.id, [payload])
    shown = await town.dispatcher.slash(town.room, "calls911", server_id=server_id)
    assert text(shown).startswith(f"`server_id` can't be `{server_id}`: ")
    assert town.cad.asked_for("GET_CALLS") == []
    assert len(town.env.errors) == 1


async def test_a_list_with_a_hole_of_which_the_rest_was_removed(make_town: OpenTown) -> None:
    cad = OddCad(plan=Plan.PLUS)
    cad.odd = [{"callId": "5"}, {"callId": 6}]
    cad.calls[CallRef(1, 6)] = Call(CallRef(1, 6), "Ana", "Pier", "Smoke")
    town = await make_town(cad=cad)
    shown = await listed(town)
    await town.dispatcher.click(await pick(town, shown, "6"), label="Remove call")
    assert re.fullmatch(
        r"Of the calls that could be read <t:\d+:R> on server \*\*1\*\*, none is left\. "
        r"Some of what the CAD listed could not be read, so look there too\.",
        text(shown).strip(),
    )


async def test_what_is_said_not_to_be_there_can_not_be_selected(make_town: OpenTown) -> None:
    town = await make_town(cad=many(2))
    shown = await listed(town)
    assert shown.response is not None
    town.cad.plan = Plan.STANDARD
    town.board.created(1)  # so that the next list is asked for at once
    shown = await town.dispatcher.click(shown.response, label="Refresh")
    assert "needs the CAD's plan **Plus** or higher" in text(shown)
    assert options(shown) == []
