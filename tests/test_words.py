"""Sentences, and what is done to strangers' text before it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import words
from bot.cad.model import Answer, CallRef, End, Place, Why
from bot.entries import CREATE
from bot.removals import Outcome
from bot.text import cut, quoted

AT_ONCE = {Why.REMOVED_BEFORE, Why.BREAKER}
"""Each of these goes with one end, and has a test of its own."""


def test_every_cause_has_words_and_every_outcome_says_what_to_do() -> None:
    for why in set(Why) - AT_ONCE:
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


def test_after_a_restart_it_says_that_nothing_was_sent_and_what_to_do() -> None:
    not_sent = Answer(End.NOT_SENT, Why.RESTARTED)
    said = words.outcome(Outcome(CallRef(1, 302), not_sent))
    assert said.endswith("Nothing was sent to the CAD. If the call is still there, run the command again.")
    said = words.outcome(Outcome(CallRef(1, 302), not_sent, action=CREATE))
    assert said.endswith("Nothing was sent to the CAD. If the call is still needed, create it in the CAD.")


def test_nobody_is_told_to_remove_what_they_wanted_to_create() -> None:
    said = words.outcome(Outcome(CallRef(1, 302), Answer(End.NOT_SENT, Why.JOURNAL), action=CREATE))
    assert "remove" not in said
    assert "remove the call in the CAD" in words.outcome(Outcome(CallRef(1, 302), Answer(End.NOT_SENT, Why.JOURNAL)))


@pytest.mark.parametrize("why", [Why.NO_CONNECTION, Why.LINE_FULL, Why.CLOSING, Why.BUSY])
def test_nobody_is_told_to_create_again_what_can_be_created_once_only(why: Why) -> None:
    said = words.outcome(Outcome(CallRef(1, 302), Answer(End.NOT_SENT, why, at=1790000000), action=CREATE))
    assert "Try again" not in said
    assert said.endswith(". If the call is still needed, create it in the CAD.")


@pytest.mark.parametrize("end", [End.REJECTED, End.UNKNOWN])
def test_the_cads_reference_is_said_once(end: End) -> None:
    said = words.outcome(Outcome(CallRef(1, 302), Answer(end, Why.SERVER_ERROR, reference="00-ab")))
    assert said.count("00-ab") == 1


def test_a_brief_answer_that_is_not_known_still_says_what_to_do() -> None:
    for why in set(Why) - AT_ONCE:
        answer = Answer(End.UNKNOWN, why, "x" * 500, 502, reference="a" * 100, at=1790000000)
        said = words.outcome(Outcome(CallRef(2**31 - 1, 2**31 - 1), answer), brief=True)
        assert "Look at the CAD: if the call is still there, run the command again." in said
        assert len(said) <= words.BRIEF


def test_a_list_of_servers_is_said_with_its_age() -> None:
    said = words.outcome(Outcome(CallRef(9, 302), Answer(End.REJECTED, Why.NO_SUCH_SERVER, at=1790000000)))
    assert said.endswith("Its servers were last listed <t:1790000000:R>.")


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


def test_an_unknown_refusal_is_shown_and_nothing_is_claimed_of_a_reason_that_is_not_there() -> None:
    shown = words.outcome(Outcome(CallRef(1, 302), Answer(End.REJECTED, Why.OTHER_REFUSAL, "NO  `WAY`\n!", 418)))
    assert "It said `NO 'WAY' !` (HTTP 418)." in shown
    shown = words.outcome(Outcome(CallRef(1, 302), Answer(End.REJECTED, Why.OTHER_REFUSAL, "\n", 400)))
    assert "No reason is known (HTTP 400)." in shown


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
