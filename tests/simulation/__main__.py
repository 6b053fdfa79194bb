"""Replays a seed, or searches for seeds that break a promise.

python -m tests.simulation SEED          tell the story of a run
python -m tests.simulation SEED --small  the same, after the run was made as small as possible
python -m tests.simulation --for 600     search for so many seconds
python -m tests.simulation --check 50    what CI runs: kept runs, the first seeds, then random ones
python -m tests.simulation --plant 3     search with a planted bug
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from itertools import chain, count

if os.environ.get("PYTHONHASHSEED") != "0":  # sets of strings need the same order in every run
    os.execve(  # noqa: S606
        sys.executable,
        [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
        {**os.environ, "PYTHONHASHSEED": "0"},
    )

RANDOM = int.from_bytes(os.urandom(3)) + 1_000_000

from tests.simulation import seams

seams.install()

from tests.simulation.kept import KEPT
from tests.simulation.plan import Plan, make
from tests.simulation.plants import PLANTS
from tests.simulation.search import Tally, find_plant, run, small

FIXED = 230
"""Seeds that CI runs each time, besides random ones."""


def main() -> int:
    """Do what the arguments say, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seed", type=int, nargs="?", help="replay this seed")
    parser.add_argument("--small", action="store_true", help="make the run small first")
    parser.add_argument("--kind", help="with --small: keep a finding of this kind")
    parser.add_argument("--for", type=float, dest="seconds", help="search for so many seconds")
    parser.add_argument("--from", type=int, dest="first", default=1, help="the first seed of a search")
    parser.add_argument("--check", type=float, help="kept runs, the first seeds, then random ones, for so many seconds")
    parser.add_argument("--plant", type=int, help="search with this planted bug")
    given = parser.parse_args()
    if given.plant is not None:
        return planted(given.plant)
    if given.check is not None:
        print(f"random seeds from {RANDOM} on")
        kept = [(name, plan) for name, plan in KEPT.items()]
        return search(chain(kept, seeds(range(1, FIXED + 1)), seeds(count(RANDOM))), given.check, len(KEPT) + FIXED)
    if given.seconds is not None:
        return search(seeds(count(given.first)), given.seconds)
    if given.seed is None:
        parser.error("a seed, --for SECONDS, --check SECONDS or --plant NUMBER")
    return replay(make(given.seed), is_small=given.small, kind=given.kind)


def replay(plan: Plan, *, is_small: bool, kind: str | None) -> int:
    """Tell the story of a run."""
    result = run(plan)
    wanted = [one for one in result.findings if kind in (None, one.kind)]
    if is_small and wanted:
        plan = small(plan, wanted[0])
        result = run(plan)
        print(plan)
    print(f"seed {plan.seed}: {plan.api}, plan {plan.level}, {len(plan.items)} events")
    print("\n".join(result.story))
    print(f"trace {result.digest}, {result.removals} removals")
    for finding in result.findings:
        print(f"BROKEN: {finding}")
    return 1 if result.findings else 0


def seeds(numbers: Iterable[int]) -> Iterable[tuple[str, Plan]]:
    """Return the seeds' plans, each with a name."""
    return ((f"seed {number}", make(number)) for number in numbers)


def search(plans: Iterable[tuple[str, Plan]], seconds: float, at_least: int = 0) -> int:
    """Run plans for so many seconds, but so many plans in any case, and report."""
    tally, end = Tally(), time.perf_counter() + seconds
    for name, plan in plans:
        if time.perf_counter() > end and tally.seeds >= at_least:
            break
        for finding in tally.add(run(plan)):
            print(f"{name}: {finding}", flush=True)
    print(tally.report())
    return 1 if tally.kinds else 0


def planted(number: int) -> int:
    """Search with a planted bug, and return 1 if it is not found."""
    plant = PLANTS[number]
    seed, hits = find_plant(plant)
    found = f"found by seed {seed}" if seed else f"NOT FOUND within {plant.seeds} seeds"
    print(f"{plant.what}: {found}; the planted code ran {hits} times")
    return 0 if seed else 1


if __name__ == "__main__":
    sys.exit(main())
