"""A removal whose bot is killed halfway, or whose reply is lost, gets its outcome and its reply in the end."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from math import inf
from pathlib import Path

import pytest

from bot.cad.models import CallRef, Plan
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord
from tests.support.platforms import WINDOWS
from tests.support.processes import ROOT
from tests.support.running_bot import entries, replies, run_bot

CALL = CallRef(1, 302)
KILLED = {1, signal.SIGTERM} if WINDOWS else {-signal.SIGKILL}
"""The exit codes of a killed process: by Process.kill(), and by itself."""


NOT_SENT = "❌ Call **302** not removed (server **1**): the bot restarted before it sent the request."
UNKNOWN = "⚠️ Call **302** (server **1**): the bot restarted meanwhile. **Check the CAD**"
GONE = "☑️ No call **302** on server **1**: it is gone, or a number is wrong."
REMOVED = "✅ Call **302** removed (server **1**)."


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("killed", "plan", "delay", "sent", "outcome", "reads"),
    [
        pytest.param("after record", Plan.PLUS, 0, 0, "not sent", NOT_SENT, id="queued"),
        pytest.param("before mark_sent", Plan.PLUS, 0, 0, "not sent", NOT_SENT, id="slot reached"),
        pytest.param("after mark_sent", Plan.PLUS, 0, 0, "unknown", UNKNOWN, id="about to send, Plus"),
        pytest.param("after mark_sent", Plan.STANDARD, 0, 0, "unknown", UNKNOWN, id="about to send, Standard"),
        pytest.param("while sending", Plan.PLUS, inf, 1, "already gone", GONE, id="sent, no response, Plus"),
        pytest.param("while sending", Plan.STANDARD, inf, 1, "unknown", UNKNOWN, id="sent, no response, Standard"),
        pytest.param("before mark_ended", Plan.PLUS, 0, 1, "already gone", GONE, id="response received, Plus"),
        pytest.param("before mark_ended", Plan.STANDARD, 0, 1, "unknown", UNKNOWN, id="response received, Standard"),
        pytest.param("after mark_ended", Plan.STANDARD, 0, 1, "removed", REMOVED, id="ended, reply not sent"),
    ],
)
async def test_killed_bots_removal_gets_its_outcome_and_reply_after_the_restart(
    tmp_path: Path, version: str, killed: str, plan: Plan, delay: float, sent: int, outcome: str, reads: str
) -> None:
    journal = tmp_path / "journal.db"
    cad = FakeCad(community_id="ours", key="planted-key", plan=plan, delays={CALL: delay})
    async with cad.serving() as account:
        before = FakeDiscord()
        async with run_bot(
            before, str(account.url), journal, "" if killed == "while sending" else killed, version
        ) as process:
            await before.command("remove911", call_id=302, server_id=1)
            if killed == "while sending":
                await until(lambda: len(cad.requests_of("REMOVE_911")) == 1)
                process.kill()
            assert await process.wait() in KILLED
        assert replies(before) == []
        assert [(call, token) for call, _, _, token in entries(journal)] == [(302, "interaction-token")]
        after = FakeDiscord()
        async with run_bot(after, str(account.url), journal, version=version):
            await until(lambda: bool(replies(after)))
            await until(lambda: entries(journal) == [(302, outcome != "not sent", outcome, None)])
    (reply,) = replies(after)
    assert reply.startswith(reads)
    assert len(cad.requests_of("REMOVE_911")) == sent  # the restarted bot removes nothing
    assert cad.requests_of("GET_CALLS") == [] or plan is Plan.PLUS
    assert all(path.startswith("/v2/") == (version == "v2") for path, _ in cad.requests)


async def test_result_that_was_read_stays_although_the_journal_did_not_take_it_before_the_kill(tmp_path: Path) -> None:
    """The disk is full when the removal ends, and the process is killed. The list would say: already gone."""
    journal = tmp_path / "journal.db"
    cad = FakeCad(community_id="ours", key="planted-key", plan=Plan.PLUS)
    async with cad.serving() as account:
        before, after = FakeDiscord(), FakeDiscord()
        async with run_bot(before, str(account.url), journal, "before mark_ended") as process:
            await before.command("remove911", call_id=302, server_id=1)
            await process.wait()
        after.shown = REMOVED
        async with run_bot(after, str(account.url), journal):
            await until(lambda: entries(journal) == [(302, 1, "removed", None)])
    assert replies(after) == []
    assert cad.requests_of("GET_CALLS") == []


async def test_reply_whose_token_has_expired_is_given_up_and_its_entry_ends(tmp_path: Path) -> None:
    """Discord says so, and not the clock: that may have been set while the bot was down."""
    journal = tmp_path / "journal.db"
    cad = FakeCad(community_id="ours", key="planted-key")
    async with cad.serving() as account:
        before, after = FakeDiscord(), FakeDiscord()
        async with run_bot(before, str(account.url), journal, "after record") as process:
            await before.command("remove911", call_id=302, server_id=1)
            await process.wait()
        after.failing = {"@original": (401, 50027)}
        async with run_bot(after, str(account.url), journal):
            await until(lambda: entries(journal) == [(302, 0, "not sent", None)])


async def test_reply_is_delivered_after_a_restart_although_the_clock_was_set_meanwhile(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    cad = FakeCad(community_id="ours", key="planted-key")
    async with cad.serving() as account:
        before, after = FakeDiscord(), FakeDiscord()
        async with run_bot(before, str(account.url), journal, "after record") as process:
            await before.command("remove911", call_id=302, server_id=1)
            await process.wait()
        with closing(sqlite3.connect(journal)) as db, db:
            db.execute("UPDATE entries SET asked_at = asked_at - 3600")
        async with run_bot(after, str(account.url), journal):
            await until(lambda: entries(journal) == [(302, 0, "not sent", None)])
    assert replies(after)[0].startswith(NOT_SENT)


async def test_reply_arrives_although_the_connection_to_discord_breaks_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    cad = FakeCad(community_id="ours", key="planted-key")
    discord = FakeDiscord()
    discord.breaking = 1
    async with cad.serving() as account, run_bot(discord, str(account.url), journal):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: bool(replies(discord)))
        await until(lambda: entries(journal) == [(302, 1, "removed", None)])
    (reply,) = replies(discord)
    assert reply.startswith(REMOVED)


async def test_reply_is_sent_again_later_if_all_three_attempts_of_the_command_fail(tmp_path: Path) -> None:
    """The connection breaks three times."""
    journal = tmp_path / "journal.db"
    cad = FakeCad(community_id="ours", key="planted-key")
    discord = FakeDiscord()
    discord.breaking = 3
    async with cad.serving() as account, run_bot(discord, str(account.url), journal):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: entries(journal) == [(302, 1, "removed", None)], 15)
    assert replies(discord)[-1].startswith(REMOVED)
    assert len(cad.requests_of("REMOVE_911")) == 1


async def test_second_process_on_the_same_journal_exits_with_2_and_sends_nothing(tmp_path: Path) -> None:
    cad = FakeCad(community_id="ours", key="planted-key")
    first, second = FakeDiscord(), FakeDiscord()
    journal = tmp_path / "journal.db"
    async with cad.serving() as account, run_bot(first, str(account.url), journal), second.serving() as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.bot_process", address, str(account.url), str(journal), cwd=ROOT
        )
        await process.wait()
    assert process.returncode == 2
    assert second.sent == []
