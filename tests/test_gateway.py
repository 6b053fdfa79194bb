"""The connection to Discord's gateway, over a real websocket: it comes back from every failure."""

from __future__ import annotations

import asyncio

import discord
import discord.gateway
import pytest
from discord.ext import commands
from discord.gateway import ReconnectWebSocket

from bot import gateway
from bot.cad.models import CallRef
from bot.gateway import MAX_LOGIN_PAUSE, MAX_PAUSE, Gateway
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.bot_in_process import NOWHERE, lines, running_bot, tracebacks
from tests.support.clocks import ManualClock, until
from tests.support.fake_discord import FakeDiscord
from tests.support.settings import KEY

pytestmark = pytest.mark.usefixtures("own_folder", "hurried")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("503", "it answers with an error (HTTP 503)"),
        ("silent", "it did not answer in time"),
        ("no hello", "it did not answer in time"),
        ("no ready", "it did not answer in time"),
        ("garbage", "it sent an unusable answer (JSONDecodeError)"),
        ("shut", "it can't be reached"),
    ],
)
async def test_first_connection_that_fails_is_tried_again_until_the_gateway_returns(
    fault: str, told: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://github.com/Rapptz/discord.py/issues/10520"""
    fake = FakeDiscord()
    fake.gateway = fault
    async with running_bot(fake) as running:
        there = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
        if fault == "shut":
            monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", NOWHERE)
        await until(lambda: len(lines(caplog, f"Discord's gateway: {told}; next try in ")) >= 2, 20)
        assert not running.done()
        assert not fake.identified.is_set()
        fake.gateway = ""
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", there)
        await until(fake.identified.is_set, 20)
        await until(lambda: bool(lines(caplog, "connected to Discord again")), 20)
    assert tracebacks(caplog) == []


@pytest.mark.parametrize(
    ("resumes", "resume_url", "tried"),
    [
        pytest.param("resumed", None, ["connect", "resume"], id="resumed"),
        pytest.param("invalid", None, ["connect", "resume", "connect", "identify"], id="invalid"),
        pytest.param("", None, ["connect", "resume"] * 3 + ["connect", "identify"], id="no answer"),
        pytest.param("", str(NOWHERE), ["connect", "identify"], id="dead address"),
    ],
)
async def test_lost_connection_is_resumed_or_begun_anew_and_removes_calls(
    resumes: str, resume_url: str | None, tried: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    fake, cad = FakeDiscord(), FakeCad(community_id="ours", key=KEY)
    fake.resumes, fake.resume_url = resumes, resume_url
    async with cad.serving() as account, running_bot(fake, account):
        await until(lambda: any(method == "PUT" for method, _, _ in fake.sent), 20)
        assert fake.attempts == ["connect", "identify"]
        await fake.drop()
        await until(lambda: fake.attempts[2:] == tried, 20)
        await until(lambda: bool(lines(caplog, "connected to Discord again")), 20)
        await fake.command("remove911", call_id=302, server_id=1)
        await until(lambda: CallRef(1, 302) not in cad.calls, 20)
        await until(lambda: any(path.endswith("/@original") for _, path, _ in fake.sent), 20)
    assert tracebacks(caplog) == []
    assert lines(caplog, "Discord's gateway: it ended the connection; next try in 0 s. The bot goes on by itself")


async def test_close_code_that_says_update_the_bot_is_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    async with running_bot(FakeDiscord(refuse_with=4012)) as running:
        await until(lambda: len(lines(caplog, "it no longer speaks this bot's version of the API (code 4012)")) >= 2)
        assert not running.done()
    assert tracebacks(caplog) == []


async def test_no_thread_and_no_connection_is_left_after_failed_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway, "READY_TIMEOUT", 0.1)
    fake = FakeDiscord()
    fake.gateway = "no ready"
    async with running_bot(fake):
        await until(lambda: len(fake.attempts) >= 20, 20)
        assert sum(not socket.closed for socket in fake._sockets) <= 1


class TestPauses:
    @pytest.fixture
    def ours(self, monkeypatch: pytest.MonkeyPatch) -> Gateway:
        for name, value in (("FIRST_PAUSE", 5.0), ("MAX_PAUSE", MAX_PAUSE), ("MAX_LOGIN_PAUSE", MAX_LOGIN_PAUSE)):
            monkeypatch.setattr(gateway, name, value)
        return Gateway(commands.Bot((), intents=discord.Intents.none()), ManualClock())

    async def test_pauses_grow_and_stay_below_a_minute(self, ours: Gateway) -> None:
        pauses = [ours._next_pause(OSError()) for _ in range(40)]
        assert 5.0 <= pauses[0] <= 6.0
        assert pauses[0] < pauses[1] < pauses[2]
        assert all(45 <= pause < 60 for pause in pauses[5:])

    async def test_log_in_that_comes_as_its_time_is_up_raises_nothing(self, ours: Gateway) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0) as ours._deadline:
                await asyncio.sleep(1)
        await ours._on_established()
        assert ours._established is None

    async def test_log_ins_stay_below_discords_thousand_a_day(self, ours: Gateway) -> None:
        ours._logged_in = True
        day = 0.0
        for _ in range(1000):
            pause = ours._next_pause(ReconnectWebSocket(None, resume=False))
            assert pause <= 120
            day += pause
        assert day > 86_400

    async def test_connection_that_held_for_a_minute_makes_the_next_failure_a_first_one(self, ours: Gateway) -> None:
        for _ in range(10):
            ours._next_pause(OSError())
        ours._established = -60.0
        assert ours._next_pause(ReconnectWebSocket(None)) <= 1.0
        ours._established = None
        assert ours._next_pause(OSError()) <= 12.0
