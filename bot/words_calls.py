"""What people read about open calls: what a call says, the list, and creating one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.cad.model import CallRef, EmergencyCall, Why
from bot.text import clean, cut, joined, quoted, relative

if TYPE_CHECKING:
    from bot.board import SeenCalls

_ADMINS_SEE_MORE = "If it goes on, an admin sees more with `/cad911 status`."

OF_A_TEXT = 28
"""Characters of each text in a call's line in the list: 25 of those lines fit into an embed."""


def named(ref: CallRef) -> str:
    """Name a call, to stand behind the word."""
    return f"**{ref.call_id}** on server **{ref.server_id}**"


def details(caller: str, location: str, description: str, missing: str) -> list[str]:
    """Return what a call says, a line each: what is written from right to left turns nothing else round."""
    known = {"Caller": caller, "Place": location, "Description": description}
    return [f"{name}: {quoted(text) if clean(text) else missing}" for name, text in known.items()]


def about(call: EmergencyCall) -> list[str]:
    """Return what a call says, and of which kind and age it is."""
    age = "" if call.updated is None else f", last changed {relative(call.updated.timestamp())}"
    return [f"{_kind(call)}{age}", *details(call.caller, call.location, call.description, "none given")]


def listed(seen: SeenCalls, page: Sequence[EmergencyCall], server_id: int) -> str:
    """Return a page of the open calls, or what there is to say instead of one."""
    if seen.no_plus:
        return (
            "The list of open calls needs the CAD's plan **Plus** or higher, and this community has less. "
            "`/remove911` and the menu of the CAD's posts (Apps, Remove 911 call) work with **Standard**."
        )
    if seen.trouble is not None and seen.trouble.why is Why.NO_SUCH_SERVER:
        return f"The CAD lists no server **{server_id}**. Run the command again with another `server_id`."
    if seen.at is None:
        return (
            f"The open calls of server **{server_id}** could not be read (yet). "
            f"Press Refresh in a moment. {_ADMINS_SEE_MORE}"
        )
    stale = "" if seen.trouble is None else f" Nothing newer could be read. {_ADMINS_SEE_MORE}"
    less = ", without what was removed since" if seen.less else ""
    when = f"as of {relative(seen.at)}{less}.{stale}"
    hole = "" if seen.whole else " Some of what the CAD listed could not be read, so look there too."
    when += hole
    if not seen.calls and seen.less:
        those = "were open" if seen.whole else "could be read"
        return f"Of the calls that {those} {relative(seen.at)} on server **{server_id}**, none is left.{stale}{hole}"
    if not seen.calls and not seen.whole:
        return f"No call on server **{server_id}** could be read, {when}"
    if not seen.calls and stale:
        return f"No call was open {relative(seen.at)} on server **{server_id}**.{stale}"
    if not seen.calls:
        return f"No open calls on server **{server_id}**, {when}"
    return "\n".join([f"Open calls on server **{server_id}**, by number, {when}", *(_line(call, 2) for call in page)])


def select(most: int) -> str:
    """Say what the select is for, and how many can be selected."""
    return "Select the call to remove" if most == 1 else f"Select the calls to remove, {most} at most"


def remove_these(refs: Sequence[CallRef], calls: Sequence[EmergencyCall]) -> str:
    """Ask whether to remove the selected calls, and name them."""
    known = {call.ref: call for call in calls}
    lines = [_line(known[ref]) if ref in known else f"**{ref.call_id}**" for ref in refs]
    these = "this call" if len(refs) == 1 else f"these {len(refs)} calls"
    return "\n".join([f"Remove {these} from server **{refs[0].server_id}**?", *lines])


def removing(ended: Sequence[str], left: Sequence[CallRef]) -> str:
    """Show how far several removals have come: a line for each that has ended, and those that wait."""
    return "\n".join([*ended, *(f"⏳ Call {named(ref)}" for ref in left)])


def create_again(call: EmergencyCall) -> str:
    """Ask whether to create a removed call again, and say what that does."""
    return "\n".join(
        [
            f"Create call **{call.ref.call_id}** again on server **{call.ref.server_id}**?",
            *about(call),
            "It gets a **new number**, and units are **alerted again**.",
        ]
    )


def creating(ref: CallRef) -> str:
    """Stand in the question's place until the answer is there."""
    return f"⏳ The CAD is asked to create call {named(ref)} again."


def created_already() -> str:
    """Answer a second wish to create the same call again."""
    return "This call was created again already, or that was tried. Nothing was sent to the CAD."


def option(call: EmergencyCall) -> tuple[str, str]:
    """Return label and description of a call in a select: plain text."""
    said = joined(filter(None, (clean(call.location), clean(call.description))), " · ")
    return cut(f"{call.ref.call_id} · {clean(call.caller) or 'no caller given'}", 100), cut(said, 100)


def _line(call: EmergencyCall, texts: int = 3) -> str:
    """Show a call in one line, with so many of its texts."""
    age = "" if call.updated is None else f" {relative(call.updated.timestamp())}"
    said = [quoted(text, OF_A_TEXT) for text in (call.location, call.description) if clean(text)]
    caller = quoted(call.caller, OF_A_TEXT) if clean(call.caller) else "no caller given"
    return f"{_sign(call)} **{call.ref.call_id}**{age} {joined([caller, *said][:texts], ' ')}"


def _kind(call: EmergencyCall) -> str:
    return f"{_sign(call)} Emergency call" if call.emergency else f"{_sign(call)} Civil call"


def _sign(call: EmergencyCall) -> str:
    return "🚨" if call.emergency else "📞"
