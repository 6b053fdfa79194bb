"""/cad911 status: what admins read of the bot from inside, and what a start writes to the log."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import discord.gateway
import discord.http
import pytest
import simcord
from yarl import URL

from bot import __version__
from bot.app import CadBot
from bot.cad import v2
from bot.cad.client import CadClient
from bot.cad.models import Plan
from bot.health import report
from bot.health.status import StatusReport
from bot.journal.store import Journal
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation, settings_for
from tests.support.clocks import InstantClock
from tests.support.discord_address import connect_to
from tests.support.fake_discord import CHANNEL, GUILD, ROLE, FakeDiscord
from tests.support.simulation import KEY, OpenSimulation, remove, settle_until


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


async def test_rate_limited_probe_is_not_known(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(
        clock=clock, api=v2, cad=FakeCad(limits_per_minute={"GET_VERSION": 1}, minute_seconds=900)
    )
    assert "it is busy and takes no more for now (HTTP 429)" in await status(simulation)
    clock.t += 120
    text = await status(simulation)
    assert "❔ **Sonoran CAD**: it is busy and takes no more for now" in text
    assert "⚠️ **requests**: the CAD is busy, so these wait. Next: look-ups of the plan <t:" in text
    assert "accepts" not in text
    assert text.startswith("Not known whether it works: 1 check has no result.")


def busy(kind: str, seconds: float) -> FakeCad:
    """Return a CAD that had its last request of a kind just now, and takes one in so many seconds."""
    return FakeCad(limits_per_minute={kind: 1}, minute_seconds=seconds, recent_requests={kind: [time.monotonic()]})


async def test_plan_that_was_refused_since_the_start_is_not_in_order(make_simulation: OpenSimulation) -> None:
    cad = busy("GET_VERSION", 900)
    simulation = await make_simulation(api=v2, cad=cad)
    await settle_until(simulation, lambda: bool(simulation.client.held_until()))
    for _ in range(2):
        text = await status(simulation)
        assert text.startswith("Not known whether it works: ")
        assert "❔ **Sonoran CAD**: it is busy" in text or "❔ **Sonoran CAD**: not known" in text
        assert "Requests: OK" not in text


async def test_removals_that_a_busy_cad_holds_are_not_ok(make_simulation: OpenSimulation) -> None:
    cad = busy("REMOVE_911", 900)
    simulation = await make_simulation(api=v2, cad=cad)
    until = round(simulation.bot.clock.wall()) + 900
    assert "busy" in await remove(simulation)
    text = await status(simulation)
    held = re.search(
        r"❌ \*\*requests\*\*: the CAD is busy, so these wait\. Next: removals <t:([0-9]+):R>\n→ Wait", text
    )
    assert held is not None
    assert abs(int(held[1]) - until) < 5
    assert "Requests: OK" not in text


@dataclass
class Admin:
    """Collects the status of a bot whose Discord can hang, in a hurry."""

    discord: FakeDiscord
    client: discord.Client
    report: StatusReport
    cad: FakeCad

    async def reads(self) -> str:
        findings = await self.report.collect(self.client, ("remove911",))
        return f"{report.summary(findings, '→')}\n{report.as_message(findings, [])}"


@pytest.fixture
async def admin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Admin]:
    monkeypatch.setattr(discord.http.Route, "BASE", "")  # is put back at the end
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL())
    for name, seconds in (("CAD_LIMIT", 1.0), ("DISCORD_LIMIT", 2.0), ("LIMIT", 3.0)):
        monkeypatch.setattr(f"bot.health.status.{name}", seconds)
    fake, cad = FakeDiscord(), FakeCad()
    async with fake.serving() as address, cad.serving() as account, CadClient(account, v2) as client:
        connect_to(address)
        settings = replace(settings_for(account, (int(ROLE),)), api_version="v2", audit_channel_id=int(CHANNEL))
        async with Journal(tmp_path / "j.db") as journal, discord.Client(intents=discord.Intents.none()) as bot:
            await bot.login("planted.discord.token")
            yield Admin(fake, bot, StatusReport(settings, client, journal), cad)


@pytest.mark.parametrize(
    ("path", "kept", "says"),
    [
        ("/oauth2/applications", [], "not known: no answer in time"),
        ("/users/@me/guilds", ["Application: remove911"], "the rest is not known: no answer in time"),
        ("/commands", ["Application: remove911", "Server: Los Santos"], "the rest is not known: no answer in time"),
        (f"/channels/{CHANNEL}", ["Server: Los Santos", "**commands**"], "the rest is not known: no answer in time"),
    ],
)
async def test_discord_that_hangs_does_not_hold_the_status(admin: Admin, path: str, kept: list[str], says: str) -> None:
    admin.discord.odd[path] = ""
    async with asyncio.timeout(10):
        text = await admin.reads()
    assert text.startswith("Not known whether it works: 1 check has no result.")
    assert f"❔ **Discord**: {says}\n→ Run the check again" in text
    for line in (*kept, "Sonoran CAD: 127.0.0.1 accepts the key over API v2", "Requests: OK", "Journal: writable"):
        assert line in text


async def test_token_that_was_reset_since_the_start_is_named(admin: Admin) -> None:
    admin.discord.failing["/oauth2/applications"] = (401, 0)
    text = await admin.reads()
    assert "❌ **Discord**: it does not accept the token\n→ Developer Portal, Bot, Reset Token" in text


async def test_cad_that_is_late_does_not_hold_the_status_and_is_not_known_until_the_next_check(admin: Admin) -> None:
    since = busy("GET_VERSION", 60)
    admin.cad.limits_per_minute, admin.cad.recent_requests = since.limits_per_minute, since.recent_requests
    assert "❔ **Sonoran CAD**: it is busy" in await admin.reads()
    admin.report._cad._last_probe = float("-inf")  # as if a minute had passed
    async with asyncio.timeout(10):
        text = await admin.reads()
    assert "❔ **Sonoran CAD**: not known: no answer in time" in text
    assert f"Server: Los Santos ({GUILD})" in text
    text = await admin.reads()
    assert "❔ **Sonoran CAD**: not known: the last check has no result yet" in text
    assert "Next check of the CAD: <t:" in text


async def test_wrong_default_server_is_told_again_within_the_minute(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(
        settings=lambda account, roles: replace(settings_for(account, roles), default_server_id=9)
    )
    for _ in range(2):
        text = await status(simulation)
        assert text.startswith("1 check failed.")
        assert "❌ **default server**: the CAD has no server 9" in text


async def test_read_only_journal_is_not_reported_as_writable(simulation: Simulation) -> None:
    await remove(simulation)
    await simulation.journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(simulation.bot.settings.database_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = await status(simulation)
    assert "❌ **journal**: it can't be used (database is locked)" in text
    assert "writable" not in text
