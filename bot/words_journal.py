"""What people read of the journal: lines in the audit channel, and the history for admins."""

from __future__ import annotations

from bot.cad.model import End
from bot.entries import CREATE, CREATED, REFUSED, Entry, Filter
from bot.words import SIGNS

OUTCOMES = (*(end.value for end in End), CREATED, REFUSED)
"""Every outcome that an entry can have, as it is filtered by."""


def audit(entry: Entry) -> tuple[str, str]:
    """Return the title and the text of a line in the audit channel."""
    asked = f"{_who(entry)} asked by {entry.way} <t:{entry.asked_at:.0f}:f>"
    if entry.outcome == REFUSED:
        return "⛔ Refused: the role is missing", asked + (f" for {_call(entry)}" if entry.call_id else "")
    because = f": {cause(entry)}" if cause(entry) else ""
    return f"{_sign(entry)} {_call(entry).capitalize()}: {_ended(entry)}", asked + because


def history(entries: list[Entry], wanted: Filter) -> str:
    """Return a page of history, the newest first, and of what it is only a part."""
    only = [
        *([f"call **{wanted.call_id}**"] if wanted.call_id else ()),
        *([f"what <@{wanted.user_id}> asked for"] if wanted.user_id else ()),
        *([f"what ended as **{wanted.outcome}**"] if wanted.outcome else ()),
    ]
    shown = [f"Only {', '.join(only)}:"] if only else []
    if not entries:
        shown.append("No entry matches. Try fewer filters." if only else "Nobody has asked for anything yet.")
    return "\n".join([*shown, *(_line(entry) for entry in entries)])


def csv_is_ready(many: int, *, whole: bool) -> str:
    """Say what the attached file holds."""
    if whole:
        return f"All {many} entries that match are in the file. Times are UTC."
    return (
        f"The newest {many} entries that match are in the file; Discord takes no larger file. Filters show older ones."
    )


def journal_is_out_of_order() -> str:
    """Answer when the journal can't be read."""
    return "The journal can't be read at the moment. Whoever hosts this bot finds the reason in its log."


def cause(entry: Entry) -> str:
    """Name the cause, as far as there is one."""
    if entry.outcome is None:
        return "not ended yet"
    known = "" if entry.why is None else entry.why.lower().replace("_", " ")
    return known + ("" if entry.status is None else f" (HTTP {entry.status})")


def _line(entry: Entry) -> str:
    end = _ended(entry)
    if entry.outcome not in (None, REFUSED, End.REMOVED.value, CREATED):
        end += f", {cause(entry)}"
    where = f" on server **{entry.server_id}**" if entry.server_id else ""
    asked_for = f" **{entry.call_id}**{where}" if entry.call_id else ""
    return f"`{entry.number}` <t:{entry.asked_at:.0f}:f> {_who(entry)} {entry.way}{asked_for}: {_sign(entry)} {end}"


def _ended(entry: Entry) -> str:
    if entry.outcome is None:
        return "not ended yet"
    if entry.outcome == CREATED:
        return f"created again as {entry.reference}"
    return entry.outcome if entry.action != CREATE else f"creating it again, {entry.outcome}"


def _sign(entry: Entry) -> str:
    return {None: "⏳", REFUSED: "⛔", CREATED: SIGNS[End.REMOVED]}.get(entry.outcome) or SIGNS[End(entry.outcome)]


def _who(entry: Entry) -> str:
    return "somebody who was forgotten" if entry.user_id is None else f"<@{entry.user_id}>"


def _call(entry: Entry) -> str:
    # Somebody who was refused may have named no server.
    return f"call {entry.call_id}" + (f" on server {entry.server_id}" if entry.server_id else "")
