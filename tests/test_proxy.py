"""HTTPS_PROXY: both sides are reached through it, over a real CONNECT, and what goes wrong with it is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord.gateway
import discord.http
import pytest
from yarl import URL

from bot.cad.client import CadClient
from bot.cad.models import Account, CallRef
from bot.cad.results import Outcome, Reason
from bot.health import host_checks
from bot.health.check import Check
from bot.proxy import configured_proxy, proxy_for, secrets
from bot.sandbox.simulation import settings_for
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock
from tests.support.faulty_server import http, read_request, serve
from tests.support.settings import KEY

CAD = Account(URL("https://cad.test"), "ours", KEY)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def proxy(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> AsyncIterator[list[str]]:
    """A proxy that answers every CONNECT like this. Yields what was asked for, and by whom."""
    asked: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, headers, _ = await read_request(reader)
        asked.append(f"{head} {headers.get('proxy-authorization', '')}")
        writer.write(answer)
        await writer.drain()

    async with serve(handle) as account:
        monkeypatch.setenv("HTTPS_PROXY", str(account.url.with_user("dana").with_password("planted-password")))
        yield asked


AS_DANA = "HTTP/1.1 Basic ZGFuYTpwbGFudGVkLXBhc3N3b3Jk"


async def test_both_sides_use_the_proxy_and_its_refusal_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """https://github.com/anthropics/claude-plugins-official/issues/1423: it was set, and ignored without a word."""
    monkeypatch.setattr(discord.http.Route, "BASE", "https://discord.test/api")
    lines: list[str] = []
    async with proxy(monkeypatch, http("407 Proxy Authentication Required")) as asked:
        checking = Check(lines.append, tmp_path / ".env", InstantClock())
        await checking.run(settings_for(CAD, (1,)), ())
    assert set(asked) == {f"CONNECT discord.test:443 {AS_DANA}", f"CONNECT cad.test:443 {AS_DANA}"}
    shown = " ".join("\n".join(lines).split())
    assert "ok proxy Discord and the CAD are reached through http://127.0.0.1:" in shown
    assert "FAIL Discord the proxy refuses to connect to it (HTTP 407) -> Look at HTTPS_PROXY" in shown
    assert "FAIL Sonoran CAD it can't be reached" in shown
    assert "planted-password" not in shown


async def test_removal_that_the_proxy_refuses_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy(monkeypatch, http("502 Bad Gateway")) as asked, CadClient(CAD, clock=InstantClock()) as client:
        result = await remove_and_wait(client, CallRef(1, 302))
    assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.NO_CONNECTION)
    assert asked


@pytest.mark.parametrize(
    ("url", "no_proxy", "used"),
    [
        ("https://cad.test", "", True),
        ("https://cad.test", "cad.test", False),
        ("https://api.cad.test", ".cad.test,other", False),
        ("https://cad.test", "*", False),
        ("http://127.0.0.1:8080", "", False),
        ("http://localhost:8080", "", False),
        ("http://[::1]:8080", "", False),
    ],
)
def test_no_proxy_and_this_machine_are_left_out(
    url: str, no_proxy: str, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    found = proxy_for(URL(url))
    assert (found is not None) == used
    assert found is None or str(found.address) == "http://proxy.example:3128"


@pytest.mark.parametrize("written", ["socks5://127.0.0.1:1080", "http://[", "http://:99999"])
def test_proxy_that_can_not_be_used_is_named(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", written)
    assert proxy_for(CAD.url) is None
    (finding,) = host_checks.check_proxy()
    assert "so the bot goes without it" in finding.state


def test_password_of_the_proxy_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secrets() == ()
    monkeypatch.setenv("HTTPS_PROXY", "http://dana:planted-password@proxy.example:3128")
    assert secrets() == ("planted-password",)
    assert "planted-password" not in repr(configured_proxy())


@pytest.mark.parametrize(
    "written",
    [
        "http://user:12345#secret@proxy:3128",
        "http://user:12345?secret@proxy:3128",
        "http://user:p@ssw0rd/x@proxy:3128",
        "http://user:123@45/@proxy",
        r"http://user:pa\ssword@proxy:3128",
        "http://user:pa[ssword@proxy:3128",
        "http:/user:password@proxy",
        "//user:password@proxy:3128",
        "user:p://x@proxy:3128",
        "http://user:password",
        "http://proxy:3128/?token=abcdef",
    ],
)
def test_address_that_can_not_be_read_is_a_secret_as_a_whole(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", written)
    (finding,) = host_checks.check_proxy()
    assert finding.state == "HTTPS_PROXY can't be read (its value is not shown), so the bot goes without it"
    assert secrets() == (written,)
    assert proxy_for(CAD.url) is None


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ("http://dana:p@ssw0rd@proxy:3128/", "p@ssw0rd"),
        ("http://dana:p%40ssw0rd@proxy:3128", "p@ssw0rd"),
        ("dana:planted-password@proxy:3128", "planted-password"),
        ("http://planted-access-token@proxy:3128", "planted-access-token"),
    ],
)
def test_address_that_can_be_read_shows_only_the_host(
    written: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", written)
    (finding,) = host_checks.check_proxy()
    assert finding.state == "Discord and the CAD are reached through http://proxy:3128 (HTTPS_PROXY)"
    assert secrets() == (secret,)


@pytest.mark.parametrize("written", ["http://[", "https://[", "/", "@"])
def test_what_stands_in_every_log_line_is_no_secret(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", written)
    assert secrets() == ()
