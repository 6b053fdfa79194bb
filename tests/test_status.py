"""/cad911 status: what admins read of the bot from inside, and what a start writes to the log."""

from __future__ import annotations

import logging
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import simcord

from bot import __version__
from bot.app import CadBot
from bot.cad import v2
from bot.cad.model import Plan
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.town import Town
from tests.clocks import JumpClock
from tests.conftest import KEY, OpenTown
from tests.test_remove911 import ask


async def status(town: Town, who: simcord.MemberActor | None = None) -> str:
    shown = await (who or town.administrator).slash(town.room, "cad911 status")
    assert shown.ephemeral
    assert shown.response is not None
    (embed,) = shown.response.embeds
    text = f"{embed.title}\n{embed.description}"
    assert KEY not in text
    assert len(text) < 4096
    return text


async def test_an_admin_sees_how_it_is(town: Town) -> None:
    await ask(town)
    text = await status(town)
    assert "FAIL" not in text
    for line in (
        "✅ **Sonoran CAD**: 127.0.0.1 accepts community sandbox-community by API v1",
        "✅ **plan**: STANDARD: removes calls, and has no list of the open ones",
        f"✅ **dispatcher role**: Dispatcher ({town.dispatcher_role.id})",
        "✅ **commands**: Remove 911 call, cad911, calls911, remove911 in Los Santos Roleplay",
        "✅ **sending**: requests go out",
        "✅ **line**: nobody waits",
        "✅ **last removal**: <t:",
        "✅ **journal**: writable, ",
        "✅ **running**: since <t:",
        f"✅ **versions**: remove911 {__version__}, discord.py 2.",
    ):
        assert line in text


async def test_nobody_else_sees_it(town: Town) -> None:
    for who in (town.dispatcher, town.civilian):
        shown = await who.slash(town.room, "cad911 status")
        assert shown.response is not None
        assert shown.response.embeds == []
        assert "Sonoran" not in shown.response.content
    assert len(town.cad.asked_for("GET_VERSION")) == 1  # the start's


async def test_it_lets_the_cad_be_tried_again_at_most_once_a_minute(make_town: OpenTown) -> None:
    clock = JumpClock()
    town = await make_town(clock=clock)
    right, town.cad.key = town.cad.key, "another-key"
    assert "`SONORAN_API_KEY`" in await ask(town)
    first = await status(town)
    assert re.search(
        r"❌ \*\*Sonoran CAD\*\*: the CAD does not accept the API key \(HTTP 40[01]\)\n→ Correct SONORAN\\_API\\_KEY: ",
        first,
    )
    assert re.search(
        r"❌ \*\*sending\*\*: stopped <t:[0-9]+:R> for everything, .*: the CAD does not accept the API key", first
    )
    assert first.startswith("2 things fail.")
    town.cad.key = right
    again = await status(town)
    assert "**re-check**: not done again so soon; the next one <t:" in again
    assert "❌ **sending**: stopped" in again
    assert "accepts" not in again
    assert len(town.cad.asked_for("GET_VERSION")) == 2
    clock.t += 61
    assert "✅ **sending**: requests go out" in await status(town)
    assert "was removed" in await ask(town)


async def test_what_was_good_a_moment_ago_is_not_shown_beside_a_refusal(make_town: OpenTown) -> None:
    clock = JumpClock()
    town = await make_town(clock=clock)
    assert "accepts community" in await status(town)
    town.cad.key = "another-key"
    await ask(town)
    text = await status(town)
    assert "accepts" not in text
    assert "❌ **Sonoran CAD**: the CAD does not accept the API key" in text
    assert "→ Correct SONORAN\\_API\\_KEY: " in text


async def test_the_worst_comes_first(town: Town) -> None:
    town.cad.plan = Plan.STARTER
    signs = [line[0] for line in (await status(town)).splitlines()[1:] if line[0] in "✅⚠❌"]
    assert signs == sorted(signs, key="❌⚠✅".index)
    assert signs[0] == "❌"


async def test_discord_can_not_be_asked(town: Town) -> None:
    town.env.inject_error("GET", "/oauth2/applications/@me", status=403, code=50001)
    text = await status(town)
    assert "❌ **Discord**: it could not be asked (Forbidden)" in text
    assert "✅ **Sonoran CAD**" in text


async def test_a_strangers_names_are_no_markup(make_town: OpenTown) -> None:
    town = await make_town()
    foreign = town.env.create_guild("**Bold** [link](https://x.invalid)")
    foreign.create_text_channel("general")
    await town.env.settle()
    assert "\\*\\*Bold\\*\\*" in await status(town)


async def test_a_start_logs_what_is_not_in_order(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    fresh = CadBot(replace(town.bot.settings, audit_channel_id=10**17 + 7), town.client, town.journal, town.board)
    await town.env.restart_bot(fresh)
    (line,) = [record for record in caplog.records if "audit channel" in record.getMessage()]
    assert line.levelno == logging.ERROR
    assert line.getMessage() == (
        f"audit channel: {10**17 + 7} is not there, or the bot may not see it. "
        "Correct AUDIT_CHANNEL_ID, or let the bot see the channel"
    )
    await fresh.on_ready()  # a reconnection is no start
    assert caplog.text.count("audit channel") == 1


async def test_a_question_that_the_cad_holds_off_was_not_asked_a_minute_ago(make_town: OpenTown) -> None:
    clock = JumpClock()
    town = await make_town(clock=clock, dialect=v2, cad=LoopbackCad(limits={"GET_VERSION": 1}, minute=900))
    assert "it is busy and takes no more for now (HTTP 429)" in await status(town)
    clock.t += 120
    text = await status(town)
    assert "**re-check**: not done again so soon; the next one <t:" in text
    assert "minute ago" not in text


async def test_a_journal_that_can_be_read_alone_is_not_called_writable(town: Town) -> None:
    await ask(town)
    await town.journal._open_db.execute_fetchall("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(town.bot.settings.database_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = await status(town)
    assert "❌ **journal**: it can't be used (database is locked)" in text
    assert "writable" not in text
