"""The request queue: which request goes next, and when, within the CAD's rate limits. Pure: callers pass the time."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bot.cad.requests import RequestKind

MAX_QUEUED = 50
"""Requests that may wait in the queue."""
MAX_WAIT = 600.0
"""Seconds that a request waits for a slot at most. Then there is time to edit the reply: Discord allows 15 minutes."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `max_requests` of these kinds together in any `per_seconds` seconds."""

    kinds: frozenset[RequestKind]
    max_requests: int
    per_seconds: float


RateLimits = tuple[RateLimit, ...]


def one_every(seconds: float) -> RateLimits:
    """Return the limits for one request of any kind every so many seconds."""
    return (RateLimit(frozenset(RequestKind), 1, seconds),)


@dataclass(eq=False, slots=True)
class QueuedRequest:
    """A request that waits for its slot, which comes too late after `deadline`.

    `started` is True for a later step of an operation that had a slot already. It goes ahead of new operations.
    """

    kind: RequestKind
    deadline: float
    started: bool = False
    sequence: int = field(default_factory=count().__next__)


@dataclass(frozen=True, slots=True)
class SendSlot:
    """When a request may go, if nothing changes, and how many go before it."""

    request: QueuedRequest
    at: float
    ahead: int


class RequestQueue:
    """First come, first served, within the rate limits. A kind of request can be blocked for a while."""

    def __init__(self, limits: RateLimits, max_queued: int = MAX_QUEUED) -> None:
        self._max_queued = max_queued
        self._queued: list[QueuedRequest] = []
        # For each rate limit, the times of the last requests that count towards it.
        self._sent_at: dict[RateLimit, deque[float]] = {limit: deque(maxlen=limit.max_requests) for limit in limits}
        self._blocked_until: dict[RequestKind, float] = {}

    def try_send_now(self, request: QueuedRequest, now: float) -> bool:
        """Take a slot now if nothing is queued and the limits allow it; else return False."""
        if self._queued or not self._earliest_send(request.kind, now, self._sent_at) <= now <= request.deadline:
            return False
        _record_send(request.kind, now, self._sent_at)
        return True

    def enqueue(self, request: QueuedRequest) -> bool:
        """Queue a request; return False if the queue is full. A further step of an operation is always accepted."""
        if not request.started and sum(not other.started for other in self._queued) >= self._max_queued:
            return False
        insort(self._queued, request, key=_priority)
        return True

    def remove(self, request: QueuedRequest) -> None:
        """Remove a request, if it is queued."""
        if request in self._queued:
            self._queued.remove(request)

    def block(self, kind: RequestKind, until: float) -> None:
        """Send no request of this kind before `until`."""
        self._blocked_until[kind] = max(until, self.blocked_until(kind))

    def blocked_until(self, kind: RequestKind) -> float:
        """Return the time until which a kind is blocked, in the past if it is not."""
        return self._blocked_until.get(kind, float("-inf"))

    def schedule(self, now: float) -> Iterator[SendSlot]:
        """Yield the slot of each queued request, the next one first."""
        queues: dict[RequestKind, deque[QueuedRequest]] = {}
        for request in self._queued:
            queues.setdefault(request.kind, deque()).append(request)
        sent_at = self._sent_at
        ahead = 0
        while queues:
            # A kind that has to wait lets other kinds pass.
            earliest = {kind: self._earliest_send(kind, now, sent_at) for kind in queues}
            kind = min(queues, key=lambda kind: (earliest[kind], *_priority(queues[kind][0])))
            yield SendSlot(queues[kind].popleft(), earliest[kind], ahead)
            if not queues[kind]:
                del queues[kind]
            sent_at = sent_at if ahead else {limit: times.copy() for limit, times in sent_at.items()}
            _record_send(kind, earliest[kind], sent_at)
            ahead += 1

    def pop(self, slot: SendSlot, now: float) -> None:
        """Remove a request that is sent now, and count it towards the limits."""
        self._queued.remove(slot.request)
        _record_send(slot.request.kind, now, self._sent_at)

    def _earliest_send(self, kind: RequestKind, now: float, sent_at: dict[RateLimit, deque[float]]) -> float:
        """Return the earliest time, `now` or later, at which a request of this kind may follow those in `sent_at`."""
        earliest = max(now, self.blocked_until(kind))
        for limit, times in sent_at.items():
            if kind in limit.kinds and len(times) == limit.max_requests:
                earliest = max(earliest, times[0] + limit.per_seconds)
        return earliest


def _priority(request: QueuedRequest) -> tuple[bool, bool, int, int]:
    # Writes go before lookups. Among lookups, the lower kind goes first.
    is_lookup = not request.kind.is_write
    return not request.started, is_lookup, request.kind if is_lookup else 0, request.sequence


def _record_send(kind: RequestKind, at: float, sent_at: dict[RateLimit, deque[float]]) -> None:
    for limit, times in sent_at.items():
        if kind in limit.kinds:
            times.append(at)
