"""/remove911, as a dispatcher uses it."""

from __future__ import annotations

import asyncio
import re
from math import inf

import discord
import pytest
import simcord

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.models import Account, CallRef, Plan
from bot.config.settings import Settings
from bot.journal.entries import EntryFilter
from bot.sandbox.fake_cad import v1 as fake_v1
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Roles, Simulation
from tests.support.simulation import KEY, V1_ONLY, OpenSimulation, remove

CALL = CallRef(1, 302)


pytestmark = pytest.mark.both_api_versions


PATH = "/emergency/remove_911"


async def test_dispatcher_removes_a_call(simulation: Simulation) -> None:
    assert await remove(simulation) == "✅ Call **302** removed (server **1**)."
    assert CALL not in simulation.cad.calls
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1


@V1_ONLY
async def test_v1_request_matches_the_documentation(simulation: Simulation) -> None:
    await remove(simulation)
    assert [sent for sent in simulation.cad.requests if sent[0] == PATH] == [
        (
            PATH,
            {
                "id": "sandbox-community",
                "key": KEY,
                "type": "REMOVE_911",
                "data": [{"serverId": 1, "callId": 302}],
            },
        )
    ]


async def test_missing_call_is_reported_as_gone(simulation: Simulation) -> None:
    assert (await remove(simulation, call_id=99)).startswith(
        "☑️ No call **99** on server **1**: it is gone, or a number is wrong."
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"key": "another-key"}, "`SONORAN_API_KEY`"),
        ({"api_enabled": False}, "switched off"),
        ({"plan": Plan.STARTER}, "**Standard** or higher"),
    ],
)
async def test_refusal_by_the_cad_shows_its_reason(
    simulation: Simulation, change: dict[str, object], expected: str
) -> None:
    for name, value in change.items():
        setattr(simulation.cad, name, value)
    result = await remove(simulation)
    assert result.startswith("❌ Call **302** not removed (server **1**): ")
    assert expected in result
    assert CALL in simulation.cad.calls


@V1_ONLY
async def test_unknown_community_is_reported(simulation: Simulation) -> None:
    simulation.cad.community_id = "another"
    assert "not removed (server **1**): the CAD doesn't know the community." in await remove(simulation)
    assert CALL in simulation.cad.calls


async def test_timeout_is_reported_as_unknown(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(timeout=0.1, cad=FakeCad(delays={CALL: inf}))
    result = await remove(simulation)
    assert result.startswith("⚠️ Call **302** (server **1**): ")
    assert "no answer from the CAD" in result
    assert "**Check the CAD**" in result


async def test_slow_response_does_not_delay_other_dispatchers(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(parked=True, cad=FakeCad(delays={CALL: 0.3}))
    slow = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert slow.deferred
    assert slow.response is not None
    assert slow.response.content == ""
    assert " removed (server" in await text_when_shown(
        simulation, await simulation.dispatcher.slash(simulation.room, "remove911", call_id=301, server_id=1)
    )
    assert " removed (server" in await text_when_shown(simulation, slow)


async def text_when_shown(simulation: Simulation, shown: simcord.InteractionResult) -> str:
    async with asyncio.timeout(5):
        while True:
            await simulation.env.settle()
            if shown.response is not None and shown.response.content:
                return shown.response.content
            await asyncio.sleep(0.002)


async def test_cad_that_is_down_removes_nothing(simulation: Simulation) -> None:
    await simulation.cad.go_down()
    result = await remove(simulation)
    assert result.startswith("❌ Call **302** not removed (server **1**): the CAD can't be reached")
    assert CALL in simulation.cad.calls


@pytest.mark.parametrize(
    ("call_id", "server_id"), [(0, 1), (-1, 1), (2147483648, 1), (302, 0), (302, -1), (302, 2**31)]
)
async def test_ids_out_of_range_are_refused_without_a_request(
    simulation: Simulation, call_id: int, server_id: int
) -> None:
    # A client with an outdated command, without the range, sends any number, and discord.py passes it on.
    command = simulation.bot.tree.get_command("remove911", guild=discord.Object(simulation.guild.id))
    assert isinstance(command, discord.app_commands.Command)
    payload = command.to_dict(simulation.bot.tree)
    for option in payload["options"]:
        del option["min_value"], option["max_value"]
    assert simulation.bot.application_id is not None
    await simulation.bot.http.bulk_upsert_guild_commands(simulation.bot.application_id, simulation.guild.id, [payload])
    result = await remove(simulation, call_id, server_id)
    wrong = "`call_id`" if server_id == 1 else "`server_id`"
    assert result.startswith(f"❌ {wrong} can't be `{call_id if server_id == 1 else server_id}`: ")
    assert "from 1 to 2147483647" in result
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert len(simulation.env.errors) == 1


@pytest.mark.parametrize("value", ["302", 302.5, True])
async def test_id_that_is_no_integer_is_refused_without_a_request(simulation: Simulation, value: object) -> None:
    kinds = {str: 3, float: 10, bool: 5}
    command = simulation.bot.tree.get_command("remove911", guild=discord.Object(simulation.guild.id))
    assert isinstance(command, discord.app_commands.Command)
    payload = command.to_dict(simulation.bot.tree)
    del payload["options"][0]["min_value"], payload["options"][0]["max_value"]
    payload["options"][0]["type"] = kinds[type(value)]
    assert simulation.bot.application_id is not None
    await simulation.bot.http.bulk_upsert_guild_commands(simulation.bot.application_id, simulation.guild.id, [payload])
    shown = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=value, server_id=1)
    assert shown.response is not None
    assert shown.response.content.startswith("❌ `call_id` can't be `")
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert len(simulation.env.errors) == 1


def describe_options(simulation: Simulation) -> dict[str, dict[str, object]]:
    (put,) = [sent for sent in simulation.env.http_requests if sent.method == "PUT" and "/guilds/" in sent.path]
    assert put.json is not None
    (command,) = [one for one in put.json if one["name"] == "remove911"]
    assert command["dm_permission"] is False
    return {option["name"]: option for option in command["options"]}


async def test_options_are_required_and_have_a_range(simulation: Simulation) -> None:
    options = describe_options(simulation)
    assert list(options) == ["call_id", "server_id"]
    for option in options.values():
        assert (option["type"], option["min_value"], option["max_value"]) == (4, 1, 2147483647)
        assert option["required"]


async def test_with_a_default_server_the_option_is_optional(make_simulation: OpenSimulation) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=roles, default_server_id=2)

    simulation = await make_simulation(settings=settings)
    server = describe_options(simulation)["server_id"]
    assert not server["required"]
    assert "leave it out for server 2" in str(server["description"])
    shown = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=11)
    assert shown.response is not None
    assert "Call **11** removed (server **2**)" in shown.response.content
    assert "Call **301** removed (server **1**)" in await remove(simulation, call_id=301, server_id=1)


async def test_v2_refusal_shows_the_cads_reference(
    simulation: Simulation, api: CadApi, caplog: pytest.LogCaptureFixture
) -> None:
    simulation.cad.plan = Plan.STARTER
    result = await remove(simulation)
    found = re.search(r"Reference: `(00-[0-9a-f]{32}-00)`\.$", result)
    assert (found is not None) == (api is not v1)
    assert found is None or f"HTTP 402, reference {found[1]})" in caplog.text


@V1_ONLY
async def test_key_in_the_cads_text_is_redacted_in_reply_and_log(
    simulation: Simulation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal_with_key(cad: FakeCad, body: object, kind: str, least_plan: Plan) -> str:
        return f"WHAT IS {body} OF {kind} FOR {least_plan}? {cad.key} `@everyone`\n\x1b[31m" + "x" * 300

    monkeypatch.setattr(fake_v1, "refusal", refusal_with_key)
    result = await remove(simulation)
    assert KEY not in result
    assert "It said `(not shown: it repeats a secret)` (HTTP 400)." in result
    assert "\n" not in result
    assert "\x1b" not in result
    assert result.count("`") == 2
    assert len(result) < 400
    assert KEY not in caplog.text


async def test_call_that_is_gone_after_a_silent_removal_is_ours_though_not_confirmed(
    make_simulation: OpenSimulation,
) -> None:
    """Who removed it? The history says so, the button offers it back, and for ten minutes the answer is remembered."""
    cad = FakeCad(plan=Plan.PLUS, delays={CALL: inf})
    simulation = await make_simulation(timeout=0.5, cad=cad)
    await simulation.dispatcher.slash(simulation.room, "calls911", server_id=1)
    shown = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert shown.response is not None
    first, *details = shown.response.content.split("\n")
    assert first == "☑️ Call **302** is gone (server **1**). The CAD didn't confirm it, but it is off the open list."
    assert "Caller: `Ana Ortega`" in details
    buttons = [item["label"] for row in shown.response.components for item in row["components"]]
    assert buttons == ["Re-create call"]
    again = await remove(simulation)
    assert again.startswith(f"☑️ Call **302** was gone (server **1**) after <@{simulation.dispatcher.id}>'s request <t:")
    assert len(cad.requests_of("REMOVE_911")) == 1
    outcomes = [entry.outcome for entry in await simulation.journal.page(EntryFilter(), None, 10)]
    assert outcomes == ["already gone", "gone after our request, not confirmed"]
