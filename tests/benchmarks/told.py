"""How figures are told: each of ours beside the other's, and the ratio."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - that is what a benchmark is for


def beside(names: Sequence[str], figures: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Say the medians of rounds of figures, ours and the other's."""
    (ours, a), (other, b) = figures.items()
    for index, name in enumerate(names):
        mine, theirs = (statistics.median(one[index] for one in rounds) for rounds in (a, b))
        say(f"  {name:18} {ours} {mine:8.2f}   {other} {theirs:8.2f}   ratio {mine / theirs:.2f}")


def spread(milliseconds: Sequence[float]) -> tuple[float, float]:
    """Return median and 99th percentile."""
    cuts = statistics.quantiles(milliseconds, n=100)
    return cuts[49], cuts[98]
