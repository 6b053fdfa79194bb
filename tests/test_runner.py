"""The runner: a refused token, a missing network, a stop and a crash."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord.gateway
import discord.http
import pytest
from aiohttp import web
from yarl import URL

from bot.cad.models import Account
from bot.config.errors import BAD_SETTINGS
from bot.runner import run_bot, run_until_stopped
from bot.sandbox.simulation import settings_for
from tests.support.fake_discord import FakeDiscord
from tests.support.faulty_server import serve
from tests.support.settings import KEY

pytestmark = pytest.mark.usefixtures("own_folder")


@asynccontextmanager
async def discord_that_responds(status: int, body: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Discord's REST side on this machine, to which a real log-in goes."""
    asked: list[str] = []

    async def respond(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield asked
    finally:
        await runner.cleanup()


ACCOUNT = Account(URL("https://cad.invalid"), "ours", KEY)


async def test_refused_token_exits_with_2(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async with discord_that_responds(401, {"message": "401: Unauthorized", "code": 0}, monkeypatch) as asked:
        assert await run_bot(settings_for(ACCOUNT, (1,)), asyncio.Event()) == BAD_SETTINGS
    assert asked == ["/users/@me"]
    assert "Discord refused DISCORD_TOKEN" in caplog.text


async def test_token_refused_by_the_gateway_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeDiscord(refuse_with=4004).serving() as address:
        monkeypatch.setattr(discord.http.Route, "BASE", address)
        gateway = URL(address).with_scheme("ws") / "gateway"
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        assert await run_bot(settings_for(ACCOUNT, (1,)), asyncio.Event()) == BAD_SETTINGS
    assert "Discord refused DISCORD_TOKEN" in caplog.text


async def test_without_network_the_bot_keeps_trying_and_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with discord_that_responds(200, {}, monkeypatch):
        pass
    stop = asyncio.Event()
    running = asyncio.create_task(run_bot(settings_for(ACCOUNT, (1,)), stop))
    async with asyncio.timeout(10):
        while "Discord: it can't be reached; next try in 5 s" not in caplog.text:
            await asyncio.sleep(0.01)
    stop.set()
    assert await running == 0


async def test_stop_works_while_discord_does_not_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with serve(silent) as account:
        monkeypatch.setattr(discord.http.Route, "BASE", str(account.url).rstrip("/"))
        stop = asyncio.Event()
        running = asyncio.create_task(run_bot(settings_for(ACCOUNT, (1,)), stop))
        await arrived.wait()
        stop.set()
        async with asyncio.timeout(5):
            assert await running == 0


async def test_crash_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discord_that_responds(200, "no user", monkeypatch):
        with pytest.raises(TypeError):
            await run_bot(settings_for(ACCOUNT, (1,)), asyncio.Event())


def test_second_ctrl_c_while_the_process_ends_changes_nothing() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    async def work(stop: asyncio.Event) -> int:
        signal.raise_signal(signal.SIGINT)
        await stop.wait()
        return 0

    try:
        assert asyncio.run(run_until_stopped(work)) == 0
        signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
