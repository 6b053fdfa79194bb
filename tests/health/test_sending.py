"""What status says of requests that are not sent any more."""

from __future__ import annotations

import pytest

from bot.cad.model import Answer, End, Kind, Why
from bot.health import Finding, Level
from bot.health.cad_side import sending


def held(because: Why) -> Answer:
    return Answer(End.NOT_SENT, Why.BREAKER, status=400, because=because, at=1000.0)


@pytest.mark.parametrize(
    ("kinds", "why", "stopped", "remedy"),
    [
        pytest.param(tuple(Kind), Why.API_OFF, "for everything, ", "Switch it on: ", id="everything"),
        pytest.param((Kind.REMOVE,), Why.ENDPOINT_OFF, "for removals, ", "Switch it on: ", id="removals alone"),
        pytest.param(
            (Kind.CALLS, Kind.SERVERS),
            Why.PLAN,
            "for lists of calls, lists of servers, ",
            "It needs Standard",
            id="two",
        ),
    ],
)
def test_what_is_held_back_is_named_with_its_cause_and_remedy(
    kinds: tuple[Kind, ...], why: Why, stopped: str, remedy: str
) -> None:
    found = sending({kind: held(why) for kind in kinds})
    assert found.level is Level.FAIL
    assert found.found.startswith(f"stopped <t:1000:R> {stopped}")
    assert found.found.endswith("(HTTP 400)")
    assert found.remedy.startswith(remedy)
    assert found.remedy.endswith("Then use this command again: an answer of the CAD's lets it go on")


def test_nothing_is_held_back() -> None:
    assert sending({}) == Finding("sending", "requests go out")
