"""Who goes when: one line for the key, within its limits. Pure: it is told the time, and neither waits nor sends."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bot.cad.model import Kind

PACE = 1.05
"""Seconds between two requests of v1. The vendor: not more than one a second for an extended period."""
DEPTH = 50
"""How many may wait."""
LONGEST = 600.0
"""Seconds after which a turn is too late: Discord takes a reply for 15 minutes."""
BUSY = 60.0
"""Seconds for which a kind is closed where a 429 gives no advice; the vendor's own resource does the same."""
LONGEST_BUSY = 900.0
"""Seconds of a 429's advice that are believed."""


@dataclass(frozen=True, slots=True)
class Window:
    """A limit of the CAD's: of these kinds together, so many requests in any stretch of so many seconds."""

    kinds: frozenset[Kind]
    many: int
    seconds: float


Limits = tuple[Window, ...]


def paced(seconds: float) -> Limits:
    """Return the limits of a single line: one request at a time, so many seconds apart."""
    return (Window(frozenset(Kind), 1, seconds),)


PACED = paced(PACE)


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
    """First come, first served, within limits; a kind can be closed for a while.

    Args:
        limits: how many requests may go, and how fast.
        depth: how many may wait.
    """

    def __init__(self, limits: Limits = PACED, depth: int = DEPTH) -> None:
        self._depth = depth
        self._waiting: list[Waiting] = []
        # Beside each limit, when the last requests went that it counts.
        self._went: dict[Window, deque[float]] = {window: deque(maxlen=window.many) for window in limits}
        self._closed_until: dict[Kind, float] = {}

    def goes_at_once(self, who: Waiting, now: float) -> bool:
        """Let somebody go who comes while nobody waits; False where they have to join."""
        if self._waiting or not self._free_at(who.kind, now, self._went) <= now <= who.latest:
            return False
        _note(who.kind, now, self._went)
        return True

    def join(self, who: Waiting) -> bool:
        """Let somebody wait; False where the line is full. Who has begun is always taken."""
        if not who.begun and sum(not other.begun for other in self._waiting) >= self._depth:
            return False
        insort(self._waiting, who, key=_order)
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
        queues: dict[Kind, deque[Waiting]] = {}
        for who in self._waiting:
            queues.setdefault(who.kind, deque()).append(who)
        went = self._went
        ahead = 0
        while queues:
            # Whose kind can't go yet lets the others pass.
            free = {kind: self._free_at(kind, now, went) for kind in queues}
            kind = min(queues, key=lambda kind: (free[kind], *_order(queues[kind][0])))
            yield Turn(queues[kind].popleft(), free[kind], ahead)
            if not queues[kind]:
                del queues[kind]
            went = went if ahead else {window: times.copy() for window, times in went.items()}
            _note(kind, free[kind], went)
            ahead += 1

    def take(self, turn: Turn, now: float) -> None:
        """Let somebody go, `now`."""
        self._waiting.remove(turn.who)
        _note(turn.who.kind, now, self._went)

    def _free_at(self, kind: Kind, now: float, went: dict[Window, deque[float]]) -> float:
        """Return the moment, `now` or later, from which one of this kind may go after those that `went`."""
        at = max(now, self.opens_at(kind))
        for window, times in went.items():
            if kind in window.kinds and len(times) == window.many:
                at = max(at, times[0] + window.seconds)
        return at


def _order(who: Waiting) -> tuple[bool, bool, int, int]:
    # What changes something goes before what only looks, and among those a list of calls before the others.
    look_up = not who.kind.changes
    return not who.begun, look_up, who.kind if look_up else 0, who.number


def _note(kind: Kind, at: float, went: dict[Window, deque[float]]) -> None:
    for window, times in went.items():
        if kind in window.kinds:
            times.append(at)


def busy_for(advice: float | None) -> float:
    """Return the seconds for which a kind is closed after a 429 or 503 with this advice."""
    return BUSY if advice is None else min(advice, LONGEST_BUSY)
