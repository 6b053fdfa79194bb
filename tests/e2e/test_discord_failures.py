"""Discord loses an answer, gives an odd one, or is away: the dispatcher still gets a true reply."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.cad.models import CallRef
from bot.messages import refusals
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord
from tests.support.running_bot import entries, replies, run_bot

REMOVED = "✅ Call **302** removed (server **1**)."


@pytest.fixture
def cad() -> FakeCad:
    return FakeCad(community_id="ours", key="planted-key")


@pytest.mark.parametrize("callbacks", [["lost"], ["taken"], ["lost", "taken"], ["lost", "lost", "taken"], ["slow"]])
async def test_acknowledgement_that_is_slow_or_whose_connection_breaks_comes_through(
    tmp_path: Path, cad: FakeCad, callbacks: list[str]
) -> None:
    discord = FakeDiscord()
    discord.callbacks = callbacks
    async with cad.serving() as account, run_bot(discord, str(account.url), tmp_path / "journal.db"):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: bool(replies(discord)), 15)
    assert replies(discord)[0].startswith(REMOVED)
    assert len(cad.requests_of("REMOVE_911")) == 1


async def test_acknowledgement_that_never_comes_through_sends_nothing_and_says_so(tmp_path: Path, cad: FakeCad) -> None:
    discord = FakeDiscord()
    discord.callbacks = ["lost"] * 50
    async with cad.serving() as account, run_bot(discord, str(account.url), tmp_path / "journal.db"):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: bool(replies(discord)), 15)
    assert replies(discord) == [refusals.NOT_ACKNOWLEDGED]
    assert cad.requests_of("REMOVE_911") == []


async def test_command_that_another_copy_acknowledged_sends_nothing_and_says_so(tmp_path: Path, cad: FakeCad) -> None:
    discord = FakeDiscord()
    async with cad.serving() as account, run_bot(discord, str(account.url), tmp_path / "journal.db"):
        discord.acknowledge_elsewhere()
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: any(method == "POST" and "/webhooks/" in path for method, path, _ in discord.sent), 15)
    (said,) = [body["content"] for method, path, body in discord.sent if method == "POST" and "/webhooks/" in path]
    assert said == refusals.ACKNOWLEDGED_ELSEWHERE
    assert replies(discord) == []  # an edit could overwrite the other copy's result
    assert cad.requests_of("REMOVE_911") == []


async def test_odd_answer_to_the_reply_breaks_nothing_and_the_reply_is_repeated(tmp_path: Path, cad: FakeCad) -> None:
    discord = FakeDiscord()
    discord.odd = {"@original": "upstream connect error or disconnect/reset before headers"}
    journal = tmp_path / "journal.db"
    async with cad.serving() as account, run_bot(discord, str(account.url), journal):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: len(replies(discord)) >= 3, 15)
        discord.odd = {}
        await until(lambda: entries(journal) == [(302, 1, "removed", None)], 15)
    assert all(reply.startswith(REMOVED) for reply in replies(discord))


async def test_reply_that_no_entry_of_the_journal_has_is_sent_again(tmp_path: Path, cad: FakeCad) -> None:
    """The journal can't be opened, so the refusal is in no row; and the connection breaks three times."""
    (tmp_path / "journal.db").write_bytes(b"no database\n" * 400)
    discord = FakeDiscord()
    discord.breaking = 3
    async with cad.serving() as account, run_bot(discord, str(account.url), tmp_path / "journal.db"):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: bool(replies(discord)), 15)
    assert "the bot can't write its journal" in replies(discord)[0]
    assert CallRef(1, 302) in cad.calls


async def test_look_up_whose_answer_discord_does_not_take_does_not_stay_at_thinking(
    tmp_path: Path, cad: FakeCad
) -> None:
    discord = FakeDiscord()
    discord.breaking = 3
    async with cad.serving() as account, run_bot(discord, str(account.url), tmp_path / "journal.db"):
        await discord.command("calls911", server_id=1)
        await until(lambda: bool(replies(discord)), 15)
    assert replies(discord) == [refusals.NOT_SHOWN]


async def test_command_that_the_gateway_delivers_twice_is_done_once(tmp_path: Path, cad: FakeCad) -> None:
    """The answer to the second acknowledgement is lost too, so that it looks like the first one's."""
    discord = FakeDiscord()
    discord.callbacks = ["", "taken", "taken"]
    async with cad.serving() as account, run_bot(discord, str(account.url), tmp_path / "journal.db") as process:
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: bool(replies(discord)), 15)
        await discord.command("remove911", call_id=302, server_id=1)
        assert process.stderr is not None
        async with asyncio.timeout(15):
            while b"twice" not in await process.stderr.readline():
                pass
    assert replies(discord) == [REMOVED]
    assert len(cad.requests_of("REMOVE_911")) == 1
