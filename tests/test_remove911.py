"""What people see when they type /remove911, and what goes over the wire."""

from __future__ import annotations

import asyncio
import logging
import re
from math import inf

import discord
import pytest
import simcord

from bot.cad import v1
from bot.cad.dialect import Dialect
from bot.cad.model import Account, CallRef, Plan
from bot.sandbox import cad_v1
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.town import Roles, Town, settings_for
from bot.settings import Settings
from tests.conftest import KEY, V1_ONLY, OpenTown

CALL = CallRef(1, 302)
PATH = "/emergency/remove_911"


async def ask(town: Town, call_id: int = 302, server_id: int = 1, who: simcord.MemberActor | None = None) -> str:
    shown = await (who or town.dispatcher).slash(town.room, "remove911", call_id=call_id, server_id=server_id)
    assert shown.ephemeral
    assert shown.response is not None
    assert not shown.followups
    return shown.response.content


async def test_a_dispatcher_removes_a_call(town: Town) -> None:
    assert await ask(town) == "✅ Call **302** on server **1** was removed. The CAD confirmed it."
    assert CALL not in town.cad.calls
    assert len(town.cad.asked_for("REMOVE_911")) == 1


@V1_ONLY
async def test_what_goes_to_the_cad_is_the_pages_own_request(town: Town) -> None:
    await ask(town)
    assert [sent for sent in town.cad.requests if sent[0] == PATH] == [
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


async def test_the_answer_is_deferred_ephemeral_before_the_cad_is_asked(town: Town) -> None:
    town.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    result = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert not result.acknowledged
    assert town.cad.asked_for("REMOVE_911") == []
    assert CALL in town.cad.calls


async def test_an_interaction_that_another_copy_answered_removes_nothing(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.env.inject_error("POST", "/interactions/*/*/callback", status=400, code=40060)
    await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert town.cad.asked_for("REMOVE_911") == []
    assert "another copy of this bot is running" in caplog.text


async def test_a_reply_that_cannot_be_edited_is_in_the_log(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=401, code=50027, times=None)
    await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert CALL not in town.cad.calls
    assert "the answer did not reach Discord (HTTP 401, code 50027): ✅ Call **302**" in caplog.text


async def test_a_call_that_is_not_there(town: Town) -> None:
    assert (await ask(town, call_id=99)).startswith(
        "☑️ Call **99** on server **1** is not there. It is gone already, or the number or the server is wrong."
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"key": "another-key"}, "`SONORAN_API_KEY`"),
        ({"api_enabled": False}, "switched off"),
        ({"plan": Plan.STARTER}, "Standard or higher"),
    ],
)
async def test_the_cad_refuses(town: Town, change: dict[str, object], says: str) -> None:
    for name, value in change.items():
        setattr(town.cad, name, value)
    answer = await ask(town)
    assert answer.startswith("❌ Call **302** on server **1** was **not removed**. ")
    assert says in answer
    assert CALL in town.cad.calls


@V1_ONLY
async def test_the_cad_does_not_know_the_community(town: Town) -> None:
    town.cad.community_id = "another"
    assert "**not removed**. The CAD does not know the community id." in await ask(town)
    assert CALL in town.cad.calls


async def test_the_cad_never_answers(make_town: OpenTown) -> None:
    town = await make_town(patience=0.1, cad=LoopbackCad(seconds={CALL: inf}))
    answer = await ask(town)
    assert answer.startswith("⚠️ Call **302** on server **1**: it is **not known** whether it was removed.")
    assert "did not answer in time" in answer
    assert "Look at the CAD" in answer


async def test_a_slow_cad_holds_nobody_up(make_town: OpenTown) -> None:
    town = await make_town(parked=True, cad=LoopbackCad(seconds={CALL: 0.3}))
    slow = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    assert slow.deferred
    assert slow.response is not None
    assert slow.response.content == ""
    assert "was removed" in await until_said(
        town, await town.dispatcher.slash(town.room, "remove911", call_id=301, server_id=1)
    )
    assert "was removed" in await until_said(town, slow)


async def until_said(town: Town, shown: simcord.InteractionResult) -> str:
    async with asyncio.timeout(5):
        while True:
            await town.env.settle()
            if shown.response is not None and shown.response.content:
                return shown.response.content
            await asyncio.sleep(0.002)


async def test_the_cad_is_down(town: Town) -> None:
    await town.cad.go_down()
    answer = await ask(town)
    assert answer.startswith("❌ Call **302** on server **1** was **not removed**. The CAD could not be reached")
    assert CALL in town.cad.calls


@pytest.mark.parametrize(
    ("call_id", "server_id"), [(0, 1), (-1, 1), (2147483648, 1), (302, 0), (302, -1), (302, 2**31)]
)
async def test_ids_out_of_range_are_refused_by_the_bot_itself(town: Town, call_id: int, server_id: int) -> None:
    # A client whose copy of the command has no range passes anything on, and so does discord.py.
    command = town.bot.tree.get_command("remove911", guild=discord.Object(town.guild.id))
    assert isinstance(command, discord.app_commands.Command)
    payload = command.to_dict(town.bot.tree)
    for option in payload["options"]:
        del option["min_value"], option["max_value"]
    assert town.bot.application_id is not None
    await town.bot.http.bulk_upsert_guild_commands(town.bot.application_id, town.guild.id, [payload])
    answer = await ask(town, call_id, server_id)
    wrong = "`call_id`" if server_id == 1 else "`server_id`"
    assert answer.startswith(f"{wrong} can't be `{call_id if server_id == 1 else server_id}`: ")
    assert "from 1 to 2147483647" in answer
    assert town.cad.asked_for("REMOVE_911") == []
    assert len(town.env.errors) == 1


@pytest.mark.parametrize("value", ["302", 302.5, True])
async def test_what_is_no_integer_never_reaches_the_cad(town: Town, value: object) -> None:
    kinds = {str: 3, float: 10, bool: 5}
    command = town.bot.tree.get_command("remove911", guild=discord.Object(town.guild.id))
    assert isinstance(command, discord.app_commands.Command)
    payload = command.to_dict(town.bot.tree)
    del payload["options"][0]["min_value"], payload["options"][0]["max_value"]
    payload["options"][0]["type"] = kinds[type(value)]
    assert town.bot.application_id is not None
    await town.bot.http.bulk_upsert_guild_commands(town.bot.application_id, town.guild.id, [payload])
    shown = await town.dispatcher.slash(town.room, "remove911", call_id=value, server_id=1)
    assert shown.response is not None
    assert shown.response.content.startswith("`call_id` can't be `")
    assert town.cad.asked_for("REMOVE_911") == []
    assert len(town.env.errors) == 1


def describe_options(town: Town) -> dict[str, dict[str, object]]:
    (put,) = [sent for sent in town.env.http_requests if sent.method == "PUT" and "/guilds/" in sent.path]
    assert put.json is not None
    (command,) = [one for one in put.json if one["name"] == "remove911"]
    assert command["dm_permission"] is False
    return {option["name"]: option for option in command["options"]}


async def test_discord_hears_of_the_range(town: Town) -> None:
    options = describe_options(town)
    assert list(options) == ["call_id", "server_id"]
    for option in options.values():
        assert (option["type"], option["min_value"], option["max_value"]) == (4, 1, 2147483647)
        assert option["required"]


async def test_with_a_default_server_it_may_be_left_out(make_town: OpenTown) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=roles, default_server_id=2)

    town = await make_town(settings=settings)
    server = describe_options(town)["server_id"]
    assert not server["required"]
    assert "leave it out for server 2" in str(server["description"])
    shown = await town.dispatcher.slash(town.room, "remove911", call_id=11)
    assert shown.response is not None
    assert "Call **11** on server **2** was removed" in shown.response.content
    assert "Call **301** on server **1** was removed" in await ask(town, call_id=301, server_id=1)


async def test_a_bug_gets_a_reference_that_is_in_the_log_too(
    town: Town, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> str:
        raise RuntimeError(f"the words failed {KEY[:4]}")

    monkeypatch.setattr("bot.words.outcome", broken)
    answer = await ask(town)
    assert answer.startswith("Something broke in the bot")
    assert "RuntimeError" not in answer
    (error,) = town.env.errors
    assert isinstance(error, discord.app_commands.CommandInvokeError)
    reference = answer.split("`")[1]
    assert f"interaction {reference} failed" in caplog.text
    assert any(record.exc_info for record in caplog.records if reference in record.getMessage())


async def test_a_bug_in_the_gate_is_answered_too(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(type(town.bot.gate), "refusal", broken)
    assert (await ask(town)).startswith("Something broke in the bot")
    assert town.cad.asked_for("REMOVE_911") == []
    assert len(town.env.errors) == 1


async def test_a_command_that_the_bot_no_longer_has(town: Town) -> None:
    town.bot.tree.clear_commands(guild=discord.Object(town.guild.id))
    answer = await ask(town)
    assert answer.startswith("This command has changed. Reload Discord")
    assert town.cad.asked_for("REMOVE_911") == []
    assert len(town.env.errors) == 1


async def test_one_log_line_a_removal(town: Town, dialect: Dialect, caplog: pytest.LogCaptureFixture) -> None:
    town.cad.key = "another-key"
    await ask(town)
    (line,) = [record for record in caplog.records if record.name == "bot.removals"]
    assert line.levelno == logging.INFO
    message = line.getMessage()
    status, said = (
        (400, "INVALID API KEY") if dialect is v1 else (401, "Unauthorized: The API key is missing or not known.")
    )
    assert message.startswith(f"call 302 on server 1: rejected (api key, HTTP {status}")
    assert "), asked by user " in message
    assert message.endswith(f"; the CAD's text: {said}")


async def test_a_refusal_has_the_cads_reference_where_it_gave_one(
    town: Town, dialect: Dialect, caplog: pytest.LogCaptureFixture
) -> None:
    town.cad.plan = Plan.STARTER
    answer = await ask(town)
    found = re.search(r"The CAD's reference is `(00-[0-9a-f]{32}-00)`\.$", answer)
    assert (found is not None) == (dialect is not v1)
    assert found is None or f"HTTP 402, reference {found[1]})" in caplog.text


@V1_ONLY
async def test_the_log_line_tells_the_wait(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    for call_id in (301, 302):
        await ask(town, call_id=call_id)
    messages = [record.getMessage() for record in caplog.records if record.name == "bot.removals"]
    assert [message.split(" s, of them ")[1].partition(";")[0] for message in messages] == ["1.05 s in the line"] * 2


@V1_ONLY
async def test_the_cad_repeats_the_key_and_nobody_sees_it(
    town: Town, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def telltale(cad: LoopbackCad, body: object, kind: str, least_plan: Plan) -> str:
        return f"WHAT IS {body} OF {kind} FOR {least_plan}? {cad.key} `@everyone`\n\x1b[31m" + "x" * 300

    monkeypatch.setattr(cad_v1, "refusal", telltale)
    answer = await ask(town)
    assert KEY not in answer
    assert "It said `(not shown: it repeats a secret)` (HTTP 400)." in answer
    assert "\n" not in answer
    assert "\x1b" not in answer
    assert answer.count("`") == 2
    assert len(answer) < 400
    assert KEY not in caplog.text


def test_the_sandbox_settings_do_not_show_the_key(account: Account) -> None:
    shown = repr(settings_for(account, (1,)))
    assert account.key not in shown
    assert "sandbox.has.none" not in shown


@pytest.fixture
async def account() -> Account:
    async with LoopbackCad().serving() as account:
        return account
