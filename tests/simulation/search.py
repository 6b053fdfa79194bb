"""Runs seeds, each in a process of its own, and makes a failing one small."""

from __future__ import annotations

import gc
import os
import pickle
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.simulation.plan import Item, Plan, make
from tests.simulation.plants import Hits, Plant
from tests.simulation.world import Finding, Run, simulate

MAX_SECONDS = 120
"""Seconds after which a run counts as endless."""
SHRINK_RUNS = 150
"""Runs that making a seed small may take."""


def run(plan: Plan) -> Run:
    """Run a plan in a fork of this process."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reader)
            gc.disable()
            signal.alarm(MAX_SECONDS)  # a run that never ends gives no verdict, and the caller says which one it was
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(replace(simulate(plan), hits=Hits.count), pipe)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        raw = pipe.read()
    os.waitpid(child, 0)
    if not raw:
        raise RuntimeError(f"seed {plan.seed} ended without a verdict")
    return pickle.loads(raw)  # noqa: S301 - it comes from the fork


def same_fault(wanted: Finding) -> Callable[[Run], bool]:
    """Return a condition: a run has a finding of the same promise and kind."""
    return lambda run: any((one.promise, one.kind) == (wanted.promise, wanted.kind) for one in run.findings)


def shrink(
    items: tuple[Item, ...], fails: Callable[[tuple[Item, ...]], bool], runs: int = SHRINK_RUNS
) -> tuple[Item, ...]:
    """Return as few of the items as still fail: delta debugging."""
    size = max(1, len(items) // 2)
    while runs > 0:
        before, start = len(items), 0
        while start < len(items) and runs > 0:
            fewer = items[:start] + items[start + size :]
            runs -= 1
            if fails(fewer):
                items = fewer
            else:
                start += size
        if size == 1 and len(items) == before:
            break
        size = max(1, size // 2)
    return items


def small(plan: Plan, finding: Finding) -> Plan:
    """Return a smaller plan with a finding of the same promise and kind."""
    same = same_fault(finding)
    return replace(plan, items=shrink(plan.items, lambda items: same(run(replace(plan, items=items)))))


def find_plant(plant: Plant) -> tuple[int | None, int]:
    """Search with a planted bug. Return the seed that found it, or None, and how often the planted code ran.

    The bug stays in this process, so call it in a fork.
    """
    plant.apply()
    hits = 0
    for seed in range(1, plant.seeds + 1):
        result = run(make(seed))
        hits += result.hits
        if result.hits and any(one.promise == plant.promise and one.kind in plant.kinds for one in result.findings):
            return seed, hits
    return None, hits


def _seconds_of_runs() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass
class Tally:
    """What a search has seen so far."""

    started: float = field(default_factory=time.perf_counter)
    busy: float = field(default_factory=_seconds_of_runs)
    seeds: int = 0
    removals: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    exempt: Counter[str] = field(default_factory=Counter[str])
    kinds: dict[tuple[int, str], list[int]] = field(default_factory=dict[tuple[int, str], list[int]])

    def add(self, run: Run) -> list[Finding]:
        """Count a run, and return one finding of each kind that is new."""
        self.seeds += 1
        self.removals += run.removals
        self.faults += run.faults
        self.exempt += run.exempt
        new: dict[tuple[int, str], Finding] = {}
        for finding in run.findings:
            key = (finding.promise, finding.kind)
            if key not in self.kinds:
                new.setdefault(key, finding)
            seeds = self.kinds.setdefault(key, [])
            if run.seed not in seeds:
                seeds.append(run.seed)
        return list(new.values())

    def report(self) -> str:
        """Return the result of a search."""
        seconds, busy = time.perf_counter() - self.started, _seconds_of_runs() - self.busy
        speed = f"{self.seeds / (busy or 1.0):.1f} in each second of one core"
        lines = [
            f"{self.seeds} seeds in {seconds:.0f} s, {speed}, {self.removals} removals",
            "faults: " + ", ".join(f"{name} {many}" for name, many in sorted(self.faults.items())),
        ]
        if self.exempt:
            lines.append("exempt: " + ", ".join(f"{name} {many}" for name, many in sorted(self.exempt.items())))
        lines += [
            f"BROKEN: promise {promise}, {kind}: {len(seeds)} seed(s): {', '.join(map(str, seeds[:8]))}"
            for (promise, kind), seeds in sorted(self.kinds.items())
        ]
        return "\n".join(lines if self.kinds else [*lines, "no promise was broken"])
