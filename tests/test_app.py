"""The bot as a whole: where its commands are registered, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import inf
from pathlib import Path

import discord
import pytest
import simcord

from bot.app import CadBot
from bot.board import Board
from bot.cad.client import CadClient
from bot.cad.model import Account, Answer, CallRef, End, Why
from bot.entries import Asker, Entry
from bot.journal import Journal
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.town import Roles, Town, settings_for
from bot.settings import Settings
from tests.clocks import until
from tests.conftest import OpenTown
from tests.test_remove911 import ask


async def test_a_home_guild_that_is_joined_later_gets_its_command_by_one_put(make_town: OpenTown) -> None:
    later = 1_300_000_000_000_000_000

    def settings(account: Account, roles: Roles) -> Settings:
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=roles, guild_ids=frozenset({later}))

    town = await make_town(settings=settings)
    assert puts(town.bot, town.env) == []
    town.env.create_guild("Ours", id=later)
    await town.env.settle()
    assert puts(town.bot, town.env) == [f"/applications/{town.bot.application_id}/guilds/{later}/commands"]


async def test_a_command_is_registered_once_and_never_globally(town: Town) -> None:
    town.bot.dispatch("guild_available", town.bot.get_guild(town.guild.id))
    town.bot.dispatch("ready")
    await town.env.settle()
    assert puts(town.bot, town.env) == [f"/applications/{town.bot.application_id}/guilds/{town.guild.id}/commands"]


async def test_a_guild_that_invites_the_bot_again_gets_its_command_again(town: Town) -> None:
    guild = town.bot.get_guild(town.guild.id)
    town.bot.dispatch("guild_join", guild)
    await town.env.settle()
    assert len(puts(town.bot, town.env)) == 1
    town.bot.dispatch("guild_remove", guild)
    await town.env.settle()
    town.bot.dispatch("guild_join", guild)
    await town.env.settle()
    assert len(puts(town.bot, town.env)) == 2


async def test_it_asks_discord_for_as_little_as_it_needs(town: Town) -> None:
    assert town.bot.intents == discord.Intents(guilds=True)
    await ask(town)
    (edit,) = [sent for sent in town.env.http_requests if sent.path.endswith("/@original")]
    assert edit.json is not None
    assert edit.json["allowed_mentions"] == {"parse": []}


async def test_stale_global_commands_are_cleared(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    assert town.bot.application_id is not None
    stale = [{"name": "remove911", "description": "registered globally once", "type": 1}]
    await town.bot.http.bulk_upsert_global_commands(town.bot.application_id, stale)  # type: ignore[arg-type]
    fresh = CadBot(town.bot.settings, town.client, town.journal, town.board)
    await town.env.restart_bot(fresh)
    assert await fresh.tree.fetch_commands() == []
    assert "cleared stale global commands" in caplog.text
    assert "was removed" in await ask(town)


async def test_commands_that_can_not_be_registered_are_said_so(
    make_town: OpenTown, caplog: pytest.LogCaptureFixture
) -> None:
    town = await make_town()
    fresh = CadBot(
        settings_for(town.bot.settings.account, (town.dispatcher_role.id,)), town.client, town.journal, town.board
    )
    town.env.inject_error("PUT", "/applications/*/guilds/*/commands", status=403, code=50001)
    town.env.inject_error("GET", "/applications/*/commands", status=403, code=50001)
    await town.env.restart_bot(fresh)
    assert "could not be registered in Los Santos Roleplay" in caplog.text
    assert "bot and applications.commands" in caplog.text
    assert "stale global commands could not be looked for" in caplog.text


async def test_closing_lets_the_removal_end_and_its_reply_be_edited(make_town: OpenTown) -> None:
    town = await make_town(parked=True, cad=LoopbackCad(seconds={CallRef(1, 302): 0.2}))
    pending = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    await until(lambda: len(town.cad.asked_for("REMOVE_911")) == 1)
    closing = asyncio.create_task(town.bot.close())
    await asyncio.sleep(0)
    late = await town.dispatcher.slash(town.room, "remove911", call_id=301, server_id=1)
    assert late.response is not None
    assert late.response.content.startswith("The bot is shutting down. Nothing was sent to the CAD.")
    await closing
    assert pending.response is not None
    assert pending.response.content.startswith("✅ Call **302**")
    assert town.bot.is_closed()
    assert len(town.cad.asked_for("REMOVE_911")) == 1


async def test_closing_does_not_wait_for_a_cad_that_never_answers(
    make_town: OpenTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.DRAIN", 0.1)
    town = await make_town(parked=True, cad=LoopbackCad(seconds={CallRef(1, 302): inf}))
    pending = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    await until(lambda: len(town.cad.asked_for("REMOVE_911")) == 1)
    await asyncio.create_task(town.bot.close())
    assert pending.response is not None
    assert pending.response.content.startswith("⚠️ Call **302** on server **1**: it is **not known**")


async def test_closing_twice_waits_for_the_same_drain(make_town: OpenTown) -> None:
    """As where discord.py closes by itself and then the host stops the bot."""
    town = await make_town(parked=True, cad=LoopbackCad(seconds={CallRef(1, 302): 0.2}))
    pending = await town.dispatcher.slash(town.room, "remove911", call_id=302, server_id=1)
    await until(lambda: len(town.cad.asked_for("REMOVE_911")) == 1)
    closing = [asyncio.create_task(town.bot.close()) for _ in range(2)]
    await closing[1]
    assert pending.response is not None
    assert pending.response.content.startswith("✅ Call **302**")
    await closing[0]


async def test_a_bot_without_a_guild_says_so(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    cad = LoopbackCad()
    async with (
        cad.serving() as account,
        Journal(tmp_path / "journal.db") as journal,
        CadClient(account) as client,
        simcord.run(CadBot(settings_for(account, (1,)), client, journal, Board(client))),
    ):
        assert "the bot is in no Discord server: invite it" in caplog.text


def puts(bot: CadBot, env: simcord.Env) -> list[str]:
    assert bot.application_id is not None
    return [sent.path for sent in env.http_requests if sent.method == "PUT" and sent.path.endswith("/commands")]


async def test_what_this_run_took_is_not_answered_with_what_an_earlier_one_left(
    make_town: OpenTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asker(user_id=1, guild_id=1, channel_id=1, way="/calls911", token="the-earlier-runs")
    path = tmp_path / "journal.db"
    async with Journal(path) as journal:
        await journal.noted(CallRef(1, 301), asked, Answer(End.REMOVED, Why.CONFIRMED))

    async def settle(journal: Journal, _: CadClient, __: list[Entry]) -> None:
        # While an earlier run's removals are looked for, the first of a list of several ends here.
        await journal.noted(CallRef(1, 302), replace(asked, token="this-runs"), Answer(End.GONE, Why.NOT_LISTED))

    monkeypatch.setattr("bot.leftover.settle", settle)
    town = await make_town(journal=path)
    edited = [sent.path for sent in town.env.http_requests if sent.method == "PATCH" and "/webhooks/" in sent.path]
    assert [("the-earlier-runs" in path, "this-runs" in path) for path in edited] == [(True, False)]
    # Discord did not take the earlier one's, so the next start tries again.
    unanswered = await town.journal.unanswered(await town.journal.newest())
    assert [entry.token for entry in unanswered] == [
        "the-earlier-runs",
        "this-runs",
    ]
