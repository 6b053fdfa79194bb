"""What is kept and what is at hand: the journal's share of a removal, pages of history, suggestions while typing."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bot.board import Board
from bot.cad.client import CadClient
from bot.cad.line import Line, paced
from bot.cad.model import CallRef, End, Plan
from bot.entries import Asker, Filter, page_query
from bot.journal import Journal
from bot.options import ServerOption
from bot.removals import RemovalDesk
from bot.sandbox.cad import Call, LoopbackCad
from tests.benchmarks.told import say, spread
from tests.removing import removed

REMOVALS, ROWS, CALLS, LISTS = 1000, 100_000, 500, 20
ASKED = 5.0
"""Milliseconds that a keystroke may take."""


def resident() -> float:
    """Return this process's memory in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def what_the_journal_adds() -> None:
    """Remove calls in turn with and without a journal, at a CAD on this machine, with pacing off."""
    calls = [Call(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 2 * REMOVALS + 1)]
    cad = LoopbackCad(calls={call.ref: call for call in calls})
    asker = Asker(user_id=1, guild_id=2, channel_id=3, way="/remove911", token="t" * 200)
    took: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            cad.serving() as account,
            Journal(Path(folder, "journal.db")) as journal,
            CadClient(account, line=Line(paced(0))) as client,
            Board(client) as board,
        ):
            desk = RemovalDesk(client, journal, board)
            for number in range(1, 2 * REMOVALS + 1):
                ref, noted = CallRef(1, number), number % 2 == 0
                begun = time.perf_counter()
                answer = (await desk.remove(ref, asker)).answer if noted else await removed(client, ref)
                took[noted].append((time.perf_counter() - begun) * 1000)
                assert answer.end is End.REMOVED
    (with_p50, with_p99), (p50, p99) = spread(took[True]), spread(took[False])
    say(f"\na removal with and without the journal ({REMOVALS} of each, interleaved; three commits, synchronous=FULL)")
    for name, a, b in (("p50, ms", with_p50, p50), ("p99, ms", with_p99, p99)):
        say(f"  {name:18} with {a:8.2f}   without {b:8.2f}   ratio {a / b:.2f}   adds {a - b:.2f}")


async def history() -> None:
    """Read pages out of a journal of many rows, then all of it row by row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.db")
        async with Journal(path):
            pass
        _fill(path)
        say(f"\na page of history out of {ROWS:,} rows, ms of database time")
        with closing(sqlite3.connect(path)) as db:
            for name, wanted in (
                ("all", Filter()),
                ("of a call", Filter(call_id=7)),
                ("of a person", Filter(user_id=7)),
                ("of an outcome", Filter(outcome="unknown")),
                ("of all three", Filter(call_id=7, user_id=7, outcome="removed")),
            ):
                took: list[float] = []
                for round_ in range(200):
                    sql, parameters = page_query(wanted, ROWS - round_ * 400, 26)
                    begun = time.perf_counter()
                    db.execute(sql, parameters).fetchall()
                    took.append((time.perf_counter() - begun) * 1000)
                p50, p99 = spread(took)
                say(f"  {name:18} p50 {p50:6.3f}   p99 {p99:6.3f}")
        async with Journal(path, retention_days=10**6) as journal:
            before = most = resident()
            many = 0
            begun = time.perf_counter()
            async for _ in journal.entries(Filter()):
                many += 1
                if many % 1000 == 0:
                    most = max(most, resident())
            seconds, after = time.perf_counter() - begun, resident()
        say(
            f"  all {many:,} one by one in {seconds:.1f} s: memory {before:.1f} MiB before, {most:.1f} at most, "
            f"{after:.1f} after, ratio {most / before:.2f}"
        )


def _fill(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
            "INSERT INTO entries (request, action, asked_at, ended_at, outcome, why, user_id, way, server_id, call_id) "
            "SELECT i, 'remove', i, i, CASE i % 10 WHEN 0 THEN 'unknown' ELSE 'removed' END, 'CONFIRMED', i % 50, "
            "'/remove911', 1, i % 1000 FROM n"
        )


async def picking() -> None:
    """Suggest calls while somebody types, with many open calls on a warm board; what Discord adds is left out."""
    first: list[float] = []
    took: list[float] = []
    asked = 0
    for round_ in range(LISTS):
        # Other texts each time, so that nothing of them is known yet.
        calls = [
            Call(CallRef(1, n), f"Caller {n} of {round_}", f"{n} Grove Street / Alta {n % 13}", "Two cars. " * 15)
            for n in range(1, CALLS + 1)
        ]
        cad = LoopbackCad(plan=Plan.PLUS, calls={call.ref: call for call in calls})
        async with (
            cad.serving() as account,
            CadClient(account, line=Line(paced(0))) as client,
            Board(client) as board,
        ):
            option = ServerOption(board, 1, "911")
            typing = cast("Any", SimpleNamespace(namespace=SimpleNamespace()))
            assert len((await board.calls(1)).calls) == CALLS
            for typed in ("g", "", "4", "42", "gro", "grove alta", "caller 499", "cars", "nothing like it") * 20:
                begun = time.perf_counter()
                shown = await option.suggest_calls(typing, typed)
                (took if first and len(first) > round_ else first).append((time.perf_counter() - begun) * 1000)
                assert len(shown) <= 25
            asked = max(asked, cad.kinds.count("GET_CALLS"))
    p50, p99 = spread(took)
    say(f"\nsuggestions out of {CALLS} open calls on a warm board ({len(took)} keystrokes, {LISTS} lists)")
    say(f"  {'a keystroke, ms':18} p50 {p50:.2f}   p99 {p99:.2f}   p99 of the {ASKED:.0f} asked: {p99 / ASKED:.2f}")
    say(f"  {'the first, ms':18} of a new list at most {max(first):.2f}; GET_CALLS sent a list {asked}")
