"""Sentences about open calls: a call's details, the list, and re-creating a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.cad.models import CallRef, EmergencyCall, Server
from bot.cad.results import Reason
from bot.calls.cache import CallsSnapshot, ServersSnapshot
from bot.text import clean, joined, plain, quoted, relative_time, truncate

_ADMINS_SEE_MORE = "If this keeps happening, tell an admin: run `/cad911 status`."

BY_NUMBERS = "Use `/remove911` with the numbers."
"""What always helps a dispatcher who knows them."""

NO_RESULT = "No result within a minute? **Check the CAD**."
"""Below what is under way: if the bot is killed, nothing may ever follow."""

NONE_LEFT = "None left on this page."
"""In the place of a page whose calls were all removed, while other pages have some."""

MAX_TEXT_IN_LINE = 24
"""Characters of each text in a call's line of the list, so that 25 lines fit into an embed."""

MAX_SERVER_NAME = 30
"""Characters of a server's name."""


def call_name(ref: CallRef) -> str:
    """Return a call's number and its server's, for the middle of a sentence."""
    return f"call **{ref.call_id}** (server **{ref.server_id}**)"


def server_name(server_id: int, servers: Sequence[Server]) -> str:
    """Return a server's number, and its name if that is known."""
    name = next((plain(one.name, MAX_SERVER_NAME) for one in servers if one.id == server_id), "")
    return f"**{f'{server_id} {name}'.strip()}**"


def as_of(listed_at: float | None) -> str:
    """Return how old what a list says is, to be put behind it; empty if that is not known."""
    return "" if listed_at is None else f" (as of {relative_time(listed_at)})"


def details(caller: str, location: str, description: str, missing: str) -> list[str]:
    """Return a call's texts, one per line, so that right-to-left text does not reorder the others."""
    known = {"Caller": caller, "Place": location, "Description": description}
    return [f"{name}: {quoted(text) if clean(text) else missing}" for name, text in known.items()]


def describe(call: EmergencyCall) -> list[str]:
    """Return a call's kind, age and texts, one per line."""
    age = "" if call.updated is None else f", last updated {relative_time(call.updated.timestamp())}"
    return [f"{_kind(call)}{age}", *details(call.caller, call.location, call.description, "none given")]


def list_page(
    lists: Mapping[int, CallsSnapshot], page: Sequence[EmergencyCall], servers: ServersSnapshot | None = None
) -> str:
    """Return a page of the open calls of one or several servers, or why there is none.

    `lists` is by server, and `servers` is given if it should have all of them.
    """
    left_out = "" if servers is None else _left_out(servers)
    if not lists:
        return left_out or f"⏳ No list of the servers yet. Press Refresh in a moment. {_ADMINS_SEE_MORE}"
    if any(snapshot.plan_too_low for snapshot in lists.values()):
        return f"❌ This list needs Sonoran **Plus**. {BY_NUMBERS}"
    parts: list[str] = []
    for server_id, snapshot in lists.items():
        here = [call for call in page if call.ref.server_id == server_id]
        if len(lists) == 1:
            parts.append(_server_page(f"server {server_name(server_id, ())}", snapshot, here))
        elif here or not snapshot.calls:  # a server whose calls are on other pages is not named
            names = () if servers is None else servers.listed.servers
            parts.append(_server_page(server_name(server_id, names), snapshot, here))
    return "\n".join(filter(None, [*(parts or [NONE_LEFT]), left_out]))


def _left_out(servers: ServersSnapshot) -> str:
    """Return why servers may be left out of a view of all, or an empty text."""
    if not servers.listed.complete:
        return "⚠️ Some servers can't be read. For one of them, use `/calls911` with its number."
    if servers.error is not None and servers.listed.listed_at is not None:
        return f"⚠️ No servers newer than {relative_time(servers.listed.listed_at)}. {_ADMINS_SEE_MORE}"
    return ""


def _server_page(where: str, snapshot: CallsSnapshot, page: Sequence[EmergencyCall]) -> str:
    if snapshot.error is not None and snapshot.error.reason is Reason.NO_SUCH_SERVER:
        return f"❌ The CAD has no {where}{as_of(snapshot.error.listed_at)}. Is it new? {BY_NUMBERS}"
    if snapshot.listed_at is None:
        return f"⏳ No list of {where} yet. Press Refresh in a moment. {_ADMINS_SEE_MORE}"
    notes = "" if snapshot.complete else "\n⚠️ Some calls can't be read: check the CAD too."
    if snapshot.error is not None:
        notes += f"\n⚠️ Nothing newer from the CAD. {_ADMINS_SEE_MORE}"
    when = as_of(snapshot.listed_at)
    if not snapshot.calls:
        which = ("open calls left" if snapshot.pruned else "open calls") if snapshot.complete else "readable calls"
        return f"No {which} on {where}{when}.{notes}"
    lines = [_line(call, 2) for call in page] or [NONE_LEFT]
    return "\n".join([f"Open calls on {where}{when}", *lines]) + notes


def select_placeholder(most: int) -> str:
    """Return the text of an empty select. At most `most` calls can be selected."""
    return "Select the call to remove" if most == 1 else f"Select up to {most} calls to remove"


def confirm_removal(refs: Sequence[CallRef], calls: Sequence[EmergencyCall]) -> str:
    """Ask to confirm the removal of the selected calls, and list them."""
    known = {call.ref: call for call in calls}
    lines = [_line(known[ref]) if ref in known else f"`#{ref.call_id}`" for ref in refs]
    these = "this call" if len(refs) == 1 else f"these {len(refs)} calls"
    if len({ref.server_id for ref in refs}) == 1:
        return "\n".join([f"Remove {these} from server **{refs[0].server_id}**?", *lines])
    where = [f"{line} (server **{ref.server_id}**)" for ref, line in zip(refs, lines, strict=True)]
    return "\n".join([f"Remove {these}?", *where])


def removal_progress(ended: Sequence[str], left: Sequence[CallRef]) -> str:
    """Show the progress of several removals: a line per result, and a line per call that still waits."""
    waiting = [f"⏳ {call_name(ref).capitalize()}: removal requested." for ref in left]
    return "\n".join([*ended, *waiting, *([NO_RESULT] if left else ())])


def remove_elsewhere(ref: CallRef, servers: Sequence[Server]) -> str:
    """Return the label of the button that removes the call of the same number on another server."""
    name = next((clean(one.name) for one in servers if one.id == ref.server_id), "")
    return truncate(f"Remove {ref.call_id} on {ref.server_id} {name}".strip(), 80)


def confirm_recreation(call: EmergencyCall) -> str:
    """Ask to confirm the re-creation of a removed call, and warn about its effects."""
    return "\n".join(
        [
            f"Re-create {call_name(call.ref)}?",
            *describe(call),
            "It gets a **new number**, and units are **alerted again**.",
        ]
    )


def recreating(ref: CallRef) -> str:
    """Replace the question until the result is known."""
    return f"⏳ {call_name(ref).capitalize()}: re-creation requested. {NO_RESULT}"


def select_option(call: EmergencyCall, servers: Sequence[Server] = ()) -> tuple[str, str]:
    """Return the label and the description of a call in a select, as plain text. `servers` if it shows several."""
    server = next((clean(one.name) for one in servers if one.id == call.ref.server_id), "")
    texts = joined(filter(None, (server, clean(call.location), clean(call.description))), " · ")
    return truncate(f"{call.ref.call_id} · {clean(call.caller) or 'no caller given'}", 100), truncate(texts, 100)


def _line(call: EmergencyCall, texts: int = 3) -> str:
    """Return a call in one line: its number, at most so many of its texts, and its age."""
    others = [plain(text, MAX_TEXT_IN_LINE) for text in (call.location, call.description) if clean(text)]
    caller = plain(call.caller, MAX_TEXT_IN_LINE) if clean(call.caller) else "no caller given"
    age = [] if call.updated is None else [relative_time(call.updated.timestamp())]
    return f"`#{call.ref.call_id}` {_sign(call)} " + joined([*[caller, *others][:texts], *age], " · ")


def _kind(call: EmergencyCall) -> str:
    return f"{_sign(call)} Emergency call" if call.emergency else f"{_sign(call)} Civil call"


def _sign(call: EmergencyCall) -> str:
    return "🚨" if call.emergency else "📞"
