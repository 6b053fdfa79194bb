"""The request queue: order, rate limits and blocks. The tests pass the time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cad import v1, v2
from bot.cad.request_queue import QueuedRequest, RequestQueue
from bot.cad.requests import RequestKind

R, K, C, V = RequestKind.REMOVE, RequestKind.CREATE, RequestKind.CALLS, RequestKind.VERSION


def queued(kind: RequestKind, *, started: bool = False) -> QueuedRequest:
    return QueuedRequest(kind, deadline=600.0, started=started)


def schedule(queue: RequestQueue, now: float) -> list[tuple[RequestKind, float, int]]:
    return [(slot.request.kind, round(slot.at, 2), slot.ahead) for slot in queue.schedule(now)]


@pytest.mark.parametrize(
    ("kinds", "blocked", "slots"),
    [
        pytest.param([R], {}, [(R, 0, 0)], id="first goes at once"),
        pytest.param([R, R, R], {}, [(R, 0, 0), (R, 1.05, 1), (R, 2.1, 2)], id="no burst"),
        pytest.param([V, C, R], {}, [(R, 0, 0), (C, 1.05, 1), (V, 2.1, 2)], id="removals before lookups"),
        pytest.param([R, R], {R: 60}, [(R, 60, 0), (R, 61.05, 1)], id="blocked kind waits"),
        pytest.param([R, C, V], {R: 60}, [(C, 0, 0), (V, 1.05, 1), (R, 60, 2)], id="blocked kind lets others pass"),
        pytest.param([R, C], {R: 1, C: 5}, [(R, 1, 0), (C, 5, 1)], id="two blocked kinds"),
        pytest.param([], {}, [], id="empty"),
    ],
)
def test_slots_at_the_v1_interval(
    kinds: list[RequestKind], blocked: dict[RequestKind, float], slots: list[tuple[RequestKind, float, int]]
) -> None:
    queue = RequestQueue(v1.RATE_LIMITS)
    for kind in kinds:
        assert queue.enqueue(queued(kind))
    for kind, until in blocked.items():
        queue.block(kind, until)
    assert schedule(queue, 0.0) == slots


V2 = [
    pytest.param([R] * 9, [(R, 0, number) for number in range(8)] + [(R, 62, 8)], id="eight at once"),
    pytest.param([R] * 17, [(R, 62 * (number // 8), number) for number in range(17)], id="eight in each minute"),
    pytest.param(
        [C] * 5 + [V], [(C, 0, n) for n in range(4)] + [(V, 0, 4), (C, 62, 5)], id="each kind has its own limit"
    ),
    pytest.param([V, C, K, R], [(K, 0, 0), (R, 0, 1), (C, 0, 2), (V, 0, 3)], id="creation goes like a removal"),
]


@pytest.mark.parametrize(("kinds", "slots"), V2)
def test_slots_within_the_v2_limits(kinds: list[RequestKind], slots: list[tuple[RequestKind, float, int]]) -> None:
    queue = RequestQueue(v2.RATE_LIMITS)
    for kind in kinds:
        queue.enqueue(queued(kind))
    assert schedule(queue, 0.0) == slots


def test_v2_limits_count_the_requests_that_were_sent() -> None:
    queue = RequestQueue(v2.RATE_LIMITS)
    for now in (0.0, 10.0, 20.0, 30.0):
        queue.enqueue(queued(C))
        queue.pop(next(queue.schedule(now)), now)
    for _ in range(3):
        queue.enqueue(queued(C))
    assert schedule(queue, 30.0) == [(C, 62, 0), (C, 72, 1), (C, 82, 2)]
    assert schedule(queue, 75.0) == [(C, 75, 0), (C, 75, 1), (C, 82, 2)]


@given(
    kinds=st.lists(st.sampled_from(RequestKind), max_size=40),
    blocked=st.dictionaries(st.sampled_from(RequestKind), st.floats(0, 100)),
)
def test_no_minute_has_more_requests_than_the_v2_limit(
    kinds: list[RequestKind], blocked: dict[RequestKind, float]
) -> None:
    queue = RequestQueue(v2.RATE_LIMITS)
    for kind in kinds:
        queue.enqueue(queued(kind))
    for kind, until in blocked.items():
        queue.block(kind, until)
    slots = list(queue.schedule(0.0))
    assert len(slots) == len(kinds)
    assert all(later.at >= earlier.at for earlier, later in itertools.pairwise(slots))
    for limit in v2.RATE_LIMITS:
        times = [slot.at for slot in slots if slot.request.kind in limit.kinds]
        assert all(
            later - earlier >= 62 - 1e-9 for earlier, later in zip(times, times[limit.max_requests :], strict=False)
        )


def test_step_of_a_started_operation_goes_first() -> None:
    queue = RequestQueue(v1.RATE_LIMITS)
    queue.enqueue(queued(R))
    queue.enqueue(step := queued(C, started=True))
    assert next(slot.request for slot in queue.schedule(0.0)) is step


def test_interval_holds_after_each_request_and_idle_time_saves_none() -> None:
    queue = RequestQueue(v1.RATE_LIMITS)
    for _ in range(2):
        queue.enqueue(queued(R))
    queue.pop(next(queue.schedule(0.0)), 0.0)
    assert schedule(queue, 0.4) == [(R, 1.05, 0)]
    queue.pop(next(queue.schedule(90.0)), 90.0)
    queue.enqueue(queued(R))
    assert schedule(queue, 90.0) == [(R, 91.05, 0)]


def test_queue_holds_fifty_requests_and_always_accepts_a_started_step() -> None:
    queue = RequestQueue(v1.RATE_LIMITS)
    *_, last = requests = [queued(R) for _ in range(50)]
    assert all(map(queue.enqueue, requests))
    assert not queue.enqueue(queued(R))
    assert queue.enqueue(queued(C, started=True))
    queue.remove(last)
    assert queue.enqueue(queued(R))
    queue.remove(queued(R))


def test_block_is_never_shortened() -> None:
    queue = RequestQueue(v1.RATE_LIMITS)
    queue.block(R, 60)
    queue.block(R, 10)
    assert queue.blocked_until(R) == 60


@given(
    kinds=st.lists(st.tuples(st.sampled_from(RequestKind), st.booleans()), max_size=12),
    blocked=st.dictionaries(st.sampled_from(RequestKind), st.floats(0, 100)),
)
def test_each_request_has_one_slot_at_the_interval_and_none_while_blocked(
    kinds: list[tuple[RequestKind, bool]], blocked: dict[RequestKind, float]
) -> None:
    queue = RequestQueue(v1.RATE_LIMITS)
    requests = [queued(kind, started=started) for kind, started in kinds]
    assert all(map(queue.enqueue, requests))
    for kind, until in blocked.items():
        queue.block(kind, until)
    slots = list(queue.schedule(0.0))
    assert {slot.request.sequence for slot in slots} == {request.sequence for request in requests}
    assert all(later.at - earlier.at >= 1.049 for earlier, later in itertools.pairwise(slots))
    assert all(slot.at >= blocked.get(slot.request.kind, 0) for slot in slots)
