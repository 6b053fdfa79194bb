"""Two days in the field, shortened. `python -m tests.field` plays seven, and prints the figures."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.field.week import FAULTS, day, opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="full disks and memory are Linux's here")

DAYS = 2


async def test_bot_survives_every_fault_and_answers_every_removal(tmp_path: Path) -> None:
    async with opened(tmp_path) as week:
        for _ in range(DAYS):
            await day(week)
        await week.removed()
        assert week.process is not None
        assert week.process.returncode is None
    assert week.process.returncode == 0
    assert week.faults == DAYS * len(FAULTS)
    assert [number for number in range(1, week.asked + 1) if not week.read(number)] == []
    # Nothing is told as removed that is still open.
    told = {number for number in range(1, week.asked + 1) if week.read(number).startswith("✅")}
    assert told & {ref.call_id for ref in week.cad.calls} == set()
    log = "\n".join(week.log)
    assert "Traceback" not in log
    assert "planted-key" not in log
    assert sum("registered /remove911" in line for line in week.log) == 1
    # Nothing is kept for each fault. A leak of a connection or a thread for each would show.
    assert week.memory[-1] < week.memory[0] * 1.15
    with closing(sqlite3.connect(week.journal)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM entries WHERE ended_at IS NULL OR token IS NOT NULL").fetchone() == (0,)
        removed = {call for (call,) in db.execute("SELECT call_id FROM entries WHERE outcome = 'removed'")}
    assert told <= removed
