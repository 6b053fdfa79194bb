"""Everything that people read, one function a situation: what happened first, what to do second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.cad.model import MAX_ID, Answer, CallRef, End, Place, Why
from bot.entries import CREATE, REMOVE
from bot.text import clean, cut, quoted, relative
from bot.words_calls import about, named

if TYPE_CHECKING:
    from bot.removals import Outcome

BRIEF = 190
"""Characters of one of several answers: ten of them fit into a message."""

_HOST = "Whoever hosts this bot"

_NOT_WRITTEN = (
    f"The bot could not write it down in its journal, so nothing was sent. {_HOST} finds the reason in its log."
)
_AGAIN = "If the call is still there, run the command again."
_IN_THE_CAD = "If the call is still needed, create it in the CAD."

# What the CAD or the way to it did; the second half says what to do about it.
_CAUSES = {
    Why.CONFIRMED: "The CAD confirmed it.",
    Why.NO_SUCH_CALL: "It is gone already, or the number or the server is wrong. "
    "If you still see the call, check both numbers.",
    Why.NOT_LISTED: "No clear answer came, but the call is not among the server's open calls (any more).",
    Why.REMOVED_BEFORE: "This bot removed it",
    Why.WRONG_URL: f"The address in `SONORAN_API_URL` does not lead to the CAD's API. {_HOST} has to correct it.",
    Why.REQUEST_TYPE: f"The CAD did not understand this bot's request. {_HOST} has to update the bot.",
    Why.COMMUNITY_ID: f"The CAD does not know the community id. {_HOST} has to correct `SONORAN_COMMUNITY_ID`.",
    Why.API_OFF: "The CAD's API is switched off for this community. An administrator of the CAD has to switch it on.",
    Why.ENDPOINT_OFF: "This part of the CAD's API is switched off for this community. "
    "An administrator of the CAD has to switch it on.",
    Why.API_KEY: f"The CAD did not accept the API key. {_HOST} has to correct `SONORAN_API_KEY`.",
    Why.PLAN: "The community's CAD plan does not include this. "
    "It needs Standard or higher; an administrator of the CAD can change the plan.",
    Why.NO_SUCH_SERVER: "The community's CAD has no server of this number. Check `server_id`.",
    Why.FORBIDDEN: f"The CAD, or something in front of it, does not let this bot in. {_HOST} has to find out why.",
    Why.OTHER_REFUSAL: f"The CAD turned the request down. {_HOST} has to find out why.",
    Why.NO_CONNECTION: "The CAD could not be reached, so nothing was sent.",
    Why.CERTIFICATE: "No secure connection to the CAD could be made, so nothing was sent. "
    f"{_HOST} has to check `SONORAN_API_URL` and the machine's clock and certificates.",
    Why.BUSY: "The CAD is busy and takes no more for now.",
    Why.LINE_FULL: "Too many removals are waiting already, so nothing was sent.",
    Why.PLAN_UNKNOWN: "The bot could not find out which plan the community's CAD has, so nothing was sent. "
    f"If it goes on, {_HOST.lower()} finds the reason in the log.",
    Why.BREAKER: "Nothing was sent: the CAD refused this bot",
    Why.CLOSING: "The bot is shutting down, so nothing was sent.",
    Why.JOURNAL: f"{_NOT_WRITTEN} Until then, remove the call in the CAD.",
    Why.NO_ANSWER: "It was sent, but the CAD did not answer in time.",
    Why.CONNECTION_LOST: "It was sent, but the connection broke before the CAD answered.",
    Why.SERVER_ERROR: "It was sent, but the CAD answered with an error of its own.",
    Why.UNREADABLE: "It was sent, but the CAD's answer could not be understood.",
    Why.STOPPED: "The bot had to stop before the CAD answered.",
    Why.RESTARTED: "The bot was restarted meanwhile.",
    Why.OUR_BUG: f"The bot failed; {_HOST.lower()} finds the reason in its log.",
}
# When asking again helps.
_LATER = {
    Why.NO_CONNECTION: "in a minute",
    Why.BUSY: "in a minute",
    Why.LINE_FULL: "in a minute",
    Why.CLOSING: "when it is back",
}

SIGNS = {End.REMOVED: "✅", End.GONE: "☑️", End.REJECTED: "❌", End.NOT_SENT: "❌", End.UNKNOWN: "⚠️"}


def outcome(done: Outcome, *, brief: bool = False) -> str:
    """Say how a removal ended, or how creating a removed call again did.

    Args:
        done: how it ended.
        brief: one of several: in one line that is cut, and without what the call was about.
    """
    answer = done.answer
    call = f"Call {named(done.ref)}"
    asked_for = "created again" if done.action == CREATE else "removed"
    if answer.done:
        number = "" if answer.created is None else f" It is call **{answer.created}** now."
        happened = f"{call} was {asked_for}.{number}"
    elif answer.end is End.UNKNOWN:
        happened = f"{call}: it is **not known** whether it was {asked_for}."
    elif answer.end is End.GONE and done.action == REMOVE:
        happened = f"{call} is not there."
    else:
        happened = f"{call} was **not {asked_for}**."
    reasons = _reasons(done)
    if brief and answer.end is End.UNKNOWN:
        reasons = [reasons[-1], *reasons[:-1]]  # what to do stays where the rest is cut
    text = " ".join([SIGNS[answer.end], happened, *reasons])
    if brief:
        return cut(text, BRIEF)
    was = about(done.call) if answer.done and done.call is not None and done.action == REMOVE else []
    return "\n".join([text, *was])


def waiting(ref: CallRef, place: Place) -> str:
    """Say that a removal waits for its turn."""
    ahead = {0: "it is the next", 1: "one is before it"}.get(place.ahead, f"{place.ahead} are before it")
    return f"⏳ Call {named(ref)} waits for its turn at the CAD: {ahead}. Its turn should come {relative(place.at)}."


def cause(answer: Answer) -> str:
    """Name the cause in a log line."""
    status = "" if answer.status is None else f", HTTP {answer.status}"
    reference = f", reference {answer.reference}" if answer.reference else ""
    return answer.why.name.lower().replace("_", " ") + status + reference


def id_out_of_range(option: str, value: object) -> str:
    """Refuse an id that the CAD can't have given out."""
    allowed = f"a whole number from 1 to {MAX_ID}"
    return f"`{option}` can't be {quoted(repr(value), 40)}: it is {allowed}. Nothing was sent to the CAD."


def no_server() -> str:
    """Refuse a command that happened outside a Discord server."""
    return "This command works in your community's Discord server only. Nothing was sent to the CAD."


def server_not_seen_yet() -> str:
    """Refuse while Discord has not told the bot about this server."""
    return (
        "I cannot see this server yet, so I can't check your roles. Nothing was sent to the CAD. "
        "Try again in a minute. If it goes on, the bot has to be invited again with both scopes, "
        "`bot` and `applications.commands`."
    )


def foreign_server() -> str:
    """Refuse in a server that this bot does not belong to."""
    return "This bot works for another community. Nothing was sent to the CAD."


def no_configured_role(setting: str = "DISPATCHER_ROLE_IDS") -> str:
    """Refuse in a server in which none of the configured roles exists (any more)."""
    return (
        f"Nobody can use this command here: none of the roles in `{setting}` exists in this server. "
        f"If the role was deleted, {_HOST.lower()} has to put the new one's id there. "
        "Nothing was sent to the CAD."
    )


def role_needed(role_names: Iterable[str]) -> str:
    """Refuse somebody who lacks the role; nobody is exempt, and the sentence says so."""
    names = [quoted(name, 60) for name in role_names]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    needed = f"the role {shown}" if len(names) == 1 else f"one of the roles {shown}"
    return f"You need {needed} for this. That goes for administrators too. Nothing was sent to the CAD."


def manage_server_needed() -> str:
    """Refuse an admin's command where no role was set for those."""
    return "You need the permission **Manage Server** for this. Nothing was sent to the CAD."


def shutting_down() -> str:
    """Refuse what is asked while the bot stops."""
    return "The bot is shutting down. Nothing was sent to the CAD. Try again when it is back."


def outdated_command() -> str:
    """Answer a command that Discord still shows but the bot no longer has in that form."""
    return "This command has changed. Reload Discord (Ctrl+R on a computer) and try again. Nothing was sent to the CAD."


def no_file() -> str:
    """Say that a file did not come."""
    return f"Discord did not take the file. Try again in a minute. {_HOST} finds the reason in its log."


def broken(reference: int) -> str:
    """Answer when the bot itself failed; the reference is in the log beside the reason."""
    return (
        "Something broke in the bot, and it can't say how far it came. Look at the CAD before you try again. "
        f"{_HOST} finds the reason in the log under `{reference}`."
    )


def _reasons(done: Outcome) -> list[str]:
    answer, removing = done.answer, done.action == REMOVE
    cause = _CAUSES[answer.why] if removing or answer.why is not Why.JOURNAL else _NOT_WRITTEN
    when = "" if answer.at is None else f" {relative(answer.at)}"
    if answer.why is Why.REMOVED_BEFORE:
        for_whom = "" if done.removed_by is None else f", for <@{done.removed_by}>"
        return [f"{cause}{when}{for_whom}."]
    if answer.why is Why.BREAKER:
        because = [] if answer.because is None else [_CAUSES[answer.because]]
        return [
            f"{cause}{when}.",
            *because,
            "When that is mended, `/cad911 status` lets the bot try again, and so does a restart.",
        ]
    reasons = [cause]
    if answer.end is End.NOT_SENT and answer.why in (Why.RESTARTED, Why.OUR_BUG):
        reasons += ["Nothing was sent to the CAD.", _AGAIN if removing else _IN_THE_CAD]
    if answer.why is Why.NO_SUCH_SERVER and when:
        reasons.append(f"Its servers were last listed{when}.")
    if later := _LATER.get(answer.why):
        # Creating has no second try: the button is dead, whatever came of it.
        reasons.append(f"Try again {relative(answer.at) if answer.at else later}." if removing else _IN_THE_CAD)
    if answer.why in (Why.OTHER_REFUSAL, Why.FORBIDDEN):
        # The journal keeps no text of the CAD's, so after a restart a reason that was given is not known any more.
        shown = f"It said {quoted(answer.said)}" if clean(answer.said) else "No reason is known"
        reasons.append(f"{shown} (HTTP {answer.status}).")
    if answer.reference and answer.end in (End.REJECTED, End.UNKNOWN):
        reasons.append(f"The CAD's reference is {quoted(answer.reference, 100)}.")
    if answer.end is End.UNKNOWN:
        reasons += [] if answer.at is None else [f"The CAD still listed it as open at <t:{answer.at:.0f}:T>."]
        reasons.append(
            "Look at the CAD: if the call is still there, run the command again."
            if removing
            else "Look at the CAD before you create it there: it may be there already."
        )
    return reasons
