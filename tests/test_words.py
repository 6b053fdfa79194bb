"""Sentences, and what is done to strangers' text before it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import words
from bot.cad.model import Answer, CallRef, End, Place, Why
from bot.removals import Outcome
from bot.text import cut, quoted


def test_every_cause_has_words_and_every_outcome_says_what_to_do() -> None:
    # Each of these two goes with one end, and has a test of its own.
    for why in set(Why) - {Why.REMOVED_BEFORE, Why.BREAKER}:
        for end in End:
            text = words.outcome(Outcome(CallRef(1, 302), Answer(end, why)))
            assert "302" in text
            assert text.startswith("✅") == ("server **1** was removed." in text) == (end is End.REMOVED)
            assert ("is **not known**" in text) == ("Look at the CAD" in text) == (end is End.UNKNOWN)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(End.NOT_SENT, Why.BUSY, status=429, at=1790000000.4), "Try again <t:1790000000:R>."),
        (Answer(End.NOT_SENT, Why.BUSY, status=429), "Try again in a minute."),
        (Answer(End.UNKNOWN, Why.NO_ANSWER, at=1790000000), "The CAD still listed it as open at <t:1790000000:T>."),
        (
            Answer(End.NOT_SENT, Why.BREAKER, status=400, at=1790000000, because=Why.API_KEY),
            "Nothing was sent: the CAD refused this bot <t:1790000000:R>. The CAD did not accept the API key.",
        ),
    ],
)
def test_times_are_shown_in_each_readers_own_way(answer: Answer, says: str) -> None:
    assert says in words.outcome(Outcome(CallRef(1, 302), answer))


def test_a_call_that_this_bot_removed_before() -> None:
    before = Outcome(CallRef(1, 302), Answer(End.GONE, Why.REMOVED_BEFORE, at=1790000000), removed_by=42)
    assert words.outcome(before) == (
        "☑️ Call **302** on server **1** is not there. This bot removed it <t:1790000000:R>, for <@42>."
    )


@pytest.mark.parametrize(("ahead", "says"), [(0, "it is the next"), (1, "one is before it"), (7, "7 are before it")])
def test_a_place_in_the_line(ahead: int, says: str) -> None:
    assert words.waiting(CallRef(1, 302), Place(ahead, 1790000000)) == (
        f"⏳ Call **302** on server **1** waits for its turn at the CAD: {says}. Its turn should come <t:1790000000:R>."
    )


def test_an_unknown_refusal_is_shown_and_an_empty_one_said_to_be_empty() -> None:
    shown = words.outcome(Outcome(CallRef(1, 302), Answer(End.REJECTED, Why.OTHER_REFUSAL, "NO  `WAY`\n!", 418)))
    assert "It said `NO 'WAY' !` (HTTP 418)." in shown
    shown = words.outcome(Outcome(CallRef(1, 302), Answer(End.REJECTED, Why.OTHER_REFUSAL, "\n", 400)))
    assert "It gave no reason (HTTP 400)." in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a`b``c", "`a'b''c`"),
        ("two\r\nlines\tand\x1b[31m more", "`two lines and[31m more`"),
        ("abc\u202edef\u2066\u200f", "`abcdef`"),
        ("", "` `"),
        ("**bold** @everyone <@1>", "`**bold** @everyone <@1>`"),
        ("👩‍🚒 Zoë", "`👩‍🚒 Zoë`"),
    ],
)
def test_a_strangers_text(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("abcde\u0301fg", 6, "abcd…"),
        ("ab👩‍🚒cd", 4, "ab…"),
        ("ab👍🏽cd", 4, "ab…"),
    ],
)
def test_a_cut_is_never_inside_a_character(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown


@given(text=st.text(), most=st.integers(1, 50))
def test_what_is_shown_is_one_line_and_no_longer_than_it_may_be(text: str, most: int) -> None:
    shown = quoted(text, most)
    assert len(shown) <= most + 2
    assert shown.count("`") == 2
    assert len(shown.splitlines()) == 1
