"""The bot: where its commands are registered, and how it closes."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

import discord
import pytest
import simcord

from bot.app import CadBot
from bot.cad.client import CadClient
from bot.cad.models import Account, CallRef
from bot.calls.cache import CallCache
from bot.config.settings import Settings
from bot.journal.store import Journal
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Roles, Simulation, settings_for
from tests.support.clocks import until
from tests.support.simulation import OpenSimulation, remove


async def test_home_guild_joined_later_gets_its_commands_by_one_put(make_simulation: OpenSimulation) -> None:
    later = 1_300_000_000_000_000_000

    def settings(account: Account, roles: Roles) -> Settings:
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=roles, guild_ids=frozenset({later}))

    simulation = await make_simulation(settings=settings)
    assert puts(simulation.bot, simulation.env) == []
    simulation.env.create_guild("Ours", id=later)
    await simulation.env.settle()
    assert puts(simulation.bot, simulation.env) == [
        f"/applications/{simulation.bot.application_id}/guilds/{later}/commands"
    ]


async def test_commands_are_registered_once_and_never_globally(simulation: Simulation) -> None:
    simulation.bot.dispatch("guild_available", simulation.bot.get_guild(simulation.guild.id))
    simulation.bot.dispatch("ready")
    await simulation.env.settle()
    assert puts(simulation.bot, simulation.env) == [
        f"/applications/{simulation.bot.application_id}/guilds/{simulation.guild.id}/commands"
    ]


async def test_guild_that_invites_the_bot_again_gets_its_commands_again(simulation: Simulation) -> None:
    guild = simulation.bot.get_guild(simulation.guild.id)
    simulation.bot.dispatch("guild_join", guild)
    await simulation.env.settle()
    assert len(puts(simulation.bot, simulation.env)) == 1
    simulation.bot.dispatch("guild_remove", guild)
    await simulation.env.settle()
    simulation.bot.dispatch("guild_join", guild)
    await simulation.env.settle()
    assert len(puts(simulation.bot, simulation.env)) == 2


async def test_bot_uses_only_the_guilds_intent_and_no_mentions(simulation: Simulation) -> None:
    assert simulation.bot.intents == discord.Intents(guilds=True)
    await remove(simulation)
    (edit,) = [sent for sent in simulation.env.http_requests if sent.path.endswith("/@original")]
    assert edit.json is not None
    assert edit.json["allowed_mentions"] == {"parse": []}


async def test_stale_global_commands_are_cleared(simulation: Simulation, caplog: pytest.LogCaptureFixture) -> None:
    assert simulation.bot.application_id is not None
    stale = [{"name": "remove911", "description": "registered globally once", "type": 1}]
    await simulation.bot.http.bulk_upsert_global_commands(simulation.bot.application_id, stale)  # type: ignore[arg-type]
    fresh = CadBot(simulation.bot.settings, simulation.client, simulation.journal, simulation.call_cache)
    await simulation.env.restart_bot(fresh)
    assert await fresh.tree.fetch_commands() == []
    assert "cleared stale global commands" in caplog.text
    assert " removed (server" in await remove(simulation)


async def test_commands_that_can_not_be_registered_are_logged(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation = await make_simulation()
    fresh = CadBot(
        settings_for(simulation.bot.settings.account, (simulation.dispatcher_role.id,)),
        simulation.client,
        simulation.journal,
        simulation.call_cache,
    )
    simulation.env.inject_error("PUT", "/applications/*/guilds/*/commands", status=403, code=50001)
    simulation.env.inject_error("GET", "/applications/*/commands", status=403, code=50001)
    await simulation.env.restart_bot(fresh)
    assert (
        "the commands could not be registered in Los Santos Roleplay. Discord: it refuses: the bot lacks access "
        "(code 50001); next try in 30 s. Invite the bot again with both scopes, bot and applications.commands"
    ) in caplog.text
    assert "stale global commands could not be cleared" in caplog.text


async def test_closing_waits_for_a_removal_and_its_reply(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(parked=True, cad=FakeCad(delays={CallRef(1, 302): 0.2}))
    pending = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    await until(lambda: len(simulation.cad.requests_of("REMOVE_911")) == 1)
    closing = asyncio.create_task(simulation.bot.close())
    await asyncio.sleep(0)
    late = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=301, server_id=1)
    assert late.response is not None
    assert late.response.content.startswith("❌ Not done: the bot is shutting down.")
    await closing
    assert pending.response is not None
    assert pending.response.content.startswith("✅ Call **302**")
    assert simulation.bot.is_closed()
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1


async def test_closing_does_not_wait_for_a_response_that_never_comes(
    make_simulation: OpenSimulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.DRAIN_SECONDS", 0.1)
    simulation = await make_simulation(parked=True, cad=FakeCad(delays={CallRef(1, 302): inf}))
    pending = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    await until(lambda: len(simulation.cad.requests_of("REMOVE_911")) == 1)
    await asyncio.create_task(simulation.bot.close())
    assert pending.response is not None
    assert pending.response.content.startswith("⚠️ Call **302** (server **1**): ")


async def test_closing_twice_waits_for_the_same_drain(make_simulation: OpenSimulation) -> None:
    """As when discord.py closes by itself and then the host stops the bot."""
    simulation = await make_simulation(parked=True, cad=FakeCad(delays={CallRef(1, 302): 0.2}))
    pending = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    await until(lambda: len(simulation.cad.requests_of("REMOVE_911")) == 1)
    closing = [asyncio.create_task(simulation.bot.close()) for _ in range(2)]
    await closing[1]
    assert pending.response is not None
    assert pending.response.content.startswith("✅ Call **302**")
    await closing[0]


async def test_bot_in_no_guild_logs_the_invite_link(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    cad = FakeCad()
    async with (
        cad.serving() as account,
        Journal(tmp_path / "journal.db") as journal,
        CadClient(account) as client,
        simcord.run(CadBot(settings_for(account, (1,)), client, journal, CallCache(client))),
    ):
        assert "the bot is in no Discord server: invite it with" in caplog.text


def puts(bot: CadBot, env: simcord.Env) -> list[str]:
    assert bot.application_id is not None
    return [sent.path for sent in env.http_requests if sent.method == "PUT" and sent.path.endswith("/commands")]
