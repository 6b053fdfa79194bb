"""The audit channel hears of every removal that ended, and loses nothing while it can't be written to."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import discord
import pytest

from bot.app import CadBot
from bot.cad.model import Answer, CallRef, EmergencyCall, End, Plan, Why
from bot.entries import CREATE, Asker
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.town import Town
from tests.clocks import until
from tests.conftest import OpenTown
from tests.test_remove911 import ask


def posts(town: Town) -> list[discord.Embed]:
    return [message.embeds[0] for message in sorted(town.audit_room.history(), key=lambda one: one.id)]


async def heard(town: Town, many: int) -> list[discord.Embed]:
    await until(lambda: len(posts(town)) >= many)
    return posts(town)


async def restart(town: Town) -> None:
    # SimCord lets the old bot's tasks live on, which a real process does not.
    if town.bot._audit is not None:
        await town.bot._audit.close(0)
    await town.env.restart_bot(CadBot(town.bot.settings, town.client, town.journal, town.board))


async def test_every_removal_that_ended_is_one_compact_embed(make_town: OpenTown) -> None:
    town = await make_town(audited=True)
    await ask(town)
    await ask(town, call_id=99)
    removed, gone = await heard(town, 2)
    assert removed.title == "✅ Call 302 on server 1: removed"
    assert removed.description is not None
    assert removed.description.startswith(f"<@{town.dispatcher.id}> asked by /remove911 <t:")
    assert removed.description.endswith(": confirmed (HTTP 200)")
    assert removed.footer.text == "Journal 1"
    assert gone.title == "☑️ Call 99 on server 1: already gone"
    (first, _) = [sent for sent in town.env.http_requests if sent.path == f"/channels/{town.audit_room.id}/messages"]
    assert first.json is not None
    assert first.json["allowed_mentions"] == {"parse": []}
    assert first.json["nonce"] == "1"
    assert first.json["enforce_nonce"] is True


async def test_without_an_audit_channel_nothing_waits_for_one(town: Town) -> None:
    await ask(town)
    assert await town.journal.unposted(10) == []


async def test_a_channel_that_refuses_fails_no_removal_and_loses_nothing(
    make_town: OpenTown, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.audit.PAUSE", 0.05)
    town = await make_town(audited=True)
    town.env.inject_error("POST", f"/channels/{town.audit_room.id}/messages", status=403, code=50013, times=3)
    assert "was removed" in await ask(town, call_id=301)
    assert "was removed" in await ask(town, call_id=302)
    assert [post.footer.text for post in await heard(town, 2)] == ["Journal 1", "Journal 2"]
    assert caplog.text.count("can't be written to") == 1
    await until(lambda: "can be written to again" in caplog.text)


async def test_what_could_not_be_posted_is_posted_after_a_restart(make_town: OpenTown) -> None:
    town = await make_town(audited=True)
    town.env.inject_error("POST", f"/channels/{town.audit_room.id}/messages", status=403, code=50013, times=1)
    await ask(town)
    assert posts(town) == []
    await restart(town)
    assert [post.footer.text for post in await heard(town, 1)] == ["Journal 1"]


async def test_what_an_earlier_run_left_over_is_heard_of(make_town: OpenTown) -> None:
    town = await make_town(audited=True)
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="/remove911")
    await town.journal.asked("before", CallRef(1, 301), asker)
    await restart(town)
    (post,) = await heard(town, 1)
    assert post.title == "❌ Call 301 on server 1: not sent"
    assert post.description is not None
    assert post.description.endswith(": restarted")


async def test_somebody_who_was_forgotten_is_not_named(make_town: OpenTown) -> None:
    town = await make_town(audited=True)
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="/remove911")
    number = await town.journal.asked("r", CallRef(1, 301), asker)
    await town.journal._write("UPDATE entries SET user_id = NULL")
    await town.journal.ended("r", Answer(End.REMOVED, Why.CONFIRMED, status=200))
    (post,) = await heard(town, 1)
    assert number == 1
    assert post.description is not None
    assert post.description.startswith("somebody who was forgotten asked by")


# The journal's part in a removal, as people see it.


async def test_a_journal_that_can_not_be_written_refuses_the_removal(
    make_town: OpenTown, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database\n" * 400)
    town = await make_town(journal=tmp_path / "journal.db")
    answer = await ask(town)
    assert answer.startswith("❌ Call **302** on server **1** was **not removed**. The bot could not write it down")
    assert "remove the call in the CAD" in answer
    assert town.cad.asked_for("REMOVE_911") == []
    assert CallRef(1, 302) in town.cad.calls
    assert "call 302 on server 1 is not removed: the journal can't be written" in caplog.text


class Locked:
    """Somebody else's lock on the journal's file, from one mark on."""

    def __init__(self, town: Town) -> None:
        self._path = town.bot.settings.database_path

    def take(self) -> None:
        self._other = sqlite3.connect(self._path, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def give_back(self) -> None:
        self._other.close()


async def test_what_can_not_be_marked_as_sent_is_not_sent(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.journal._open_db.execute_fetchall("PRAGMA busy_timeout = 20")
    lock, asked = Locked(town), town.journal.asked

    async def asked_then_locked(*given: object) -> int:
        number = await asked(*given)  # type: ignore[arg-type]
        lock.take()
        return number

    monkeypatch.setattr(town.journal, "asked", asked_then_locked)
    answer = await ask(town)
    lock.give_back()
    assert "was **not removed**. The bot could not write it down in its journal" in answer
    assert town.cad.asked_for("REMOVE_911") == []
    assert CallRef(1, 302) in town.cad.calls


async def test_an_outcome_that_can_not_be_written_is_still_told_and_stays_open(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await town.journal._open_db.execute_fetchall("PRAGMA busy_timeout = 20")
    lock, sent = Locked(town), town.journal.sent

    async def sent_then_locked(request: str) -> None:
        await sent(request)
        lock.take()

    monkeypatch.setattr(town.journal, "sent", sent_then_locked)
    assert (await ask(town)).startswith("✅ Call **302** on server **1** was removed.")
    lock.give_back()
    assert "ended as REMOVED (confirmed, HTTP 200), and the journal could not be written" in caplog.text
    (entry,) = await town.journal.left_open()
    assert entry.sent_at is not None


async def test_a_token_is_blank_once_the_answer_was_read(town: Town) -> None:
    await ask(town)
    with closing(sqlite3.connect(town.bot.settings.database_path)) as db:
        assert db.execute("SELECT token, outcome FROM entries").fetchall() == [(None, "removed")]


async def test_asking_again_is_answered_from_the_journal_after_a_restart_too(town: Town) -> None:
    await ask(town)
    await restart(town)
    assert "This bot removed it" in await ask(town)
    assert f"for <@{town.dispatcher.id}>" in await ask(town)
    assert len(town.cad.asked_for("REMOVE_911")) == 1
    assert town.env.errors == []


async def test_an_attempt_without_the_role_is_noted_at_most_once_a_minute(make_town: OpenTown) -> None:
    town = await make_town(audited=True)
    for _ in range(3):
        assert "You need the role" in await ask(town, who=town.civilian)
    await ask(town, who=town.administrator)
    await ask(town)
    first, second, removal = await heard(town, 3)
    assert first.title == second.title == "⛔ Refused: the role is missing"
    assert first.description is not None
    assert first.description.startswith(f"<@{town.civilian.id}> asked by /remove911")
    assert first.description.endswith("for call 302 on server 1")
    assert second.description is not None
    assert second.description.startswith(f"<@{town.administrator.id}>")
    assert removal.title == "✅ Call 302 on server 1: removed"
    assert len(town.cad.asked_for("REMOVE_911")) == 1


async def test_a_creation_that_was_left_over_is_not_known_and_not_looked_for(make_town: OpenTown) -> None:
    town = await make_town(audited=True, cad=LoopbackCad(plan=Plan.PLUS))
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="Re-create call")
    await town.journal.asked("sent", CallRef(1, 302), asker, CREATE)
    await town.journal.sent("sent")
    await restart(town)
    (post,) = await heard(town, 1)
    assert post.title == "⚠️ Call 302 on server 1: creating it again, unknown"
    assert town.cad.asked_for("GET_CALLS") == []
    assert town.cad.asked_for("CALL_911") == []


async def test_what_can_not_be_noted_creates_nothing(make_town: OpenTown) -> None:
    town = await make_town(cad=LoopbackCad(plan=Plan.PLUS))
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="Re-create call")
    call = EmergencyCall(CallRef(1, 302), True, "Ana", "Here", "Help", {}, None)
    db, town.journal._db = town.journal._db, None
    outcome = await town.bot.desk.recreate(call, asker)
    town.journal._db = db
    assert (outcome.answer.end, outcome.answer.why) == (End.NOT_SENT, Why.JOURNAL)
    assert town.cad.asked_for("CALL_911") == []


async def test_an_end_that_can_not_be_written_at_start_keeps_no_other_from_its_own(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="/remove911")
    for request, call in (("first", 301), ("second", 302)):
        await town.journal.asked(request, CallRef(1, call), asker)
    await town.journal._open_db.execute_fetchall("PRAGMA busy_timeout = 20")
    lock, ended = Locked(town), town.journal.ended

    async def ended_while_locked(request: str, answer: Answer) -> None:
        if request == "first":
            lock.take()
        try:
            await ended(request, answer)
        finally:
            lock.give_back()

    monkeypatch.setattr(town.journal, "ended", ended_while_locked)
    await restart(town)
    async with asyncio.timeout(5):
        while len(left := await town.journal.left_open()) == 2 or await town.env.settle():
            await asyncio.sleep(0.002)
    assert [entry.request for entry in left] == ["first"]
    await town.journal._tend()
    assert await town.journal.left_open() == []
