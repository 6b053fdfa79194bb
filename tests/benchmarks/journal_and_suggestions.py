"""The journal's share of a removal's time, pages of history, and suggestions while a dispatcher types."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bot.cad.client import CadClient
from bot.cad.models import CallRef, Plan
from bot.cad.request_queue import RequestQueue, one_every
from bot.cad.results import Outcome
from bot.calls.cache import CallCache
from bot.interactions.options import ServerOption
from bot.journal.entries import EntryFilter, Requester, page_query
from bot.journal.store import Journal
from bot.removals.service import RemovalService
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from tests.benchmarks.report import percentiles, say
from tests.support.cad import remove_and_wait

REMOVALS, ROWS, CALLS, LISTS = 1000, 100_000, 500, 20
TARGET = 5.0
"""Milliseconds within which the suggestions for a keystroke should be ready."""


def resident() -> float:
    """Return this process's memory in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def journal_overhead() -> None:
    """Remove calls alternately with and without a journal, from a fake CAD and without rate limits."""
    calls = [FakeCall(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 2 * REMOVALS + 1)]
    cad = FakeCad(calls={call.ref: call for call in calls})
    requester = Requester(user_id=1, guild_id=2, channel_id=3, way="/remove911", token="t" * 200)
    took: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            cad.serving() as account,
            Journal(Path(folder, "journal.db")) as journal,
            CadClient(account, queue=RequestQueue(one_every(0))) as client,
            CallCache(client) as cache,
        ):
            removals = RemovalService(client, journal, cache)
            for number in range(1, 2 * REMOVALS + 1):
                ref, recorded = CallRef(1, number), number % 2 == 0
                started = time.perf_counter()
                if recorded:
                    result = (await removals.remove(ref, requester)).result
                else:
                    result = await remove_and_wait(client, ref)
                took[recorded].append((time.perf_counter() - started) * 1000)
                assert result.outcome is Outcome.REMOVED
    (with_p50, with_p99), (p50, p99) = percentiles(took[True]), percentiles(took[False])
    say(f"\nA removal with and without the journal ({REMOVALS} of each, alternating; three commits, synchronous=FULL)")
    for name, a, b in (("p50, ms", with_p50, p50), ("p99, ms", with_p99, p99)):
        say(f"  {name:18} with {a:8.2f}   without {b:8.2f}   ratio {a / b:.2f}   difference {a - b:.2f}")


async def history() -> None:
    """Read pages from a journal with many rows, then all rows one by one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.db")
        async with Journal(path):
            pass
        _fill(path)
        say(f"\nA page of history from {ROWS:,} rows, ms of database time")
        with closing(sqlite3.connect(path)) as db:
            for name, filter_ in (
                ("no filter", EntryFilter()),
                ("one call", EntryFilter(call_id=7)),
                ("one person", EntryFilter(user_id=7)),
                ("one outcome", EntryFilter(outcome="unknown")),
                ("all three", EntryFilter(call_id=7, user_id=7, outcome="removed")),
            ):
                took: list[float] = []
                for round_ in range(200):
                    sql, parameters = page_query(filter_, ROWS - round_ * 400, 26)
                    started = time.perf_counter()
                    db.execute(sql, parameters).fetchall()
                    took.append((time.perf_counter() - started) * 1000)
                p50, p99 = percentiles(took)
                say(f"  {name:18} p50 {p50:6.3f}   p99 {p99:6.3f}")
        async with Journal(path, retention_days=10**6) as journal:
            before = most = resident()
            count = 0
            started = time.perf_counter()
            async for _ in journal.entries(EntryFilter()):
                count += 1
                if count % 1000 == 0:
                    most = max(most, resident())
            seconds, after = time.perf_counter() - started, resident()
        say(
            f"  All {count:,} rows one by one: {seconds:.1f} s; memory {before:.1f} MiB before, {most:.1f} at most, "
            f"{after:.1f} after, ratio of most to before {most / before:.2f}"
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
    """Suggest calls while a dispatcher types, from a full cache of many open calls. Discord's share is not measured."""
    first: list[float] = []
    later: list[float] = []
    requests = 0
    for round_ in range(LISTS):
        # New texts each time, so that nothing is indexed yet.
        calls = [
            FakeCall(CallRef(1, n), f"Caller {n} of {round_}", f"{n} Grove Street / Alta {n % 13}", "Two cars. " * 15)
            for n in range(1, CALLS + 1)
        ]
        cad = FakeCad(plan=Plan.PLUS, calls={call.ref: call for call in calls})
        async with (
            cad.serving() as account,
            CadClient(account, queue=RequestQueue(one_every(0))) as client,
            CallCache(client) as cache,
        ):
            option = ServerOption(cache, 1, "911")
            interaction = cast("Any", SimpleNamespace(namespace=SimpleNamespace()))
            assert len((await cache.calls(1)).calls) == CALLS
            for typed in ("g", "", "4", "42", "gro", "grove alta", "caller 499", "cars", "nothing like it") * 20:
                started = time.perf_counter()
                shown = await option.suggest_calls(interaction, typed)
                (later if len(first) > round_ else first).append((time.perf_counter() - started) * 1000)
                assert len(shown) <= 25
            requests = max(requests, cad.kinds.count("GET_CALLS"))
    p50, p99 = percentiles(later)
    say(f"\nSuggestions from {CALLS} cached open calls ({len(later)} keystrokes, {LISTS} lists)")
    say(f"  {'a keystroke, ms':18} p50 {p50:.2f}   p99 {p99:.2f}   p99 of the target, {TARGET:.0f}: {p99 / TARGET:.2f}")
    say(f"  {'the first, ms':18} at most {max(first):.2f} after a new list; GET_CALLS requests for a list: {requests}")
