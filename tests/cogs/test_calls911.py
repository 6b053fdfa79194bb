"""/calls911: the list, its pages, and the removal of several calls."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from math import inf

import discord
import pytest
import simcord

from bot.cad.models import Account, CallRef, Plan
from bot.config.settings import Settings
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from bot.sandbox.simulation import Roles, Simulation, settings_for
from tests.support.cad import HALF_READABLE, ServersAsSent
from tests.support.clocks import InstantClock, until
from tests.support.simulation import V1_ONLY, OpenSimulation, open_on, refuse_edits, remove

pytestmark = pytest.mark.both_api_versions


def many(number: int) -> FakeCad:
    calls = [FakeCall(CallRef(1, one), f"Caller {one}", f"Street {one}", "Something") for one in range(1, number + 1)]
    return FakeCad(plan=Plan.PLUS, calls={call.ref: call for call in calls})


async def listed(simulation: Simulation, who: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    shown = await (who or simulation.dispatcher).slash(simulation.room, "calls911", server_id=1)
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
        (option["label"], option["value"].removeprefix("1/"))
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


async def pick(simulation: Simulation, shown: simcord.InteractionResult, *values: str) -> simcord.ResponseMessage:
    assert shown.response is not None
    question = await simulation.dispatcher.select(shown.response, [f"1/{value}" for value in values])
    assert question.ephemeral
    assert question.response is not None
    return question.response


async def test_open_calls_are_listed_by_number(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    shown = await listed(simulation)
    head, *lines = text(shown).strip().split("\n")
    assert head.startswith("Open calls on server **1** (as of <t:")
    assert [line.split("`")[1] for line in lines] == ["#301", "#302", "#303", "#304"]
    assert lines[1].startswith("`#302` 🚨 Ana Ortega · 24/7, Grove Street · <t:")
    assert [value for _, value in options(shown)] == ["301", "302", "303", "304"]
    assert options(shown)[1][0] == "302 · Ana Ortega"
    assert labels(shown) == ["Refresh"]


async def test_several_calls_are_removed_after_one_confirmation(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    question = await pick(simulation, await listed(simulation), "301", "303")
    first, *lines = question.content.split("\n")
    assert first == "Remove these 2 calls from server **1**?"
    assert [line.split("`")[1] for line in lines] == ["#301", "#303"]
    assert simulation.cad.requests_of("REMOVE_911") == []
    await simulation.dispatcher.click(question, label="Remove 2 calls")
    assert question.content.split("\n") == [
        "✅ Call **301** removed (server **1**).",
        "✅ Call **303** removed (server **1**).",
    ]
    assert {ref.call_id for ref in simulation.cad.calls if ref.server_id == 1} == {302, 304}
    assert await simulation.journal.awaiting_reply() == []


async def test_selection_is_cleared_after_the_confirmation_is_shown(make_simulation: OpenSimulation) -> None:
    """Discord clears the selection of a select when its message is edited."""
    simulation = await make_simulation(cad=many(2))
    shown = await listed(simulation)
    before = len(simulation.env.http_requests)
    await pick(simulation, shown, "1")
    (edit,) = [sent for sent in simulation.env.http_requests[before:] if sent.path.endswith("/@original")]
    assert edit.json is not None
    assert [option["value"] for option in edit.json["components"][0]["components"][0]["options"]] == ["1/1", "1/2"]


async def test_removed_calls_leave_the_list(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(2))
    shown = await listed(simulation)
    question = await pick(simulation, shown, "1")
    await simulation.dispatcher.click(question, label="Remove call")
    assert "Caller 1" not in text(shown)
    assert [value for _, value in options(shown)] == ["2"]
    assert placeholder(shown) == "Select the call to remove"
    question = await pick(simulation, shown, "2")
    await simulation.dispatcher.click(question, label="Remove call")
    assert re.fullmatch(r"No open calls left on server \*\*1\*\* \(as of <t:\d+:R>\)\.", text(shown).strip())
    assert (options(shown), labels(shown)) == ([], ["Refresh"])
    assert len(simulation.cad.requests_of("GET_CALLS")) == 1


async def test_call_that_was_not_removed_stays_in_the_list(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(2))
    shown = await listed(simulation)
    question = await pick(simulation, shown, "1")
    await simulation.cad.go_down()
    await simulation.dispatcher.click(question, label="Remove call")
    assert " not removed (server" in question.content
    assert [value for _, value in options(shown)] == ["1", "2"]


async def test_each_call_shows_its_own_result(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    shown = await listed(simulation)
    del simulation.cad.calls[CallRef(1, 303)]  # an officer responded in game
    await remove(simulation, call_id=304)
    question = await pick(simulation, shown, "301", "303", "304")
    await simulation.dispatcher.click(question, label="Remove 3 calls")
    removed, gone, before = question.content.split("\n")
    assert removed.startswith("✅ Call **301**")
    assert gone.startswith("☑️ No call **303** on server **1**:")
    assert "was already removed" in before


async def test_cancelled_confirmation_removes_nothing(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    question = await pick(simulation, await listed(simulation), "301")
    assert question.content.startswith("Remove this call from server **1**?")
    await simulation.dispatcher.click(question, label="Cancel")
    assert question.content == "☑️ Cancelled. Nothing was changed."
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_member_who_lost_the_role_meanwhile_removes_nothing(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    shown = await listed(simulation)
    question = await pick(simulation, shown, "301")
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    refused = await simulation.dispatcher.click(question, label="Remove call")
    assert refused.response is not None
    assert "⛔ Only **" in refused.response.content
    assert shown.response is not None
    refused = await simulation.dispatcher.select(shown.response, ["1/302"])
    assert refused.response is not None
    assert "⛔ Only **" in refused.response.content
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_sixty_calls_are_paged(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(60))
    shown = await listed(simulation)
    assert (footer(shown), len(options(shown))) == ("Page 1 of 3, 60 calls", 25)
    assert shown.response is not None
    for page, size in ((2, 25), (3, 10)):
        shown = await simulation.dispatcher.click(shown.response, label="Next")
        assert (footer(shown), len(options(shown))) == (f"Page {page} of 3, 60 calls", size)
        assert shown.response is not None
    question = await pick(simulation, shown, "51", "60")
    await simulation.dispatcher.click(question, label="Remove 2 calls")
    assert CallRef(1, 60) not in simulation.cad.calls
    shown = await simulation.dispatcher.click(shown.response, label="Refresh")
    assert (footer(shown), len(options(shown))) == ("Page 3 of 3, 58 calls", 8)


async def test_member_who_lost_the_role_while_a_call_is_removed_sees_no_further_call(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await make_simulation(cad=many(27))
    shown = await listed(simulation)
    question = await pick(simulation, shown, "1")
    simulation.cad.delays[CallRef(1, 1)] = 0.2
    click = asyncio.create_task(simulation.dispatcher.click(question, label="Remove call"))
    await until(lambda: simulation.cad.requests_of("REMOVE_911") != [])
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    await click
    assert question.content.startswith("✅ Call **1** removed")
    assert [value for _, value in options(shown)] == [str(number) for number in range(2, 26)]
    assert "Caller 26" not in text(shown)


async def test_next_page_after_a_removal_begins_with_the_call_that_followed(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(27))
    shown = await listed(simulation)
    await simulation.dispatcher.click(await pick(simulation, shown, "1"), label="Remove call")
    assert shown.response is not None
    shown = await simulation.dispatcher.click(shown.response, label="Next")
    assert [value for _, value in options(shown)] == ["26", "27"]
    await simulation.dispatcher.click(await pick(simulation, shown, "26", "27"), label="Remove 2 calls")
    assert text(shown).endswith("\nNone left on this page.")
    assert footer(shown) == "Page 2 of 2, 24 calls"
    assert shown.response is not None
    shown = await simulation.dispatcher.click(shown.response, label="Refresh")
    assert (footer(shown), len(options(shown))) == (None, 24)


async def test_empty_list_shows_only_refresh(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(0))
    shown = await listed(simulation)
    assert text(shown).strip().startswith("No open calls on server **1** (as of <t:")
    assert options(shown) == []
    assert labels(shown) == ["Refresh"]


async def test_without_plus_the_reply_names_other_commands(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.STANDARD)
    shown = await listed(simulation)
    assert "needs Sonoran **Plus**" in text(shown)
    assert "`/remove911`" in text(shown)
    assert labels(shown) == []
    assert simulation.cad.requests_of("GET_CALLS") == []


async def test_cad_that_is_down_shows_an_unreadable_list_and_refresh(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await simulation.cad.go_down()
    shown = await listed(simulation)
    assert text(shown).strip().startswith("⏳ No list of server **1** yet.")
    assert labels(shown) == ["Refresh"]


async def test_stale_empty_list_names_its_age(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(0))
    await listed(simulation)
    simulation.call_cache.mark_stale(1)  # so that the next list is requested at once
    await simulation.cad.go_down()
    said = text(await listed(simulation)).strip()
    assert re.fullmatch(
        r"No open calls on server \*\*1\*\* \(as of <t:\d+:R>\)\.\n⚠️ Nothing newer from the CAD\. "
        r"If this keeps happening, tell an admin: run `/cad911 status`\.",
        said,
    )


async def test_members_without_the_role_see_no_list(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    for who in (simulation.civilian, simulation.administrator):
        shown = await listed(simulation, who)
        assert "⛔ Only **" in text(shown)
        assert "Ortega" not in text(shown)


async def test_hostile_player_texts_are_shown_safely(make_simulation: OpenSimulation) -> None:
    nasty = ["\u202e`", "**" * 300, "\0\n\t", "@everyone", "👩‍👩‍👧‍👦" * 80, ""]
    calls = {CallRef(1, number): FakeCall(CallRef(1, number), one, one, one) for number, one in enumerate(nasty, 1)}
    simulation = await make_simulation(cad=FakeCad(plan=Plan.PLUS, calls=calls))
    shown = await listed(simulation)
    assert len(options(shown)) == 6
    assert all(1 <= len(label) <= 100 for label, _ in options(shown))
    assert text(shown).count("`") % 2 == 0
    assert "\u202e" not in text(shown)
    assert len(text(shown)) < 4096


@V1_ONLY
async def test_progress_is_shown_while_removals_are_queued(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(3), parked=True)
    question = await pick(simulation, await listed(simulation), "1", "2", "3")
    before = len(simulation.env.http_requests)
    await simulation.dispatcher.click(question, label="Remove 3 calls")
    async with asyncio.timeout(5):
        while await simulation.env.settle() or "⏳" in question.content:
            await asyncio.sleep(0.002)
    assert question.content.count("✅") == 3
    edits = [
        sent.json["content"]
        for sent in simulation.env.http_requests[before:]
        if sent.path.endswith("/@original") and sent.json is not None and sent.json["content"]
    ]
    assert [(edit.count("✅"), edit.count("⏳")) for edit in edits] == [(1, 2), (2, 1), (3, 0)]


class OddCad(FakeCad):
    """A CAD that returns a malformed list."""

    odd: list[dict[str, object]]

    def open_calls(self, server_id: int, which: object) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        assert (server_id, which) == (1, 1)
        return [], self.odd


async def odd_list(make_simulation: OpenSimulation, *items: dict[str, object]) -> simcord.InteractionResult:
    cad = OddCad(plan=Plan.PLUS)
    cad.odd = list(items)
    return await listed(await make_simulation(cad=cad))


async def test_call_that_is_listed_twice_is_shown_once(make_simulation: OpenSimulation) -> None:
    shown = await odd_list(
        make_simulation, {"callId": 5, "caller": "Ana"}, {"callId": 5, "caller": "Ana"}, {"callId": 6}
    )
    assert [value for _, value in options(shown)] == ["5", "6"]


async def test_unreadable_list_is_not_shown_as_empty(make_simulation: OpenSimulation) -> None:
    shown = await odd_list(make_simulation, {"callId": "5"}, {"callId": -5}, {"callId": 2**31}, {"callId": True}, {})
    assert options(shown) == []
    assert text(shown).strip().startswith("No readable calls on server **1** (as of <t:")
    assert text(shown).endswith("⚠️ Some calls can't be read: check the CAD too.")


async def test_partly_unreadable_list_is_reported_as_incomplete(make_simulation: OpenSimulation) -> None:
    shown = await odd_list(make_simulation, {"callId": "5"}, {"callId": 6})
    assert [value for _, value in options(shown)] == ["6"]
    assert "⚠️ Some calls can't be read: check the CAD too." in text(shown)


async def test_unknown_server_is_refused_without_a_request(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await simulation.call_cache.servers()
    shown = await simulation.dispatcher.slash(simulation.room, "calls911", server_id=9)
    assert re.fullmatch(
        r"❌ The CAD has no server \*\*9\*\* \(as of <t:\d+:R>\)\. Is it new\? Use `/remove911` with the numbers\.",
        text(shown).strip(),
    )
    assert simulation.cad.requests_of("GET_CALLS") == []


async def test_server_that_was_added_after_the_list_was_read_is_listed(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await open_on(make_simulation, Plan.PLUS, clock=clock)
    await simulation.call_cache.servers()
    simulation.cad.servers = {**simulation.cad.servers, 3: "Cayo Perico"}
    clock.t += 60
    shown = await simulation.dispatcher.slash(simulation.room, "calls911", server_id=3)
    assert text(shown).strip().startswith("No open calls on server **3** (as of <t:")


async def test_server_that_could_not_be_read_is_listed_when_asked_for(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=ServersAsSent(HALF_READABLE, plan=Plan.PLUS))
    await simulation.call_cache.servers()
    shown = await simulation.dispatcher.slash(simulation.room, "calls911", server_id=2)
    assert "`#11`" in text(shown)


@pytest.mark.parametrize("entries", [HALF_READABLE, HALF_READABLE[1:]], ids=["some", "none"])
async def test_view_of_all_servers_says_that_some_can_not_be_read(
    make_simulation: OpenSimulation, entries: list[dict[str, object]]
) -> None:
    simulation = await make_simulation(cad=ServersAsSent(entries, plan=Plan.PLUS))
    shown = await listed_everywhere(simulation)
    note = "⚠️ Some servers can't be read. For one of them, use `/calls911` with its number."
    assert text(shown).strip().endswith(note)
    assert ("`#301`" in text(shown)) == (len(entries) > 1)
    assert "Some servers" not in text(await listed(simulation))


async def test_view_of_all_servers_says_how_old_they_are_if_there_is_nothing_newer(
    make_simulation: OpenSimulation,
) -> None:
    clock = InstantClock()
    simulation = await open_on(make_simulation, Plan.PLUS, clock=clock)
    await listed_everywhere(simulation)
    clock.t += 600
    await simulation.cad.go_down()
    assert f"⚠️ No servers newer than <t:{clock.ahead:.0f}:R>." in text(await listed_everywhere(simulation))


async def test_downgraded_plan_is_reported_each_time(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    simulation.cad.plan = Plan.STANDARD
    for _ in range(2):
        simulation.call_cache._by_server.clear()  # as if the cache had expired
        assert "needs Sonoran **Plus**" in text(await listed(simulation))
    assert len(simulation.cad.requests_of("GET_CALLS")) == 1
    assert (await remove(simulation)).startswith("✅")


@pytest.mark.parametrize("server_id", [0, -1, 2**31])
async def test_server_id_out_of_range_is_refused_without_a_request(
    make_simulation: OpenSimulation, server_id: int
) -> None:
    # A client with an outdated command, without the range, sends any number, and discord.py passes it on.
    simulation = await open_on(make_simulation, Plan.PLUS)
    command = simulation.bot.tree.get_command("calls911", guild=discord.Object(simulation.guild.id))
    assert isinstance(command, discord.app_commands.Command)
    payload = command.to_dict(simulation.bot.tree)
    for option in payload["options"]:
        del option["min_value"], option["max_value"]
    assert simulation.bot.application_id is not None
    await simulation.bot.http.bulk_upsert_guild_commands(simulation.bot.application_id, simulation.guild.id, [payload])
    shown = await simulation.dispatcher.slash(simulation.room, "calls911", server_id=server_id)
    assert text(shown).startswith(f"❌ `server_id` can't be `{server_id}`: ")
    assert simulation.cad.requests_of("GET_CALLS") == []
    assert len(simulation.env.errors) == 1


async def test_page_that_discord_refuses_leaves_the_old_one_with_its_select_and_buttons(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await make_simulation(cad=many(60))
    shown = await listed(simulation)
    assert shown.response is not None
    before = options(shown)
    refuse_edits(simulation)
    await simulation.dispatcher.click(shown.response, label="Next")
    await pick(simulation, shown, "3")  # this edits the list too
    assert (footer(shown), options(shown)) == ("Page 1 of 3, 60 calls", before)
    await simulation.dispatcher.click(shown.response, label="Next")
    assert (footer(shown), options(shown)[0][1]) == ("Page 2 of 3, 60 calls", "26")


async def test_incomplete_list_whose_rest_was_removed_is_reported_as_incomplete(
    make_simulation: OpenSimulation,
) -> None:
    cad = OddCad(plan=Plan.PLUS)
    cad.odd = [{"callId": "5"}, {"callId": 6}]
    cad.calls[CallRef(1, 6)] = FakeCall(CallRef(1, 6), "Ana", "Pier", "Smoke")
    simulation = await make_simulation(cad=cad)
    shown = await listed(simulation)
    await simulation.dispatcher.click(await pick(simulation, shown, "6"), label="Remove call")
    assert re.fullmatch(
        r"No readable calls on server \*\*1\*\* \(as of <t:\d+:R>\)\.\n"
        r"⚠️ Some calls can't be read: check the CAD too\.",
        text(shown).strip(),
    )


async def test_refresh_without_plus_removes_the_select(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(2))
    shown = await listed(simulation)
    assert shown.response is not None
    simulation.cad.plan = Plan.STANDARD
    simulation.call_cache.mark_stale(1)  # so that the next list is requested at once
    shown = await simulation.dispatcher.click(shown.response, label="Refresh")
    assert "needs Sonoran **Plus**" in text(shown)
    assert options(shown) == []


async def listed_everywhere(simulation: Simulation) -> simcord.InteractionResult:
    return await simulation.dispatcher.slash(simulation.room, "calls911")


async def test_without_a_server_the_list_shows_all_servers_by_group(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    shown = await listed_everywhere(simulation)
    heads = [re.sub(r"<t:\d+:R>", "now", line) for line in text(shown).splitlines() if "Open calls" in line]
    assert heads == ["Open calls on **1 Los Santos** (as of now)", "Open calls on **2 Blaine County** (as of now)"]
    assert [value for _, value in options(shown)] == ["301", "302", "303", "304", "2/11", "2/12"]
    assert shown.response is not None
    question = (await simulation.dispatcher.select(shown.response, ["1/301", "2/11"])).response
    assert question is not None
    first, *lines = question.content.split("\n")
    assert first == "Remove these 2 calls?"
    assert [line.rsplit("**", 2)[1] for line in lines] == ["1", "2"]
    await simulation.dispatcher.click(question, label="Remove 2 calls")
    assert {CallRef(1, 301), CallRef(2, 11)}.isdisjoint(simulation.cad.calls)
    labels_below = [item["label"] for row in question.components for item in row["components"]]
    assert labels_below == ["Re-create call 301", "Re-create call 11"]


async def test_all_servers_are_paged_and_name_those_without_calls(make_simulation: OpenSimulation) -> None:
    cad = many(30)
    cad.servers = {1: "Los Santos", 2: "Blaine County"}
    simulation = await make_simulation(cad=cad)
    shown = await listed_everywhere(simulation)
    assert (footer(shown), len(options(shown))) == ("Page 1 of 2, 30 calls", 25)
    assert "No open calls on **2 Blaine County** (as of <t:" in text(shown)


async def test_cad_that_does_not_list_its_servers_shows_the_default_server(make_simulation: OpenSimulation) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return replace(settings_for(account, roles), default_server_id=1)

    cad = many(2)
    cad.delays_by_kind["GET_SERVERS"] = inf
    simulation = await make_simulation(cad=cad, settings=settings, timeout=0.3)
    assert [value for _, value in options(await listed_everywhere(simulation))] == ["1", "2"]


async def test_bot_that_knows_no_server_says_that_there_is_no_list_yet(make_simulation: OpenSimulation) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await simulation.cad.go_down()
    shown = await listed_everywhere(simulation)
    assert text(shown).strip().startswith("⏳ No list of the servers yet. Press Refresh in a moment.")
    assert labels(shown) == ["Refresh"]


async def test_each_call_leaves_the_list_when_it_ends(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(cad=many(3))
    question = await pick(simulation, await listed(simulation), "1", "2", "3")
    before = len(simulation.env.http_requests)
    await simulation.dispatcher.click(question, label="Remove 3 calls")
    edits = [
        sent.json["embeds"][0]["description"]
        for sent in simulation.env.http_requests[before:]
        if sent.path.endswith("/@original") and sent.json is not None and sent.json.get("embeds")
    ]
    assert [edit.count("`#") for edit in edits] == [2, 1, 0]


async def test_one_of_a_batch_that_can_be_recreated_has_its_number_on_the_button(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await make_simulation(cad=many(2))
    question = await pick(simulation, await listed(simulation), "1", "2")
    del simulation.cad.calls[CallRef(1, 2)]
    await simulation.dispatcher.click(question, label="Remove 2 calls")
    assert [item["label"] for row in question.components for item in row["components"]] == ["Re-create call 1"]
