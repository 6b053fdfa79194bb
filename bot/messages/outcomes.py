"""Sentences about the result of a removal or a re-creation: sign, call, result, and what to do next."""

from __future__ import annotations

from bot.cad.models import CallRef
from bot.cad.remedies import REMEDIES
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.journal.entries import CREATE
from bot.messages.calls import NO_RESULT, as_of, call_name, describe, server_name
from bot.removals.result import RemovalResult
from bot.text import clean, quoted, relative_time, truncate

MAX_BRIEF = 190
"""Characters of one of several results in a reply, so that ten of them fit into a message."""
MAX_SERVERS = 4
"""Servers that are named where a server is not one of them."""

SIGNS = {
    Outcome.REMOVED: "✅",
    Outcome.GONE: "☑️",
    Outcome.GONE_UNCONFIRMED: "☑️",
    Outcome.REJECTED: "❌",
    Outcome.NOT_SENT: "❌",
    Outcome.UNKNOWN: "⚠️",
    Outcome.CREATED: "✅",
}

_SOON = "Try again in a minute."
_IF_OPEN = "Still open? Run this again."
# Why something was not done, though no person has to fix the CAD or the settings, and what to do.
_NOT_DONE = {
    Reason.NO_CONNECTION: ("the CAD can't be reached", _SOON),
    Reason.BUSY: ("the CAD is busy", _SOON),
    Reason.LINE_FULL: ("too many requests are waiting", _SOON),
    Reason.PLAN_UNKNOWN: ("the CAD's plan is not known yet", "Try again. If that doesn't help, tell an admin."),
    Reason.CLOSING: ("the bot is shutting down", "Try again when it is back."),
    Reason.EXPIRED: ("it waited too long", "Try again."),
    Reason.RESTARTED: ("the bot restarted before it sent the request", _IF_OPEN),
    Reason.OUR_BUG: ("the bot failed before it sent the request", _IF_OPEN),
    Reason.JOURNAL: ("the bot can't write its journal", "Remove the call in the CAD, and tell an admin."),
}
# What is known of a request that may have been carried out.
_UNKNOWN = {
    Reason.NO_ANSWER: "no answer from the CAD",
    Reason.CONNECTION_LOST: "the connection broke",
    Reason.SERVER_ERROR: "the CAD had an error",
    Reason.UNREADABLE: "the CAD's answer couldn't be read",
    Reason.UNCLEAR: "the CAD's answer is unclear",
    Reason.STOPPED: "the bot stopped meanwhile",
    Reason.RESTARTED: "the bot restarted meanwhile",
    Reason.OUR_BUG: "the bot failed meanwhile",
}
_QUOTES_CAD = (Reason.OTHER_REFUSAL, Reason.FORBIDDEN, Reason.UNCLEAR)


def removal_text(removal: RemovalResult, *, brief: bool = False) -> str:
    """Return the text that shows the result of a removal or a re-creation.

    If `brief`, for one of several results in a reply: one line of at most `MAX_BRIEF` characters, without the call.
    """
    result, creating = removal.result, removal.action == CREATE
    call, where = f"Call **{removal.ref.call_id}**", f"(server **{removal.ref.server_id}**)"
    match result.outcome:
        case Outcome.REMOVED:
            text = f"{call} removed {where}."
        case Outcome.CREATED:
            number = "" if result.new_call_id is None else f" as **{result.new_call_id}**"
            text = f"{call} is back{number} {where}."
        case Outcome.GONE:
            text = _gone(removal)
        case Outcome.GONE_UNCONFIRMED:
            but = "it is off the open list" if result.reason is Reason.NOT_LISTED else "it no longer has the call"
            text = f"{call} is gone {where}. The CAD didn't confirm it, but {but}."
        case Outcome.UNKNOWN:
            subject = f"Re-creating call **{removal.ref.call_id}**" if creating else call
            text = f"{subject} {where}: {_unknown(removal)}"
        case Outcome.REJECTED | Outcome.NOT_SENT:
            text = f"{call} not {'re-created' if creating else 'removed'} {where}: {_not_done(removal)}"
    text = " ".join([SIGNS[result.outcome], text, *_details(removal)])
    if brief:
        return truncate(text, MAX_BRIEF)
    if result.outcome in (Outcome.REMOVED, Outcome.GONE_UNCONFIRMED) and removal.call is not None:
        text = "\n".join([text, *describe(removal.call)])
    return text


def is_final(text: str) -> bool:
    """Return True if a reply shows results that stay, and in no line "waits" or "not known"."""
    stays = tuple(sign for outcome, sign in SIGNS.items() if outcome is not Outcome.UNKNOWN)
    return text.startswith(stays) and not any(
        line.startswith(("⏳", SIGNS[Outcome.UNKNOWN])) for line in text.splitlines()
    )


def says_removed(text: str, ref: CallRef) -> bool:
    """Return True if a reply shows that this call was removed."""
    removed = removal_text(RemovalResult(ref, Result(Outcome.REMOVED, Reason.CONFIRMED)))
    return any(line.startswith(removed) for line in text.splitlines())


def queued(ref: CallRef, position: QueuePosition) -> str:
    """Return where a request stands in the queue, and when it is expected to be sent."""
    place = f"number {position.ahead + 1}" if position.ahead else "next"
    expected = relative_time(position.expected_at)
    return f"⏳ Call **{ref.call_id}** is {place} in line (server **{ref.server_id}**). Its turn comes {expected}."


def still_waiting(ref: CallRef) -> str:
    """Return that a request had its turn, and that nothing has come yet."""
    return f"⏳ {call_name(ref).capitalize()}: still waiting for the CAD (up to 25 seconds). {NO_RESULT}"


def _gone(removal: RemovalResult) -> str:
    result, ref = removal.result, removal.ref
    call, where = f"Call **{ref.call_id}**", f"(server **{ref.server_id}**)"
    when = "" if result.removed_at is None else relative_time(result.removed_at)
    if result.reason is Reason.REMOVED_BEFORE:
        by = "" if removal.removed_by is None else f"by <@{removal.removed_by}>"
        told = ", ".join(filter(None, [f"{call} was already removed {where}", by, when]))
        return f"{told}. {_IF_OPEN}"
    if result.reason is Reason.UNCONFIRMED_BEFORE:
        request = "a request" if removal.removed_by is None else f"<@{removal.removed_by}>'s request"
        return f"{call} was gone {where} after {request} {when}, not confirmed. {_IF_OPEN}"
    if removal.elsewhere is not None:
        other, listed_at = removal.elsewhere
        there = f"on {server_name(other.ref.server_id, removal.servers)}{as_of(listed_at)}"
        return (
            f"No call **{ref.call_id}** on server **{ref.server_id}**. There is a call **{other.ref.call_id}** {there}."
        )
    return f"No call **{ref.call_id}** on server **{ref.server_id}**: it is gone, or a number is wrong."


def _unknown(removal: RemovalResult) -> str:
    result = removal.result
    cause = _UNKNOWN.get(result.reason, _UNKNOWN[Reason.NO_ANSWER])
    seen = "" if result.seen_open_at is None else f" It was still open at <t:{result.seen_open_at:.0f}:T>."
    if removal.action == CREATE:
        return f"{cause}. **Check the CAD**; if it isn't back, create it there."
    return f"{cause}.{seen} **Check the CAD**; if it is still open, run this again."


def _not_done(removal: RemovalResult) -> str:
    result = removal.result
    if result.reason is Reason.NO_SUCH_SERVER:
        has = "had" if result.listed_at is None else "has"  # the journal does not keep how old the list was
        known = [server_name(server.id, removal.servers) for server in removal.servers[:MAX_SERVERS]]
        more = [f"{len(removal.servers) - MAX_SERVERS} more"] if len(removal.servers) > MAX_SERVERS else []
        others = f" It has {', '.join([*known, *more])}." if known else ""
        return f"your CAD {has} no server **{removal.ref.server_id}**{as_of(result.listed_at)}.{others}"
    if result.reason is Reason.BREAKER:
        cause, remedy = REMEDIES[result.breaker_reason or Reason.OTHER_REFUSAL]
        return f"the bot is paused because {cause}. Tell an admin: {remedy}."
    if result.reason in REMEDIES:
        cause, remedy = REMEDIES[result.reason]
        return f"{cause}. Tell an admin: {remedy}."
    cause, remedy = _NOT_DONE.get(result.reason, _NOT_DONE[Reason.OUR_BUG])
    if result.retry_at is not None:
        remedy = f"Try again {relative_time(result.retry_at)}."
    if removal.action == CREATE:  # its button is disabled by now
        remedy = "If the call is still needed, create it in the CAD."
    return f"{cause}. {remedy}"


def _details(removal: RemovalResult) -> list[str]:
    """Return what helps an admin or the CAD's support. It comes last, because the end of a brief text may be cut."""
    result = removal.result
    details: list[str] = []
    if result.reason in _QUOTES_CAD and result.status is not None:
        # After a restart the CAD's text is lost, because the journal does not store it.
        text = f"It said {quoted(result.cad_text, 100)}" if clean(result.cad_text) else "It gave no reason"
        details.append(f"{text} (HTTP {result.status}).")
    explained = result.reason is Reason.NO_SUCH_SERVER
    if result.reference and result.outcome in (Outcome.REJECTED, Outcome.UNKNOWN) and not explained:
        details.append(f"Reference: {quoted(result.reference, 100)}.")
    return details
