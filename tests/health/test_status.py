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
from bot.cad.models import Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.clocks import InstantClock
from tests.support.simulation import KEY, OpenSimulation, remove


async def status(simulation: Simulation, who: simcord.MemberActor | None = None) -> str:
    shown = await (who or simulation.administrator).slash(simulation.room, "cad911 status")
    assert shown.ephemeral
    assert shown.response is not None
    (embed,) = shown.response.embeds
    text = f"{embed.title}\n{embed.description}"
    assert KEY not in text
    assert len(text) < 4096
    return text


async def test_admin_sees_all_findings(simulation: Simulation) -> None:
    await remove(simulation)
    text = await status(simulation)
    assert "FAIL" not in text
    for line in (
        "Sonoran CAD: 127.0.0.1 accepts community sandbox-community over API v1",
        "Plan: STANDARD: removes calls, and has no list of the open ones",
        f"Dispatcher role: Dispatcher ({simulation.dispatcher_role.id})",
        "Commands: Remove 911 call, cad911, calls911, remove911 in Los Santos Roleplay",
        "Requests: OK",
        "Queue: empty",
        "Last removal: <t:",
        "Journal: writable, ",
        "Started: <t:",
        f"Versions: remove911 {__version__}, discord.py 2.",
    ):
        assert line in text


async def test_others_are_refused(simulation: Simulation) -> None:
    for who in (simulation.dispatcher, simulation.civilian):
        shown = await who.slash(simulation.room, "cad911 status")
        assert shown.response is not None
        assert shown.response.embeds == []
        assert "Sonoran" not in shown.response.content
    assert len(simulation.cad.requests_of("GET_VERSION")) == 1  # the start's


async def test_status_resets_the_breaker_once_a_minute_at_most(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(clock=clock)
    right, simulation.cad.key = simulation.cad.key, "another-key"
    assert "`SONORAN_API_KEY`" in await remove(simulation)
    first = await status(simulation)
    assert re.search(
        r"❌ \*\*Sonoran CAD\*\*: the CAD does not accept the API key \(HTTP 40[01]\)\n→ Correct SONORAN\\_API\\_KEY: ",
        first,
    )
    assert re.search(
        r"❌ \*\*requests\*\*: stopped <t:[0-9]+:R> for everything, .*: the CAD does not accept the API key", first
    )
    assert first.startswith("2 checks failed.")
    simulation.cad.key = right
    again = await status(simulation)
    assert "Next check of the CAD: <t:" in again
    assert "❌ **requests**: stopped" in again
    assert "accepts" not in again
    assert len(simulation.cad.requests_of("GET_VERSION")) == 2
    clock.t += 61
    assert "Requests: OK" in await status(simulation)
    assert " removed (server" in await remove(simulation)


async def test_refusal_replaces_an_earlier_good_probe(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(clock=clock)
    assert "accepts community" in await status(simulation)
    simulation.cad.key = "another-key"
    await remove(simulation)
    text = await status(simulation)
    assert "accepts" not in text
    assert "❌ **Sonoran CAD**: the CAD does not accept the API key" in text
    assert "→ Correct SONORAN\\_API\\_KEY: " in text


async def test_worst_finding_comes_first(simulation: Simulation) -> None:
    simulation.cad.plan = Plan.STARTER
    signs = [line[0] for line in (await status(simulation)).splitlines()[1:] if line[0] in "✅⚠❌"]
    assert signs == sorted(signs, key="❌⚠✅".index)
    assert signs[0] == "❌"


async def test_unreachable_discord_is_one_failed_finding(simulation: Simulation) -> None:
    simulation.env.inject_error("GET", "/oauth2/applications/@me", status=403, code=50001)
    text = await status(simulation)
    assert "❌ **Discord**: it refuses: the bot lacks access (code 50001)" in text
    assert "Sonoran CAD: 127.0.0.1 accepts" in text


async def test_markup_in_names_is_escaped(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation()
    foreign = simulation.env.create_guild("**Bold** [link](https://x.invalid)")
    foreign.create_text_channel("general")
    await simulation.env.settle()
    assert "\\*\\*Bold\\*\\*" in await status(simulation)


async def test_start_logs_what_is_not_ok(simulation: Simulation, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    fresh = CadBot(
        replace(simulation.bot.settings, audit_channel_id=10**17 + 7),
        simulation.client,
        simulation.journal,
        simulation.call_cache,
    )
    await simulation.env.restart_bot(fresh)
    (line,) = [record for record in caplog.records if "audit channel" in record.getMessage()]
    assert line.levelno == logging.ERROR
    assert line.getMessage() == (
        f"audit channel: {10**17 + 7} is not there, or the bot may not see it. "
        "Correct AUDIT_CHANNEL_ID, or let the bot see the channel"
    )
    await fresh.on_ready()  # a reconnection is no start
    assert caplog.text.count("audit channel") == 1


async def test_rate_limited_probe_is_shown_as_deferred(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(
        clock=clock, api=v2, cad=FakeCad(limits_per_minute={"GET_VERSION": 1}, minute_seconds=900)
    )
    assert "it is busy and takes no more for now (HTTP 429)" in await status(simulation)
    clock.t += 120
    text = await status(simulation)
    assert "Next check of the CAD: <t:" in text
    assert "minute ago" not in text


async def test_read_only_journal_is_not_reported_as_writable(simulation: Simulation) -> None:
    await remove(simulation)
    await simulation.journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(simulation.bot.settings.database_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = await status(simulation)
    assert "❌ **journal**: it can't be used (database is locked)" in text
    assert "writable" not in text
