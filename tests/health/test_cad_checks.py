"""What status says of requests that are not sent any more."""

from __future__ import annotations

import pytest

from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Reason, Result
from bot.health.cad_checks import check_sending
from bot.health.finding import Finding, Severity


def held(because: Reason) -> Result:
    return Result(Outcome.NOT_SENT, Reason.BREAKER, status=400, breaker_reason=because, opened_at=1000.0)


@pytest.mark.parametrize(
    ("kinds", "why", "stopped", "remedy"),
    [
        pytest.param(tuple(RequestKind), Reason.API_OFF, "for everything, ", "Switch it on: ", id="everything"),
        pytest.param(
            (RequestKind.REMOVE,), Reason.ENDPOINT_OFF, "for removals, ", "Switch it on: ", id="removals alone"
        ),
        pytest.param(
            (RequestKind.CALLS, RequestKind.SERVERS),
            Reason.PLAN,
            "for lists of calls, lists of servers, ",
            "It needs Standard",
            id="two",
        ),
    ],
)
def test_open_breaker_is_reported_with_cause_and_remedy(
    kinds: tuple[RequestKind, ...], why: Reason, stopped: str, remedy: str
) -> None:
    found = check_sending({kind: held(why) for kind in kinds})
    assert found.severity is Severity.FAIL
    assert found.state.startswith(f"stopped <t:1000:R> {stopped}")
    assert found.state.endswith("(HTTP 400)")
    assert found.remedy.startswith(remedy)
    assert found.remedy.endswith("Then use this command again: if the CAD answers, the bot goes on")


def test_closed_breaker_reports_that_requests_go_out() -> None:
    assert check_sending({}) == Finding("requests", "OK")
