"""Sentences about the journal's entries: posts in the audit channel, and the history for admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.cad.remedies import pause_text
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Result
from bot.journal.entries import CREATE, DENIED, Entry, EntryFilter
from bot.messages.outcomes import SIGNS
from bot.text import plain

OUTCOMES = (*(outcome.value for outcome in Outcome), DENIED)
"""Every outcome that an entry can have and that the history can be filtered by."""
MAX_NAME = 20
"""Characters of a member's name in the history, so that 25 lines fit into an embed."""

RESUMED = (
    "✅ Resumed: the bot sends requests to the CAD again",
    "An admin ran `/cad911 status`, and the CAD answered.",
)
"""Title and text of a post in the audit channel after a pause."""


def paused(blocked: Mapping[RequestKind, Result]) -> tuple[str, str]:
    """Return the title and the text of a post in the audit channel when the circuit breaker has opened."""
    what, why = pause_text(blocked)
    return f"❌ Paused: the bot {what}", why


def audit_entry(entry: Entry) -> tuple[str, str]:
    """Return the title and the text of a post in the audit channel."""
    request = f"{_who(entry)} used {entry.way} on <t:{entry.asked_at:.0f}:f>"
    if entry.outcome == DENIED:
        return "⛔ Refused: no permission", request + (f" for {_call(entry)}" if entry.call_id else "")
    cause = f": {entry.cause}" if entry.cause else ""
    return f"{_sign(entry)} {_call(entry).capitalize()}: {_ended(entry)}", request + cause


def history_page(entries: Sequence[Entry], entry_filter: EntryFilter, names: Mapping[int, str] | None = None) -> str:
    """Return a page of the history, newest entry first, below a line that names the filters.

    `names` is what Discord calls the members now, by id.
    """
    only = [
        *([f"call **{entry_filter.call_id}**"] if entry_filter.call_id else ()),
        *([f"what <@{entry_filter.user_id}> asked for"] if entry_filter.user_id else ()),
        *([f"what ended as **{entry_filter.outcome}**"] if entry_filter.outcome else ()),
        *([f"since <t:{entry_filter.since:.0f}:f>"] if entry_filter.since else ()),
    ]
    lines = [f"Only {', '.join(only)}:"] if only else []
    if not entries:
        lines.append("No entry matches. Try fewer filters." if only else "Nobody has asked for anything yet.")
    return "\n".join([*lines, *(_line(entry, names or {}) for entry in entries)])


def csv_ready(many: int, *, complete: bool) -> str:
    """Say how many entries the attached file holds. `complete` is False if Discord's size limit cut it short."""
    if complete:
        return f"All {many} entries that match are in the file. Times are UTC."
    return (
        f"The newest {many} entries that match are in the file; Discord takes no larger file. Filters show older ones."
    )


def _line(entry: Entry, names: Mapping[int, str]) -> str:
    """Return an entry as an answer to "who removed this call?"."""
    name = plain(names.get(entry.user_id or 0, ""), MAX_NAME)
    who = _who(entry) + (f" ({name})" if name else "")
    where = f" (server **{entry.server_id}**)" if entry.server_id else ""
    call = f"**{entry.call_id}**{where}"
    match entry.outcome:
        case Outcome.REMOVED.value:
            done = f"removed {call}"
        case Outcome.CREATED.value:
            done = f"re-created {call} as **{entry.reference}**"
        case "refused":
            wanted = f" for {call}" if entry.call_id else ""
            done = f"was refused {entry.way}{wanted}: no permission"
        case _:
            asked = "tried to re-create" if entry.action == CREATE else "tried to remove"
            cause = "" if entry.outcome in (None, Outcome.GONE_UNCONFIRMED.value) else f", {entry.cause}"
            done = f"{asked} {call}: {entry.outcome or 'not ended yet'}{cause}"
    return f"{_sign(entry)} <t:{entry.asked_at:.0f}:f> {who} {done}"


def _ended(entry: Entry) -> str:
    if entry.outcome is None:
        return "not ended yet"
    if entry.outcome == Outcome.CREATED.value:
        return f"re-created as {entry.reference}"
    return entry.outcome if entry.action != CREATE else f"re-creating it, {entry.outcome}"


def _sign(entry: Entry) -> str:
    return {None: "⏳", DENIED: "⛔"}.get(entry.outcome) or SIGNS[Outcome(entry.outcome)]


def _who(entry: Entry) -> str:
    return "somebody who was forgotten" if entry.user_id is None else f"<@{entry.user_id}>"


def _call(entry: Entry) -> str:
    # An attempt that was denied may have given no server.
    return f"call {entry.call_id}" + (f" on server {entry.server_id}" if entry.server_id else "")
