"""What only a person can fix: for each such reason the cause, what an admin does about it, and what it stops."""

from __future__ import annotations

from collections.abc import Mapping

from bot.cad.requests import RequestKind
from bot.cad.results import Reason, Result

_RESTART = "then restart the bot"
_IN_CAD = "then run `/cad911 status`"

REMEDIES = {
    Reason.WRONG_URL: ("`SONORAN_API_URL` isn't the CAD's address", f"fix it, {_RESTART}"),
    Reason.REQUEST_TYPE: ("the CAD doesn't recognize the bot's request", "update the bot"),
    Reason.COMMUNITY_ID: ("the CAD doesn't know the community", f"fix `SONORAN_COMMUNITY_ID`, {_RESTART}"),
    Reason.API_OFF: ("the CAD's API is switched off", f"switch it on, {_IN_CAD}"),
    Reason.ENDPOINT_OFF: ("this part of the CAD's API is switched off", f"switch it on, {_IN_CAD}"),
    Reason.API_KEY: ("the CAD rejected the API key", f"fix `SONORAN_API_KEY`, {_RESTART}"),
    Reason.PLAN: ("the CAD's plan doesn't include this", f"get **Standard** or higher, {_IN_CAD}"),
    Reason.FORBIDDEN: ("the CAD, or a firewall, blocks the bot", "find out why, then run `/cad911 status`"),
    Reason.OTHER_REFUSAL: ("the CAD refused it", "ask the CAD's support for the reason"),
    Reason.CERTIFICATE: ("no secure connection to the CAD", "check `SONORAN_API_URL`, and the host's clock"),
}
"""Cause and remedy, each to be put into a sentence."""

KINDS = {
    RequestKind.REMOVE: "removals",
    RequestKind.CREATE: "re-creations",
    RequestKind.CALLS: "lists of calls",
    RequestKind.SERVERS: "lists of servers",
    RequestKind.VERSION: "look-ups of the plan",
}
"""Each kind of request, in words."""


def pause_text(blocked: Mapping[RequestKind, Result]) -> tuple[str, str]:
    """Return what the circuit breaker stops, as "sends no removals to the CAD", and why, with the remedy.

    `blocked` has at least one kind.
    """
    everything = len(blocked) == len(RequestKind)
    what = "nothing" if everything else f"no {', '.join(KINDS[kind] for kind in blocked)}"
    first = next(iter(blocked.values()))
    reason = first.breaker_reason or first.reason
    cause, remedy = REMEDIES[reason]
    if reason is Reason.PLAN and RequestKind.CALLS in blocked:  # the list needs more than a removal does
        remedy = remedy.replace("**Standard** or higher", "**Plus**")
    return f"sends {what} to the CAD", f"{cause[0].upper()}{cause[1:]}. {remedy[0].upper()}{remedy[1:]}."
