"""The bot's process is killed in the middle of a removal, and the next one finds an end for it."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from math import inf
from pathlib import Path

import pytest

from bot.cad.model import CallRef, Plan
from bot.sandbox.cad import LoopbackCad
from tests.clocks import until
from tests.discord_stand_in import StandIn
from tests.test_main import ROOT

CALL = CallRef(1, 302)


@asynccontextmanager
async def bot(
    stand_in: StandIn, cad: str, journal: Path, die: str = "", version: str = "v1"
) -> AsyncIterator[asyncio.subprocess.Process]:
    async with stand_in.serving() as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.our_bot", address, cad, str(journal), version, die,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"READY\n"
            await until(lambda: any(method == "PUT" for method, _, _ in stand_in.sent))
            yield process
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def rows(journal: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(journal)) as db:
        return db.execute("SELECT call_id, sent_at IS NOT NULL, outcome, token FROM entries ORDER BY number").fetchall()


def answers(stand_in: StandIn) -> list[str]:
    return [
        body["content"] for method, path, body in stand_in.sent if method == "PATCH" and path.endswith("/@original")
    ]


NOT_SENT = "❌ Call **302** on server **1** was **not removed**. The bot was restarted"
UNKNOWN = "⚠️ Call **302** on server **1**: it is **not known** whether it was removed. The bot was restarted"
GONE = "☑️ Call **302** on server **1** is not there. No clear answer came"
REMOVED = "✅ Call **302** on server **1** was removed."


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("die", "plan", "seconds", "sent", "outcome", "reads"),
    [
        pytest.param("after asked", Plan.PLUS, 0, 0, "not sent", NOT_SENT, id="asked, and waiting in the line"),
        pytest.param("before sent", Plan.PLUS, 0, 0, "not sent", NOT_SENT, id="its turn has come"),
        pytest.param("after sent", Plan.PLUS, 0, 0, "unknown", UNKNOWN, id="about to be sent, on Plus"),
        pytest.param("after sent", Plan.STANDARD, 0, 0, "unknown", UNKNOWN, id="about to be sent"),
        pytest.param("on the wire", Plan.PLUS, inf, 1, "already gone", GONE, id="on the wire, on Plus"),
        pytest.param("on the wire", Plan.STANDARD, inf, 1, "unknown", UNKNOWN, id="on the wire"),
        pytest.param("before ended", Plan.PLUS, 0, 1, "already gone", GONE, id="the CAD has answered, on Plus"),
        pytest.param("before ended", Plan.STANDARD, 0, 1, "unknown", UNKNOWN, id="the CAD has answered"),
        pytest.param("after ended", Plan.STANDARD, 0, 1, "removed", REMOVED, id="ended, and not told yet"),
    ],
)
async def test_killed(
    tmp_path: Path, version: str, die: str, plan: Plan, seconds: float, sent: int, outcome: str, reads: str
) -> None:
    journal = tmp_path / "journal.db"
    cad = LoopbackCad(community_id="ours", key="planted-key", plan=plan, seconds={CALL: seconds})
    async with cad.serving() as account:
        before = StandIn()
        async with bot(before, str(account.url), journal, "" if die == "on the wire" else die, version) as process:
            await before.command("remove911", call_id=302, server_id=1)
            if die == "on the wire":
                await until(lambda: len(cad.asked_for("REMOVE_911")) == 1)
                process.kill()
            assert await process.wait() == -signal.SIGKILL
        assert answers(before) == []
        assert [(call, token) for call, _, _, token in rows(journal)] == [(302, "interaction-token")]
        after = StandIn()
        async with bot(after, str(account.url), journal, version=version):
            await until(lambda: bool(answers(after)))
            await until(lambda: rows(journal) == [(302, outcome != "not sent", outcome, None)])
    (answer,) = answers(after)
    assert answer.startswith(reads)
    assert len(cad.asked_for("REMOVE_911")) == sent  # nothing is sent a second time
    assert cad.asked_for("GET_CALLS") == [] or plan is Plan.PLUS
    assert all(path.startswith("/v2/") == (version == "v2") for path, _ in cad.requests)


async def test_a_reply_that_is_too_old_is_not_edited_but_its_entry_ends(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    cad = LoopbackCad(community_id="ours", key="planted-key")
    async with cad.serving() as account:
        before = StandIn()
        async with bot(before, str(account.url), journal, "after asked") as process:
            await before.command("remove911", call_id=302, server_id=1)
            await process.wait()
        with closing(sqlite3.connect(journal)) as db, db:
            db.execute("UPDATE entries SET asked_at = asked_at - 901")
        after = StandIn()
        async with bot(after, str(account.url), journal):
            await until(lambda: rows(journal) == [(302, 0, "not sent", None)])
    assert answers(after) == []


async def test_an_answer_is_not_lost_with_a_connection_that_breaks(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    cad = LoopbackCad(community_id="ours", key="planted-key")
    discord = StandIn()
    discord.breaking = 1
    async with cad.serving() as account, bot(discord, str(account.url), journal):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: bool(answers(discord)))
        await until(lambda: rows(journal) == [(302, 1, "removed", None)])
    (answer,) = answers(discord)
    assert answer.startswith(REMOVED)


async def test_an_answer_that_discord_did_not_take_is_given_again_later(tmp_path: Path) -> None:
    """The three tries of the command itself meet a connection that breaks."""
    journal = tmp_path / "journal.db"
    cad = LoopbackCad(community_id="ours", key="planted-key")
    discord = StandIn()
    discord.breaking = 3
    async with cad.serving() as account, bot(discord, str(account.url), journal):
        await discord.command("remove911", call_id=302, server_id=1)
        await until(lambda: rows(journal) == [(302, 1, "removed", None)], 15)
    assert answers(discord)[-1].startswith(REMOVED)
    assert len(cad.asked_for("REMOVE_911")) == 1


async def test_a_second_process_says_so_and_ends_with_2(tmp_path: Path) -> None:
    cad = LoopbackCad(community_id="ours", key="planted-key")
    first, second = StandIn(), StandIn()
    journal = tmp_path / "journal.db"
    async with cad.serving() as account, bot(first, str(account.url), journal), second.serving() as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.our_bot", address, str(account.url), str(journal), cwd=ROOT
        )
        await process.wait()
    assert process.returncode == 2
    assert second.sent == []
