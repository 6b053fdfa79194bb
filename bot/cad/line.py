"""Who goes when: one line for the key. Pure: it is told the time, and neither waits nor sends."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bot.cad.model import Kind

PACE = 1.05
"""Seconds between two requests. The vendor: not more than one a second for an extended period."""
DEPTH = 50
"""How many may wait."""
LONGEST = 600.0
"""Seconds after which a turn is too late: Discord takes a reply for 15 minutes."""
BUSY = 60.0
"""Seconds for which a kind is closed where a 429 gives no advice; the vendor's own resource does the same."""
LONGEST_BUSY = 900.0
"""Seconds of a 429's advice that are believed."""


@dataclass(eq=False, slots=True)
class Waiting:
    """One request that waits for its turn.

    Attributes:
        kind: what it asks for.
        latest: the moment past which its turn is of no use.
        begun: whether it is a further step of something that had its turn already; those go first.
    """

    kind: Kind
    latest: float
    begun: bool = False
    number: int = field(default_factory=count().__next__)


@dataclass(frozen=True, slots=True)
class Turn:
    """When somebody's turn is, as far as it is known now, and how many go before."""

    who: Waiting
    at: float
    ahead: int


class Line:
    """First come, first served, at a pace; a kind can be closed for a while.

    Args:
        pace: seconds between two requests.
        depth: how many may wait.
    """

    def __init__(self, pace: float = PACE, depth: int = DEPTH) -> None:
        self._pace = pace
        self._depth = depth
        self._waiting: list[Waiting] = []
        self._free_at = float("-inf")
        self._closed_until: dict[Kind, float] = {}

    def join(self, who: Waiting) -> bool:
        """Let somebody wait; False where the line is full. Who has begun is always taken."""
        if not who.begun and sum(not other.begun for other in self._waiting) >= self._depth:
            return False
        insort(self._waiting, who, key=lambda one: (not one.begun, one.kind, one.number))
        return True

    def leave(self, who: Waiting) -> None:
        """Take somebody out who waits no more."""
        if who in self._waiting:
            self._waiting.remove(who)

    def everybody(self) -> list[Waiting]:
        """List all who wait, in their order."""
        return list(self._waiting)

    def close(self, kind: Kind, until: float) -> None:
        """Let nobody of a kind have a turn before `until`."""
        self._closed_until[kind] = max(until, self.opens_at(kind))

    def opens_at(self, kind: Kind) -> float:
        """Return the moment from which a kind is open; one in the past for an open kind."""
        return self._closed_until.get(kind, float("-inf"))

    def turns(self, now: float) -> Iterator[Turn]:
        """Say when each has their turn if nothing changes, the next first."""
        left = list(self._waiting)
        at = max(now, self._free_at)
        ahead = 0
        while left:
            # Who is of a closed kind lets the others pass.
            who = next((one for one in left if self.opens_at(one.kind) <= at), None)
            if who is None:
                at = min(self.opens_at(one.kind) for one in left)
                continue
            left.remove(who)
            yield Turn(who, at, ahead)
            at += self._pace
            ahead += 1

    def take(self, turn: Turn, now: float) -> None:
        """Let somebody go, `now`."""
        self._waiting.remove(turn.who)
        self._free_at = now + self._pace


def busy_for(advice: float | None) -> float:
    """Return the seconds for which a kind is closed after a 429 or 503 with this advice."""
    return BUSY if advice is None else min(advice, LONGEST_BUSY)
