"""Why Discord could not be used: `run`'s log and `check` name the same cause, over real HTTP and TLS."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import discord
import discord.http
import pytest
from yarl import URL

from bot.cad.models import Account
from bot.health.check import EXIT_FAILED, Check
from bot.health.discord_failure import explain
from bot.runner import run_bot
from bot.sandbox.simulation import settings_for
from tests.support.clocks import InstantClock, until
from tests.support.faulty_server import http, responding, serve
from tests.support.settings import KEY

pytestmark = pytest.mark.usefixtures("own_folder")

ACCOUNT = Account(URL("http://127.0.0.1:9"), "ours", KEY)
CLOUDFLARE = http("429 Too Many Requests", b"error code: 1015", "Retry-After: 47", "Content-Type: text/html")


@dataclass
class Case:
    raw: bytes
    told: str
    remedy: str
    pause: int = 5
    tls: bool = False


CASES = {
    "turned away": Case(
        CLOUDFLARE, "it turns this address away for 47 s (HTTP 429)", "On a shared host, ask the host", 47
    ),
    "outage": Case(http("503 Service Unavailable"), "it answers with an error (HTTP 503)", "discordstatus.com"),
    "edge": Case(http("403 Forbidden", b"<html>"), "it refuses this machine (HTTP 403)", "from another network"),
    "certificate": Case(b"", "this machine does not trust its certificate", "Set this machine's clock", tls=True),
    "silent end": Case(b"", "the connection broke (ServerDisconnectedError)", "Look at this machine's network"),
}


@asynccontextmanager
async def discord_at(case: Case, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    serving: AbstractAsyncContextManager[Account] = serve(responding(case.raw), tls if case.tls else None)
    async with serving as account:
        monkeypatch.setattr(discord.http.Route, "BASE", str(account.url).rstrip("/"))
        yield


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_log_names_the_cause_and_waits_as_long_as_discord_asks(
    case: Case, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """https://github.com/Rapptz/discord.py/issues/9860, https://github.com/Zero6992/chatGPT-discord-bot/issues/95"""
    stop = asyncio.Event()
    async with discord_at(case, tls, monkeypatch):
        running = asyncio.create_task(run_bot(settings_for(ACCOUNT, (1,)), stop))
        await until(lambda: "next try in" in caplog.text, 20)
        stop.set()
        assert await running == 0
    (line,) = [one.getMessage() for one in caplog.records if "next try" in one.getMessage()]
    assert re.fullmatch(rf"Discord: .*{re.escape(case.told)}; next try in {case.pause} s\. .*", line)
    assert case.remedy in line
    assert "can't be reached" not in line


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_check_names_the_same_cause(
    case: Case, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines: list[str] = []
    async with discord_at(case, tls, monkeypatch):
        checking = Check(lines.append, tmp_path / ".env", InstantClock())
        assert await checking.run(settings_for(ACCOUNT, (1,)), ("remove911",)) == EXIT_FAILED
    shown = " ".join("\n".join(lines).split())
    assert case.told in shown
    assert case.remedy in shown


async def test_check_whose_time_is_up_names_what_discord_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """discord.py tries a 502 again by itself, for longer than `check` waits."""
    monkeypatch.setattr("bot.health.check.DISCORD_TIMEOUT", 0.5)
    lines: list[str] = []
    async with serve(responding(http("502 Bad Gateway"))) as account:
        monkeypatch.setattr(discord.http.Route, "BASE", str(account.url).rstrip("/"))
        await Check(lines.append, tmp_path / ".env", InstantClock()).run(settings_for(ACCOUNT, (1,)), ())
    assert "it answers with an error (HTTP 502)" in "\n".join(lines)


async def test_name_that_is_not_found_is_not_called_a_firewall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", "http://discord.invalid")
    lines: list[str] = []
    await Check(lines.append, tmp_path / ".env", InstantClock()).run(settings_for(ACCOUNT, (1,)), ())
    shown = " ".join("\n".join(lines).split())
    assert "FAIL Discord its name can't be looked up -> Look at this machine's DNS" in shown


def test_unknown_error_shows_its_type_and_not_its_text() -> None:
    assert explain(ValueError("planted secret")).state == "it sent an unusable answer (ValueError)"
