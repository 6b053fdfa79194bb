"""Chance: a stream of its own for each thing, so that taking one thing out of a run leaves the others as they were."""

from __future__ import annotations

import random


class Chance:
    """All chance of one run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count: dict[str, int] = {}

    def of(self, *names: object) -> random.Random:
        """Return the stream of a thing: the same names give the same stream."""
        return random.Random(f"{self._seed}:{':'.join(map(str, names))}")

    def next(self, *names: object) -> random.Random:
        """Return the stream of the next of several equal things."""
        name = ":".join(map(str, names))
        number = self._count[name] = self._count.get(name, 0) + 1
        return self.of(name, number)
