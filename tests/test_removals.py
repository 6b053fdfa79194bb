"""The desk with a journal on a real file: who shares a request when not everybody can be noted."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.board import Board
from bot.cad.client import CadClient
from bot.cad.line import Line
from bot.cad.model import CallRef, End, Why
from bot.entries import Asker
from bot.journal import Journal
from bot.removals import Begun, Outcome, RemovalDesk
from bot.sandbox.cad import LoopbackCad
from tests.clocks import HandClock, until

CALL = CallRef(1, 302)


async def test_one_request_though_the_first_asker_could_not_be_noted(tmp_path: Path) -> None:
    """The journal is locked when the first is noted, and free when the second is; the third joins the second."""
    clock, cad, path = HandClock(), LoopbackCad(), tmp_path / "journal.db"
    async with (
        cad.serving() as account,
        Journal(path) as journal,
        CadClient(account, clock=clock, line=Line()) as client,
    ):
        desk = RemovalDesk(client, journal, Board(client))

        def begin(user_id: int, ref: CallRef = CALL) -> asyncio.Task[Begun]:
            return asyncio.create_task(desk.begin(ref, Asker(user_id=user_id, guild_id=1, channel_id=1, way="test")))

        other = await desk.end(await begin(1, CallRef(1, 7)))  # from here on the line has to wait
        await journal._open_db.execute_fetchall("PRAGMA busy_timeout = 100")
        with closing(sqlite3.connect(path, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            first, second = begin(2), begin(3)
            refused = (await first).course
        assert isinstance(refused, Outcome)
        assert refused.answer.why is Why.JOURNAL
        begun = [await second, await begin(4)]
        await until(lambda: client.waiting() > 0)
        clock.tick(10)
        async with asyncio.timeout(5):
            ended = [(await desk.end(one)).answer.end for one in begun]
    assert other.answer.why is Why.NO_SUCH_CALL
    assert ended == [End.REMOVED, End.REMOVED]
    assert len(cad.asked_for("REMOVE_911")) == 2
