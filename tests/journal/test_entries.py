"""Pages of the journal's history, in a journal with 100,000 entries."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.journal.entries import EntryFilter, page_query
from bot.journal.store import Journal

ENTRIES = 100_000


@pytest.fixture(scope="module")
def large_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "journal.db"

    async def create() -> None:
        async with Journal(path):
            pass

    asyncio.run(create())
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ENTRIES}) "
            "INSERT INTO entries (request, action, asked_at, ended_at, outcome, why, user_id, way, server_id, call_id) "
            "SELECT i, 'remove', i, i, CASE i % 10 WHEN 0 THEN 'unknown' ELSE 'removed' END, 'CONFIRMED', i % 50, "
            "'/remove911', 1, i % 1000 FROM n"
        )
    return path


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (EntryFilter(), "PRIMARY KEY"),
        (EntryFilter(call_id=7), "by_call"),
        (EntryFilter(user_id=7), "by_user"),
        (EntryFilter(outcome="unknown"), "by_outcome"),
        (EntryFilter(call_id=7, since=50_000.0), "by_call"),
        (EntryFilter(call_id=7, user_id=7, outcome="removed"), "by_call"),
    ],
)
@pytest.mark.parametrize("before", [None, ENTRIES // 2])
def test_page_of_history_uses_an_index(
    large_journal: Path, wanted: EntryFilter, index: str, before: int | None
) -> None:
    sql, parameters = page_query(wanted, before, 26)
    with closing(sqlite3.connect(large_journal)) as db:
        plan = " ".join(str(row) for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))
    assert "TEMP B-TREE" not in plan
    # A query for all entries, the newest first, reads the table itself.
    assert index in plan or (wanted == EntryFilter() and before is None and "SCAN entries" in plan)


async def test_pages_have_no_gaps_and_no_duplicates(large_journal: Path) -> None:
    numbers: list[int] = []
    async with Journal(large_journal, retention_days=10**6) as journal:
        before = None
        for _ in range(4):
            page = await journal.page(EntryFilter(user_id=7, outcome="removed"), before, 25)
            numbers += [entry.number for entry in page]
            before = page[-1].number
            assert all((entry.user_id, entry.outcome) == (7, "removed") for entry in page)
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 100
    assert numbers[0] == ENTRIES - 43


async def test_entries_yields_every_match(large_journal: Path) -> None:
    count = 0
    async with Journal(large_journal, retention_days=10**6) as journal:
        async for entry in journal.entries(EntryFilter(outcome="unknown")):
            assert entry.outcome == "unknown"
            count += 1
    assert count == ENTRIES // 10
