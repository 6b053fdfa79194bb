"""Fixtures for all tests."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import discord.gateway
import discord.http
import pytest

from bot import gateway
from bot.cad.api import CadApi
from bot.cad.client import API_VERSIONS
from bot.sandbox.simulation import Simulation, open_simulation
from tests.support.bot_in_process import NOWHERE
from tests.support.clocks import InstantClock
from tests.support.platforms import WINDOWS
from tests.support.simulation import KEY, OpenSimulation


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test in an empty folder: by default, the bot keeps its journal in the current one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Restore logging after a test that configures it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    for name in ("bot", "cogs"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short, and the addresses of Discord are put back after the test."""
    monkeypatch.setattr(gateway, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(gateway, "MAX_PAUSE", 0.02)
    monkeypatch.setattr(gateway, "MAX_LOGIN_PAUSE", 0.02)
    monkeypatch.setattr(gateway, "READY_TIMEOUT", 1.0)
    monkeypatch.setattr(discord.http.Route, "BASE", "")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", NOWHERE)


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check after each test that no log record holds the CAD's key, before any filter and in tracebacks too."""
    caplog.set_level(logging.DEBUG)
    yield
    for when in ("setup", "call", "teardown"):
        for record in caplog.get_records(when):
            assert KEY not in caplog.handler.format(record)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests marked `both_api_versions` in both API versions, except those that choose a version themselves."""
    chooses = any("api" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    both = metafunc.definition.get_closest_marker("both_api_versions") is not None
    if "api" in metafunc.fixturenames and both and not chooses:
        metafunc.parametrize("api", tuple(API_VERSIONS), indirect=True)


@pytest.fixture
def api(request: pytest.FixtureRequest) -> CadApi:
    """The version of the CAD's API that a test runs in."""
    return API_VERSIONS[getattr(request, "param", "v1")]


@pytest.fixture
async def make_simulation(api: CadApi) -> AsyncIterator[OpenSimulation]:
    """Open simulations; check at the end that Discord got no secret and that the test has read every error."""
    finished = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def keep_open(opened: asyncio.Future[Simulation], options: dict[str, Any]) -> None:
        # In a task of its own: SimCord's clock must be closed in the context in which it was opened.
        async with open_simulation(check_errors=True, **options) as simulation:
            opened.set_result(simulation)
            await finished.wait()
            assert KEY not in str([(sent.path, sent.json) for sent in simulation.env.http_requests])

    async def make(**options: Any) -> Simulation:
        options.setdefault("api", api)
        options.setdefault("clock", InstantClock())  # waiting takes no time unless the test is about waiting
        opened: asyncio.Future[Simulation] = asyncio.get_running_loop().create_future()
        tasks.append(asyncio.create_task(keep_open(opened, options)))
        await asyncio.wait([opened, tasks[-1]], return_when=asyncio.FIRST_COMPLETED)
        return opened.result() if opened.done() else tasks[-1].result()  # type: ignore[return-value]

    yield make
    finished.set()
    for task in tasks:
        await task


@pytest.fixture
async def simulation(make_simulation: OpenSimulation) -> Simulation:
    return await make_simulation()


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """A server's TLS context with a certificate of an unknown authority."""
    try:
        import trustme  # noqa: PLC0415 - see below
    except ImportError:
        if WINDOWS:  # a real one loads it
            pytest.skip("Wine lacks a DLL that trustme's cryptography needs")
        raise
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
