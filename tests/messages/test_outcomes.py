"""Sentences about results."""

from __future__ import annotations

import pytest

from bot.cad.models import CallRef
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.journal.entries import CREATE, REMOVE
from bot.messages import outcomes
from bot.removals.result import RemovalResult

REF = CallRef(1, 302)
AT = 1790000000


def text(result: Result, action: str = REMOVE, *, brief: bool = False) -> str:
    return outcomes.removal_text(RemovalResult(REF, result, action=action), brief=brief)


def test_every_reason_has_a_text_for_every_outcome() -> None:
    for reason in Reason:
        for outcome in Outcome:
            said = text(Result(outcome, reason), CREATE if outcome is Outcome.CREATED else REMOVE)
            assert "**302**" in said
            assert said.startswith("✅") == (outcome in (Outcome.REMOVED, Outcome.CREATED))
            assert ("**302** removed (" in said) == (outcome is Outcome.REMOVED)
            assert ("**302** is back" in said) == (outcome is Outcome.CREATED)
            assert ("**302** not removed (" in said) == (outcome in (Outcome.REJECTED, Outcome.NOT_SENT))
            assert ("**Check the CAD**" in said) == said.startswith("⚠️") == (outcome is Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            Result(Outcome.NOT_SENT, Reason.BUSY, status=429, retry_at=1790000000.4),
            "❌ Call **302** not removed (server **1**): the CAD is busy. Try again <t:1790000000:R>.",
        ),
        (
            Result(Outcome.NOT_SENT, Reason.BUSY, status=429),
            "❌ Call **302** not removed (server **1**): the CAD is busy. Try again in a minute.",
        ),
        (
            Result(Outcome.UNKNOWN, Reason.NO_ANSWER),
            (
                "⚠️ Call **302** (server **1**): no answer from the CAD. "
                "**Check the CAD**; if it is still open, run this again."
            ),
        ),
        (
            Result(Outcome.UNKNOWN, Reason.NO_ANSWER, seen_open_at=AT),
            (
                "⚠️ Call **302** (server **1**): no answer from the CAD. It was still open at <t:1790000000:T>. "
                "**Check the CAD**; if it is still open, run this again."
            ),
        ),
        (
            Result(Outcome.NOT_SENT, Reason.BREAKER, status=400, opened_at=AT, breaker_reason=Reason.API_KEY),
            (
                "❌ Call **302** not removed (server **1**): the bot is paused because the CAD rejected the API key. "
                "Tell an admin: fix `SONORAN_API_KEY`, then restart the bot."
            ),
        ),
        (
            Result(Outcome.REJECTED, Reason.NO_SUCH_SERVER, listed_at=AT),
            "❌ Call **302** not removed (server **1**): your CAD has no server **1** (as of <t:1790000000:R>).",
        ),
        (
            Result(Outcome.REJECTED, Reason.NO_SUCH_SERVER),  # from the journal, after a restart
            "❌ Call **302** not removed (server **1**): your CAD had no server **1**.",
        ),
        (
            Result(Outcome.NOT_SENT, Reason.RESTARTED),
            (
                "❌ Call **302** not removed (server **1**): the bot restarted before it sent the request. "
                "Still open? Run this again."
            ),
        ),
        (
            Result(Outcome.NOT_SENT, Reason.JOURNAL),
            (
                "❌ Call **302** not removed (server **1**): the bot can't write its journal. "
                "Remove the call in the CAD, and tell an admin."
            ),
        ),
        (
            Result(Outcome.REJECTED, Reason.OTHER_REFUSAL, "NO  `WAY`\n!", 418),
            (
                "❌ Call **302** not removed (server **1**): the CAD refused it. Tell an admin: "
                "ask the CAD's support for the reason. It said `NO 'WAY' !` (HTTP 418)."
            ),
        ),
    ],
)
def test_result_is_told_with_what_to_do(result: Result, expected: str) -> None:
    assert text(result) == expected


def test_refusal_without_a_text_says_so() -> None:
    assert text(Result(Outcome.REJECTED, Reason.OTHER_REFUSAL, "\n", 400)).endswith("It gave no reason (HTTP 400).")


@pytest.mark.parametrize(
    "reason", [Reason.NO_CONNECTION, Reason.LINE_FULL, Reason.CLOSING, Reason.BUSY, Reason.JOURNAL, Reason.RESTARTED]
)
def test_recreation_that_was_not_sent_is_not_to_be_tried_again(reason: Reason) -> None:
    said = text(Result(Outcome.NOT_SENT, reason, retry_at=AT), CREATE)
    assert said.startswith("❌ Call **302** not re-created (server **1**): ")
    assert said.endswith(". If the call is still needed, create it in the CAD.")
    assert "remove" not in said


def test_unknown_recreation_names_what_it_was() -> None:
    assert text(Result(Outcome.UNKNOWN, Reason.NO_ANSWER), CREATE) == (
        "⚠️ Re-creating call **302** (server **1**): no answer from the CAD. "
        "**Check the CAD**; if it isn't back, create it there."
    )


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.UNKNOWN])
def test_cads_reference_is_shown_once(outcome: Outcome) -> None:
    assert text(Result(outcome, Reason.SERVER_ERROR, reference="00-ab")).count("00-ab") == 1


def test_brief_unknown_result_still_says_what_to_do() -> None:
    for reason in Reason:
        result = Result(Outcome.UNKNOWN, reason, "x" * 500, 502, reference="a" * 100, seen_open_at=AT)
        said = outcomes.removal_text(RemovalResult(CallRef(2**31 - 1, 2**31 - 1), result), brief=True)
        assert "**Check the CAD**; if it is still open" in said
        assert len(said) <= outcomes.MAX_BRIEF


def test_earlier_removal_is_shown_with_time_and_member() -> None:
    before = RemovalResult(REF, Result(Outcome.GONE, Reason.REMOVED_BEFORE, removed_at=AT), removed_by=42)
    assert outcomes.removal_text(before) == (
        "☑️ Call **302** was already removed (server **1**), by <@42>, <t:1790000000:R>. Still open? Run this again."
    )


@pytest.mark.parametrize(("ahead", "expected"), [(0, "next"), (1, "number 2"), (7, "number 8")])
def test_queue_position_is_shown_with_the_expected_time(ahead: int, expected: str) -> None:
    assert outcomes.queued(REF, QueuePosition(ahead, AT)) == (
        f"⏳ Call **302** is {expected} in line (server **1**). Its turn comes <t:1790000000:R>."
    )
