"""The circuit breaker: which results open it, and for which kinds of request."""

from __future__ import annotations

import pytest

from bot.cad.circuit_breaker import CircuitBreaker
from bot.cad.remedies import pause_text
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Reason, Result

R = RequestKind.REMOVE


@pytest.mark.parametrize(
    ("reason", "opens"),
    [
        (Reason.REQUEST_TYPE, set(RequestKind)),
        (Reason.COMMUNITY_ID, set(RequestKind)),
        (Reason.API_OFF, set(RequestKind)),
        (Reason.API_KEY, set(RequestKind)),
        (Reason.ENDPOINT_OFF, {R}),
        (Reason.PLAN, {R}),
        (Reason.FORBIDDEN, {R}),
        (Reason.WRONG_URL, set[RequestKind]()),
        (Reason.OTHER_REFUSAL, set[RequestKind]()),
        (Reason.BUSY, set[RequestKind]()),
        (Reason.NO_ANSWER, set[RequestKind]()),
    ],
)
def test_reasons_that_open_the_breaker(reason: Reason, opens: set[RequestKind]) -> None:
    breaker = CircuitBreaker()
    assert breaker.record(R, Result(Outcome.REJECTED, reason, "text", 400), now=7.0) == bool(opens)
    assert {kind for kind in RequestKind if breaker.blocked_result(kind)} == opens
    for kind in opens:
        rejection = breaker.blocked_result(kind)
        assert rejection is not None
        assert (rejection.outcome, rejection.reason, rejection.breaker_reason, rejection.opened_at) == (
            Outcome.NOT_SENT,
            Reason.BREAKER,
            reason,
            7.0,
        )
    assert breaker.record(R, Result(Outcome.REJECTED, reason), now=8.0) is False  # blocked already
    assert breaker.reset() == bool(opens)
    assert not any(breaker.blocked_result(kind) for kind in RequestKind)
    assert breaker.reset() is False


@pytest.mark.parametrize(
    ("kinds", "reason", "what", "why"),
    [
        (list(RequestKind), Reason.WRONG_URL, "sends nothing to the CAD", "`SONORAN_API_URL` isn't the CAD's address."),
        ([R], Reason.PLAN, "sends no removals to the CAD", "The CAD's plan doesn't include this. Get **Standard** or"),
        (
            [RequestKind.CALLS],
            Reason.PLAN,
            "sends no lists of calls to the CAD",
            "include this. Get **Plus**, then run",
        ),
        ([R, RequestKind.CREATE], Reason.FORBIDDEN, "sends no removals, re-creations to the CAD", "Find out why, then"),
    ],
)
def test_pause_is_told_with_cause_and_remedy(kinds: list[RequestKind], reason: Reason, what: str, why: str) -> None:
    blocked = Result(Outcome.NOT_SENT, Reason.BREAKER, breaker_reason=reason)
    told = pause_text(dict.fromkeys(kinds, blocked))
    assert told[0] == what
    assert why in told[1]
