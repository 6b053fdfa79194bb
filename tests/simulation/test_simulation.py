"""Tests of the simulation itself: it repeats itself, it sees planted bugs, it makes runs small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.journal.entries import CREATE, REMOVE
from bot.messages import outcomes
from bot.removals.result import RemovalResult
from tests.simulation.plan import Item, make
from tests.simulation.plants import PLANTS
from tests.simulation.reading import Says, read
from tests.simulation.search import shrink

ROOT = Path(__file__).parents[2]
REF = CallRef(2, 302)
MEANING = {
    Outcome.REMOVED: Says.REMOVED, Outcome.GONE: Says.GONE, Outcome.GONE_UNCONFIRMED: Says.GONE,
    Outcome.REJECTED: Says.NOT_DONE, Outcome.NOT_SENT: Says.NOT_DONE, Outcome.UNKNOWN: Says.UNKNOWN,
    Outcome.CREATED: Says.CREATED,
}  # fmt: skip


def simulation(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the simulation in a process of its own: it replaces the clock of the process it runs in."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="each run is a fork, which Windows has not")


@forks
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_seed_twice_gives_the_same_story_and_trace(seed: int) -> None:
    first, second = simulation(seed), simulation(seed)
    assert "\ntrace " in first.stdout, first.stderr
    assert first.stdout == second.stdout


@forks
@pytest.mark.parametrize("number", range(len(PLANTS)), ids=[plant.what for plant in PLANTS])
def test_planted_bug_is_found_within_its_seeds(number: int) -> None:
    found = simulation("--plant", number)
    assert found.returncode == 0, found.stdout + found.stderr


def test_shrinking_keeps_only_what_the_failure_needs() -> None:
    items = make(1).items
    needed = {items[3], items[-2]}

    small = shrink(items, lambda fewer: needed <= set(fewer))

    assert set(small) == needed


def test_shrinking_ends_when_nothing_more_may_be_run() -> None:
    items = tuple(Item(float(number), "remove", key=number) for number in range(64))
    runs: list[int] = []

    def fails(fewer: tuple[Item, ...]) -> bool:
        runs.append(len(fewer))
        return items[5] in fewer

    assert items[5] in shrink(items, fails, runs=4)
    assert len(runs) == 4


ENDINGS = [
    (action, outcome, reason)
    for action, ends in (
        (REMOVE, set(Outcome) - {Outcome.CREATED}),
        (CREATE, set(Outcome) - {Outcome.REMOVED, Outcome.GONE}),
    )
    for outcome in Outcome
    if outcome in ends
    for reason in Reason
]


@pytest.mark.parametrize("brief", [False, True])
def test_oracle_reads_every_sentence_about_a_result(*, brief: bool) -> None:
    for action, outcome, reason in ENDINGS:
        result = Result(outcome, reason, new_call_id=305 if outcome is Outcome.CREATED else None)

        (claim,) = read(outcomes.removal_text(RemovalResult(REF, result, action=action), brief=brief))

        before = {Reason.REMOVED_BEFORE: Says.REMOVED_BEFORE, Reason.UNCONFIRMED_BEFORE: Says.GONE_BEFORE}.get(reason)
        assert claim.ref == REF
        assert claim.says is (MEANING[outcome] if before is None or outcome is not Outcome.GONE else before)


def test_oracle_stops_at_a_sentence_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="teach it"):
        read("✅ Call **302** vanished (server **1**).")
