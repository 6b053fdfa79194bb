"""What both dialects write and read alike: a new call, refusals, lists, and the texts that the CAD uses. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast

from bot.cad.dialect import Hide
from bot.cad.model import Answer, CallRef, EmergencyCall, End, OpenCalls, Reply, Server, Servers, Why, an_id

Verdict = tuple[End, Why]

DOCUMENTED = {
    "INVALID REQUEST TYPE": Why.REQUEST_TYPE,
    "INVALID COMMUNITY ID": Why.COMMUNITY_ID,
    "API IS NOT ENABLED FOR THIS COMMUNITY": Why.API_OFF,
    "INVALID API KEY": Why.API_KEY,
}
"""The 400 bodies that the page lists."""

# Undocumented: another word can stand in front, and a plan that is too low is said in words.
_NOT_ENABLED = re.compile(r".{1,60} IS NOT ENABLED FOR THIS COMMUNITY", re.IGNORECASE)
_PLAN = re.compile(r"VERSION .{1,40} REQUIRED", re.IGNORECASE)
_REFUSAL = re.compile("|".join([*DOCUMENTED, _NOT_ENABLED.pattern, _PLAN.pattern]), re.IGNORECASE)
_INVISIBLE = re.compile(r"\A[\s\ufeff\u200b-\u200f]+")
# Undocumented: the CAD's greeting at every path that it does not know, with status 200.
_GREETING = "backend service reached"

# Decided by the status alone, whatever the body says: none of these did what was asked.
_BY_STATUS = {
    401: (End.REJECTED, Why.API_KEY),
    402: (End.REJECTED, Why.PLAN),
    403: (End.REJECTED, Why.FORBIDDEN),
    408: (End.UNKNOWN, Why.SERVER_ERROR),
    429: (End.NOT_SENT, Why.BUSY),
}

CONFIRMED = (End.REMOVED, Why.CONFIRMED)
UNREADABLE = (End.UNKNOWN, Why.UNREADABLE)
NOT_THERE = (End.GONE, Why.NO_SUCH_CALL)
TURNED_DOWN = (End.REJECTED, Why.OTHER_REFUSAL)


def fields_of(call: EmergencyCall) -> dict[str, object]:
    """Return what is said of a new call, in the names that both versions have for it."""
    said: dict[str, object] = {
        "isEmergency": call.emergency,
        "caller": call.caller,
        "location": call.location,
        "description": call.description,
    }
    return {**said, "metaData": dict(call.metadata)} if call.metadata else said


def text_of(reply: Reply) -> str:
    """Return the body as text, without the invisible characters at its ends."""
    text = "" if reply.content is None else reply.content.decode("utf-8", errors="replace")
    return _INVISIBLE.sub("", text, count=1).rstrip()


def is_page(reply: Reply, text: str) -> bool:
    """Say whether this is some web site's page for people: the CAD answers in text or JSON."""
    return "html" in reply.media_type or text.startswith("<")


def is_data(reply: Reply) -> bool:
    """Say whether a body can be what was asked for: it came whole, and is neither a page nor a problem."""
    return reply.content is not None and "html" not in reply.media_type and "problem" not in reply.media_type


def refusal(reply: Reply, texts: Iterable[str], *, page: bool, missing: Verdict) -> Verdict | None:
    """Say what an answer means that is no success, or None where it may be one.

    Args:
        reply: what came back.
        texts: where one of the CAD's known refusals may stand, the whole body first.
        page: whether it is a page for people.
        missing: what a 404 of the CAD's own means.
    """
    whole, *_ = texts = list(texts)
    if 300 <= reply.status < 400 or _GREETING in " ".join(whole.lower().split()):
        return End.REJECTED, Why.WRONG_URL
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]
    if reply.status == 503 and reply.retry_after is not None:
        return End.NOT_SENT, Why.BUSY
    if reply.status >= 500:
        return End.UNKNOWN, Why.SERVER_ERROR
    for text in texts:
        if why := _known(text):
            return End.REJECTED, why
    if not 400 <= reply.status < 500:
        return None
    if reply.status != 404:
        return TURNED_DOWN
    if reply.content is None:
        return UNREADABLE
    return (End.REJECTED, Why.WRONG_URL) if page else missing


def wraps_a_refusal(text: str) -> bool:
    """Say whether one of the CAD's refusals stands somewhere in a text."""
    return _REFUSAL.search(" ".join(text.split())) is not None


def unreadable(answer: Answer) -> Answer:
    """Return what is told of an answer that seemed good and does not say what it should; a refusal stays one."""
    return Answer(*UNREADABLE, answer.said, answer.status, reference=answer.reference) if answer.done else answer


def parsed(reply: Reply) -> object:
    """Return what a body says in JSON, or None where it is none."""
    try:
        return json.loads(text_of(reply))
    except (ValueError, RecursionError):
        return None


def fields(thing: object) -> dict[str, object]:
    """Return a JSON object's fields by their names in lower case: v1 and v2 differ in them. Empty for anything else."""
    if not isinstance(thing, dict):
        return {}
    return {name.lower(): value for name, value in cast("dict[str, object]", thing).items()}


def open_calls(reply: Reply, server_id: int, hide: Hide) -> OpenCalls | None:
    """Read a server's open 911 calls; None where there is no such list.

    What can't be read of a call is left out of it, and what has no number is left out of the list. A number that is
    listed twice is one call: Discord takes no select in which a value stands twice.
    """
    items = _listed(reply, "emergencycalls")
    if items is None:
        return None
    calls = [call for item in items if (call := _call(fields(item), server_id, hide))]
    return OpenCalls(tuple({call.ref: call for call in calls}.values()), whole=len(calls) == len(items))


def servers(reply: Reply, hide: Hide) -> Servers | None:
    """Read the community's servers; None where there is no such list."""
    items = _listed(reply, "servers")
    if items is None:
        return None
    known = [(an_id(item.get("id")), _text(item.get("name"), hide)) for item in map(fields, items)]
    read = tuple(Server(number, name) for number, name in known if number is not None)
    return Servers(read, whole=len(read) == len(items))


def _listed(reply: Reply, name: str) -> list[object] | None:
    # Players' text stands in a list, so what is one is not searched for the CAD's refusals.
    items = fields(parsed(reply)).get(name) if reply.status == 200 and is_data(reply) else None
    return cast("list[object]", items) if isinstance(items, list) else None


def _call(item: dict[str, object], server_id: int, hide: Hide) -> EmergencyCall | None:
    number = an_id(item.get("callid"))
    if number is None or item.get("serverid", server_id) != server_id:
        return None
    attached = item.get("metadata")
    attached = cast("dict[str, object]", attached) if isinstance(attached, dict) else {}
    return EmergencyCall(
        CallRef(server_id, number),
        item.get("isemergency") is not False,
        _text(item.get("caller"), hide),
        _text(item.get("location"), hide),
        _text(item.get("description"), hide),
        MappingProxyType({name: value for name, value in attached.items() if isinstance(value, str)}),
        _moment(item.get("updated")),
    )


def _text(value: object, hide: Hide) -> str:
    return hide(value) if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or not 2000 <= moment.year < 3000:  # .NET writes a time that was never set as one of the year 1
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known(text: str) -> Why | None:
    line = " ".join(text.split()).strip(" \"'.!")
    if why := DOCUMENTED.get(line.upper()):
        return why
    if _NOT_ENABLED.fullmatch(line):
        return Why.ENDPOINT_OFF
    return Why.PLAN if _PLAN.fullmatch(line) else None
