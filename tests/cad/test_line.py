"""The line's policy, by table: the test is the clock."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cad import v2
from bot.cad.breaker import Breaker
from bot.cad.line import BUSY, Line, Waiting, busy_for
from bot.cad.model import Answer, End, Kind, Why
from bot.cad.wire import seconds_to_wait

R, K, C, V = Kind.REMOVE, Kind.CREATE, Kind.CALLS, Kind.VERSION


def waiting(kind: Kind, *, begun: bool = False) -> Waiting:
    return Waiting(kind, latest=600.0, begun=begun)


def schedule(line: Line, now: float) -> list[tuple[Kind, float, int]]:
    return [(turn.who.kind, round(turn.at, 2), turn.ahead) for turn in line.turns(now)]


@pytest.mark.parametrize(
    ("joining", "closed", "turns"),
    [
        pytest.param([R], {}, [(R, 0, 0)], id="the first goes at once"),
        pytest.param([R, R, R], {}, [(R, 0, 0), (R, 1.05, 1), (R, 2.1, 2)], id="no burst"),
        pytest.param([V, C, R], {}, [(R, 0, 0), (C, 1.05, 1), (V, 2.1, 2)], id="removals before look-ups"),
        pytest.param([R, R], {R: 60}, [(R, 60, 0), (R, 61.05, 1)], id="a closed kind waits"),
        pytest.param([R, C, V], {R: 60}, [(C, 0, 0), (V, 1.05, 1), (R, 60, 2)], id="and lets the others pass"),
        pytest.param([R, C], {R: 1, C: 5}, [(R, 1, 0), (C, 5, 1)], id="two closed kinds"),
        pytest.param([], {}, [], id="nobody"),
    ],
)
def test_turns(joining: list[Kind], closed: dict[Kind, float], turns: list[tuple[Kind, float, int]]) -> None:
    line = Line()
    for kind in joining:
        assert line.join(waiting(kind))
    for kind, until in closed.items():
        line.close(kind, until)
    assert schedule(line, 0.0) == turns


V2 = [
    pytest.param([R] * 9, [(R, 0, number) for number in range(8)] + [(R, 62, 8)], id="eight a minute at once"),
    pytest.param(
        [R] * 17, [(R, 62 * (number // 8), number) for number in range(17)], id="and eight in each minute after that"
    ),
    pytest.param([C] * 5 + [V], [(C, 0, n) for n in range(4)] + [(V, 0, 4), (C, 62, 5)], id="each kind by itself"),
    pytest.param([V, C, K, R], [(K, 0, 0), (R, 0, 1), (C, 0, 2), (V, 0, 3)], id="a creation is like a removal"),
]


@pytest.mark.parametrize(("joining", "turns"), V2)
def test_turns_within_v2s_windows(joining: list[Kind], turns: list[tuple[Kind, float, int]]) -> None:
    line = Line(v2.LIMITS)
    for kind in joining:
        line.join(waiting(kind))
    assert schedule(line, 0.0) == turns


def test_a_window_slides_with_what_really_went() -> None:
    line = Line(v2.LIMITS)
    for now in (0.0, 10.0, 20.0, 30.0):
        line.join(waiting(C))
        line.take(next(line.turns(now)), now)
    for _ in range(3):
        line.join(waiting(C))
    assert schedule(line, 30.0) == [(C, 62, 0), (C, 72, 1), (C, 82, 2)]
    assert schedule(line, 75.0) == [(C, 75, 0), (C, 75, 1), (C, 82, 2)]


@given(
    joining=st.lists(st.sampled_from(Kind), max_size=40),
    closed=st.dictionaries(st.sampled_from(Kind), st.floats(0, 100)),
)
def test_no_stretch_of_a_minute_has_more_than_the_window_takes(joining: list[Kind], closed: dict[Kind, float]) -> None:
    line = Line(v2.LIMITS)
    for kind in joining:
        line.join(waiting(kind))
    for kind, until in closed.items():
        line.close(kind, until)
    turns = list(line.turns(0.0))
    assert len(turns) == len(joining)
    assert all(later.at >= earlier.at for earlier, later in itertools.pairwise(turns))
    for window in v2.LIMITS:
        times = [turn.at for turn in turns if turn.who.kind in window.kinds]
        assert all(later - earlier >= 62 - 1e-9 for earlier, later in zip(times, times[window.many :], strict=False))


def test_who_has_begun_goes_before_who_has_not() -> None:
    line = Line()
    line.join(waiting(R))
    line.join(step := waiting(C, begun=True))
    assert next(turn.who for turn in line.turns(0.0)) is step


def test_the_pace_holds_after_a_turn_and_is_not_saved_up() -> None:
    line = Line()
    for _ in range(2):
        line.join(waiting(R))
    line.take(next(line.turns(0.0)), 0.0)
    assert schedule(line, 0.4) == [(R, 1.05, 0)]
    line.take(next(line.turns(90.0)), 90.0)
    line.join(waiting(R))
    assert schedule(line, 90.0) == [(R, 91.05, 0)]


def test_the_line_is_fifty_deep_and_a_step_is_always_taken() -> None:
    line = Line()
    assert all(line.join(waiting(R)) for _ in range(50))
    assert not line.join(waiting(R))
    assert line.join(waiting(C, begun=True))
    line.leave(line.everybody()[-1])
    assert line.join(waiting(R))
    line.leave(waiting(R))


def test_a_closing_is_never_shortened() -> None:
    line = Line()
    line.close(R, 60)
    line.close(R, 10)
    assert line.opens_at(R) == 60


@given(
    joining=st.lists(st.tuples(st.sampled_from(Kind), st.booleans()), max_size=12),
    closed=st.dictionaries(st.sampled_from(Kind), st.floats(0, 100)),
)
def test_everybody_has_one_turn_at_the_pace_and_none_while_closed(
    joining: list[tuple[Kind, bool]], closed: dict[Kind, float]
) -> None:
    line = Line()
    for kind, begun in joining:
        line.join(waiting(kind, begun=begun))
    for kind, until in closed.items():
        line.close(kind, until)
    turns = list(line.turns(0.0))
    assert {turn.who.number for turn in turns} == {who.number for who in line.everybody()}
    assert all(later.at - earlier.at >= 1.049 for earlier, later in itertools.pairwise(turns))
    assert all(turn.at >= closed.get(turn.who.kind, 0) for turn in turns)


@pytest.mark.parametrize(("advice", "seconds"), [(None, BUSY), (0.0, 0.0), (5.0, 5.0), (86400.0, 900.0)])
def test_how_long_a_kind_is_closed(advice: float | None, seconds: float) -> None:
    assert busy_for(advice) == seconds


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        (None, None, None),
        ("5", None, 5.0),
        ("0", None, 0.0),
        ("1.5", None, 1.5),
        ("86400", None, 86400.0),
        ("-5", None, None),
        ("inf", None, None),
        ("nan", None, None),
        ("soon", None, None),
        ("", None, None),
        ("9" * 400, None, None),
        ("٥", None, None),
        ("Mon, 23 Nov 2026 10:00:30 GMT", "Mon, 23 Nov 2026 10:00:00 GMT", 30.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", "Mon, 23 Nov 2026 10:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 10:00:30 -0000", "Mon, 23 Nov 2026 10:00:00 GMT", 30.0),
        ("Mon, 99 Nov 2026 10:00:30 GMT", "Mon, 23 Nov 2026 10:00:00 GMT", None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", "garbage", None),
    ],
)
def test_the_advice_to_wait(header: str | None, date: str | None, seconds: float | None) -> None:
    if date == "garbage":  # then our own clock counts
        assert (seconds_to_wait(header, date) or 0) > 1e9
    else:
        assert seconds_to_wait(header, date) == seconds


@given(header=st.text(), date=st.none() | st.text())
def test_no_advice_raises(header: str, date: str | None) -> None:
    seconds = seconds_to_wait(header, date)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("why", "opens"),
    [
        (Why.REQUEST_TYPE, set(Kind)),
        (Why.COMMUNITY_ID, set(Kind)),
        (Why.API_OFF, set(Kind)),
        (Why.API_KEY, set(Kind)),
        (Why.ENDPOINT_OFF, {R}),
        (Why.PLAN, {R}),
        (Why.FORBIDDEN, {R}),
        (Why.WRONG_URL, set[Kind]()),
        (Why.OTHER_REFUSAL, set[Kind]()),
        (Why.BUSY, set[Kind]()),
        (Why.NO_ANSWER, set[Kind]()),
    ],
)
def test_what_opens_the_breaker(why: Why, opens: set[Kind]) -> None:
    breaker = Breaker()
    assert breaker.heed(R, Answer(End.REJECTED, why, "text", 400), at=7.0) == bool(opens)
    assert {kind for kind in Kind if breaker.refusal(kind)} == opens
    for kind in opens:
        refusal = breaker.refusal(kind)
        assert refusal is not None
        assert (refusal.end, refusal.why, refusal.because, refusal.at) == (End.NOT_SENT, Why.BREAKER, why, 7.0)
    breaker.close()
    assert not any(breaker.refusal(kind) for kind in Kind)
