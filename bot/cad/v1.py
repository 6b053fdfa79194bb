"""The CAD's API v1 as pure functions: build a request, understand what came back.

The vendor's page "Remove 911" is the source for the request and the four documented refusals. What is marked
"undocumented" was learned from the vendor's own clients.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from bot.cad.model import Account, Answer, CallRef, End, Kind, Plan, Reply, Request, Why

Hide = Callable[[str], str]
"""Takes our secrets out of the CAD's text, in case that it repeats them."""

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


def remove_911(account: Account, ref: CallRef) -> Request:
    """Build the request of the page "Remove 911": ids as integers, nothing that is not documented."""
    data = {"serverId": ref.server_id, "callId": ref.call_id}
    return _request(account, Kind.REMOVE, "emergency", "REMOVE_911", data)


def get_calls(account: Account, server_id: int) -> Request:
    """Build GET_CALLS for a server's open emergency calls (type 1). It needs the plan Plus."""
    return _request(account, Kind.CALLS, "emergency", "GET_CALLS", {"serverId": server_id, "type": 1})


def get_version(account: Account) -> Request:
    """Build GET_VERSION, which every plan has."""
    return _request(account, Kind.VERSION, "general", "GET_VERSION")


def understand_removal(reply: Reply, hide: Hide) -> Answer:
    """Say what `reply` means for a removal.

    "Removed" is the meaning of a 200 or 204 that is not known to be bad, and of nothing else: the page's own
    example of a success is visibly another endpoint's text, so no wording is asked for.
    """
    return _understand(reply, hide)[0]


def understand_calls(reply: Reply, hide: Hide) -> frozenset[int] | Answer:
    """Return the numbers of all open emergency calls, or what came instead.

    A list in which anything can't be read is no list: it proves no absence.
    """
    answer, text = _understand(reply, hide)
    if not answer.done:
        return answer
    try:
        match json.loads(text):
            case {"emergencyCalls": [*calls]} if all(type(call["callId"]) is int for call in calls):
                return frozenset(call["callId"] for call in calls)
            case _:
                return _unreadable(answer)
    except (ValueError, RecursionError, LookupError, TypeError):
        return _unreadable(answer)


def understand_version(reply: Reply, hide: Hide) -> Plan | Answer:
    """Return the plan, by the digits with which the text begins, or what came instead."""
    answer, text = _understand(reply, hide)
    if not answer.done:
        return answer
    digits = re.match(r'"?([0-9]{1,3})(?![0-9])', text)
    if digits is None or int(digits[1]) not in Plan.__members__.values():
        return _unreadable(answer)
    return Plan(int(digits[1]))


def _request(account: Account, kind: Kind, group: str, name: str, *data: dict[str, int]) -> Request:
    body = {"id": account.community_id, "key": account.key, "type": name, "data": data}
    return Request(kind, "POST", f"{group}/{name.lower()}", json.dumps(body).encode())


def _understand(reply: Reply, hide: Hide) -> tuple[Answer, str]:
    text = "" if reply.content is None else reply.content.decode("utf-8", errors="replace")
    text = re.sub(r"^[\s\ufeff\u200b-\u200f]+|\s+$", "", text)
    # The CAD answers in text or JSON; what begins with a tag is some web site's page for people.
    html = "html" in reply.media_type or text.startswith("<")
    end, why = _verdict(reply, text, html=html)
    said = "" if html else hide(text)
    return Answer(end, why, said, reply.status, reply.retry_after), text


def _unreadable(answer: Answer) -> Answer:
    return Answer(End.UNKNOWN, Why.UNREADABLE, answer.said, answer.status)


def _verdict(reply: Reply, text: str, *, html: bool) -> tuple[End, Why]:
    if 300 <= reply.status < 400 or _GREETING in " ".join(text.lower().split()):
        return End.REJECTED, Why.WRONG_URL
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]
    if reply.status == 503 and reply.retry_after is not None:
        return End.NOT_SENT, Why.BUSY
    if reply.status >= 500:
        return End.UNKNOWN, Why.SERVER_ERROR
    if 400 <= reply.status < 500:
        return _refusal(reply, text, html=html)
    return _success(reply, text, html=html)


def _refusal(reply: Reply, text: str, *, html: bool) -> tuple[End, Why]:
    if why := _known_text(text):
        return End.REJECTED, why
    if reply.status != 404:
        return End.REJECTED, Why.OTHER_REFUSAL
    if reply.content is None:
        return End.UNKNOWN, Why.UNREADABLE
    # A page for people means that this is some web site and not the API.
    return (End.REJECTED, Why.WRONG_URL) if html else (End.GONE, Why.NO_SUCH_CALL)


def _success(reply: Reply, text: str, *, html: bool) -> tuple[End, Why]:
    unreadable = reply.content is None or html or "problem" in reply.media_type or "\0" in text
    broken_json = "json" in reply.media_type and reply.status != 204 and not _parses(text)
    if reply.status not in (200, 204) or unreadable or broken_json:
        return End.UNKNOWN, Why.UNREADABLE
    if why := _known_text(text):
        return End.REJECTED, why
    # A refusal that is wrapped in something else is no success either.
    wrapped = _REFUSAL.search(" ".join(text.split()))
    return (End.UNKNOWN, Why.UNREADABLE) if wrapped else (End.REMOVED, Why.CONFIRMED)


def _known_text(text: str) -> Why | None:
    line = " ".join(text.split()).strip(" \"'.!")
    if why := DOCUMENTED.get(line.upper()):
        return why
    if _NOT_ENABLED.fullmatch(line):
        return Why.ENDPOINT_OFF
    return Why.PLAN if _PLAN.fullmatch(line) else None


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
