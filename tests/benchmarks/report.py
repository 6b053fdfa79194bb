"""Prints figures: ours, those we compare with, and the ratio."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - that is what a benchmark is for


def compare(names: Sequence[str], figures: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Print the medians over the rounds of two programs, ours first, and their ratio."""
    ours, other = figures
    for index, name in enumerate(names):
        a, b = (statistics.median(values[index] for values in rounds) for rounds in figures.values())
        say(f"  {name:18} {ours} {a:8.2f}   {other} {b:8.2f}   ratio {a / b:.2f}")


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]
