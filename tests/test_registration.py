"""Registering the commands, over real HTTP: what Discord refuses is tried again, and the log says what to do."""

from __future__ import annotations

import pytest

from bot import registration
from tests.support.bot_in_process import lines, running_bot, tracebacks
from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord

pytestmark = pytest.mark.usefixtures("own_folder", "hurried")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(registration, "MAX_PAUSE", 0.02)


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (503, 0, "it answers with an error (HTTP 503); next try in 0 s. discordstatus.com tells of outages"),
        (400, 20012, "it refuses (code 20012: injected by the test); next try in 0 s. Look up the code"),
        (403, 50001, "the bot lacks access (code 50001); next try in 0 s. Invite the bot again with both scopes"),
    ],
)
async def test_refused_registration_is_tried_again_until_it_succeeds(
    status: int, code: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """https://github.com/Rapptz/discord.py/issues/9439"""
    fake = FakeDiscord()
    fake.failing["/commands"] = (status, code)
    async with running_bot(fake):
        await until(lambda: len(lines(caplog, "could not be registered in Los Santos")) >= 3, 20)
        assert told in lines(caplog, "could not be registered in Los Santos")[0]
        assert ("Invite" in caplog.text) == (code == 50001)
        fake.failing.clear()
        await until(lambda: bool(lines(caplog, "registered /remove911")), 20)
    assert tracebacks(caplog) == []


async def test_daily_limit_says_to_wait_a_day_and_waits_long(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeDiscord()
    fake.failing["/guilds/"] = (400, 30034)
    async with running_bot(fake):
        await until(lambda: bool(lines(caplog, "could not be registered in Los Santos")), 20)
    assert (
        "Discord: it takes no more new commands today (code 30034); next try in 3600 s. "
        "Nothing to do: it takes them again in a day"
    ) in caplog.text


async def test_stale_global_commands_are_cleared_except_an_entry_point(caplog: pytest.LogCaptureFixture) -> None:
    """https://github.com/Pycord-Development/pycord/pull/3276"""
    fake = FakeDiscord()
    fake.global_commands = [
        {"id": str(n), "name": name, "type": n} for n, name in ((1, "old"), (4, "launch"), (3, "x"))
    ]
    async with running_bot(fake):
        await until(lambda: [one["name"] for one in fake.global_commands] == ["launch"], 20)
        await until(lambda: bool(lines(caplog, "the global command launch starts an Activity, and stays")), 20)
    assert not lines(caplog, "could not be cleared")
