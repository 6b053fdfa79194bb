"""What v1 and v2 have in common: a new call's fields, refusals, lists, and the texts that the CAD uses. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast

from bot.cad.api import Redact
from bot.cad.models import CallRef, EmergencyCall, OpenCalls, Server, ServerList, valid_id
from bot.cad.requests import HttpResponse
from bot.cad.results import Outcome, Reason, Result

Verdict = tuple[Outcome, Reason]

DOCUMENTED_REFUSALS = {
    "INVALID REQUEST TYPE": Reason.REQUEST_TYPE,
    "INVALID COMMUNITY ID": Reason.COMMUNITY_ID,
    "API IS NOT ENABLED FOR THIS COMMUNITY": Reason.API_OFF,
    "INVALID API KEY": Reason.API_KEY,
}
"""The bodies of a 400 that the vendor's page "Remove 911" lists."""

# Undocumented: the same sentence with an endpoint's name in place of "API", and one for a plan that is too low.
_NOT_ENABLED = re.compile(r".{1,60} IS NOT ENABLED FOR THIS COMMUNITY", re.IGNORECASE)
_PLAN = re.compile(r"VERSION .{1,40} REQUIRED", re.IGNORECASE)
_REFUSAL = re.compile("|".join([*DOCUMENTED_REFUSALS, _NOT_ENABLED.pattern, _PLAN.pattern]), re.IGNORECASE)
_INVISIBLE = re.compile(r"\A[\s\ufeff\u200b-\u200f]+")
# Undocumented: the CAD's greeting at every path that it does not know, with status 200.
_GREETING = "backend service reached"

# These statuses decide by themselves, whatever the body says: none of them is a success.
_BY_STATUS = {
    401: (Outcome.REJECTED, Reason.API_KEY),
    402: (Outcome.REJECTED, Reason.PLAN),
    403: (Outcome.REJECTED, Reason.FORBIDDEN),
    408: (Outcome.UNKNOWN, Reason.SERVER_ERROR),
    429: (Outcome.NOT_SENT, Reason.BUSY),
}

CONFIRMED = (Outcome.REMOVED, Reason.CONFIRMED)
UNREADABLE = (Outcome.UNKNOWN, Reason.UNREADABLE)
UNCLEAR = (Outcome.UNKNOWN, Reason.UNCLEAR)
NO_SUCH_CALL = (Outcome.GONE, Reason.NO_SUCH_CALL)
OTHER_REFUSAL = (Outcome.REJECTED, Reason.OTHER_REFUSAL)
WRONG_URL = (Outcome.REJECTED, Reason.WRONG_URL)


def call_fields(call: EmergencyCall) -> dict[str, object]:
    """Return a new call's fields, which have the same names in both versions."""
    fields: dict[str, object] = {
        "isEmergency": call.emergency,
        "caller": call.caller,
        "location": call.location,
        "description": call.description,
    }
    return {**fields, "metaData": dict(call.metadata)} if call.metadata else fields


def body_text(response: HttpResponse) -> str:
    """Return the body as text, without invisible characters at its ends."""
    text = "" if response.body is None else response.body.decode("utf-8", errors="replace")
    return _INVISIBLE.sub("", text, count=1).rstrip()


def is_web_page(response: HttpResponse, text: str) -> bool:
    """Return True for a web page. The CAD itself answers in plain text or JSON."""
    return "html" in response.media_type or text.startswith("<")


def is_api_body(response: HttpResponse) -> bool:
    """Return True if the body can be a success: it is complete, and neither a web page nor a problem (RFC 9457)."""
    return response.body is not None and "html" not in response.media_type and "problem" not in response.media_type


def classify_refusal(response: HttpResponse, texts: Iterable[str], *, page: bool, missing: Verdict) -> Verdict | None:
    """Return what a response means if it can't be a success, else None.

    Args:
        response: the response.
        texts: the texts in which the CAD may state a refusal, the body first.
        page: True if the body is a web page.
        missing: what a 404 from the CAD itself means.
    """
    body, *_ = texts = list(texts)
    if 300 <= response.status < 400 or _GREETING in " ".join(body.lower().split()):
        return WRONG_URL
    if response.status in _BY_STATUS:
        return _BY_STATUS[response.status]
    if response.status == 503 and response.retry_after is not None:
        return Outcome.NOT_SENT, Reason.BUSY
    if response.status >= 500:
        return Outcome.UNKNOWN, Reason.SERVER_ERROR
    for text in texts:
        if reason := _known_refusal(text):
            return Outcome.REJECTED, reason
    if not 400 <= response.status < 500:
        return None
    if response.status != 404:
        return OTHER_REFUSAL
    if response.body is None:
        return UNREADABLE
    return WRONG_URL if page else missing


def contains_refusal(text: str) -> bool:
    """Return True if a known refusal stands anywhere in the text."""
    return _REFUSAL.search(" ".join(text.split())) is not None


def as_unreadable(result: Result) -> Result:
    """Turn a success whose content could not be parsed into "unreadable"; keep any other result."""
    if not result.succeeded:
        return result
    return Result(*UNREADABLE, result.cad_text, result.status, reference=result.reference)


def parse_json(response: HttpResponse, invalid: object = None) -> object:
    """Return the body, parsed as JSON, or `invalid` if it is not JSON."""
    try:
        return json.loads(body_text(response))
    except (ValueError, RecursionError):
        return invalid


def lowercase_fields(value: object) -> dict[str, object]:
    """Return a JSON object with its keys in lower case, since v1 and v2 spell them differently; {} for other values."""
    if not isinstance(value, dict):
        return {}
    return {name.lower(): item for name, item in cast("dict[str, object]", value).items()}


def agrees(name: str, value: object) -> bool | None:
    """Return whether a field of a JSON answer agrees with a success, or None if it is not one that tells."""
    match name:
        case "success" | "ok":
            return value is True
        case "status" | "statuscode" | "code":
            return value in (200, 201)
        case "error" | "errors":
            return not value
        case _:
            return None


def parse_open_calls(response: HttpResponse, server_id: int, redact: Redact) -> OpenCalls | None:
    """Parse a server's open 911 calls; return None if there is no such list.

    A field that can't be parsed is left empty. A call without a valid number is left out, and the list is then
    incomplete. A number that is listed twice is one call: Discord rejects a select with duplicate values.
    """
    items = _list_items(response, "emergencycalls")
    if items is None:
        return None
    calls = [call for item in items if (call := _parse_call(lowercase_fields(item), server_id, redact))]
    return OpenCalls(tuple({call.ref: call for call in calls}.values()), complete=len(calls) == len(items))


def parse_servers(response: HttpResponse, redact: Redact) -> ServerList | None:
    """Parse the community's servers; return None if there is no such list."""
    items = _list_items(response, "servers")
    if items is None:
        return None
    fields = [(valid_id(item.get("id")), _text(item.get("name"), redact)) for item in map(lowercase_fields, items)]
    servers = tuple(Server(number, name) for number, name in fields if number is not None)
    return ServerList(servers, complete=len(servers) == len(items))


def _list_items(response: HttpResponse, name: str) -> list[object] | None:
    # A list contains players' text, so it is not searched for the CAD's refusals.
    if response.status != 200 or not is_api_body(response):
        return None
    fields = lowercase_fields(parse_json(response))
    items = fields.get(name)
    refused = bool(fields.get("message")) or any(agrees(*field) is False for field in fields.items())
    if not isinstance(items, list) or refused:  # an empty list beside an error proves nothing
        return None
    return cast("list[object]", items)


def _parse_call(item: dict[str, object], server_id: int, redact: Redact) -> EmergencyCall | None:
    number = valid_id(item.get("callid"))
    if number is None or item.get("serverid", server_id) != server_id:
        return None
    metadata = item.get("metadata")
    metadata = cast("dict[str, object]", metadata) if isinstance(metadata, dict) else {}
    return EmergencyCall(
        CallRef(server_id, number),
        item.get("isemergency") is not False,
        *(_text(item.get(name), redact) for name in ("caller", "location", "description")),
        metadata=MappingProxyType({name: value for name, value in metadata.items() if isinstance(value, str)}),
        updated=_parse_time(item.get("updated")),
    )


def _text(value: object, redact: Redact) -> str:
    return redact(value) if isinstance(value, str) else ""


def _parse_time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or not 2000 <= moment.year < 3000:  # .NET writes a time that was never set as the year 1
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known_refusal(text: str) -> Reason | None:
    text = " ".join(text.split()).strip(" \"'.!")
    if reason := DOCUMENTED_REFUSALS.get(text.upper()):
        return reason
    if _NOT_ENABLED.fullmatch(text):
        return Reason.ENDPOINT_OFF
    return Reason.PLAN if _PLAN.fullmatch(text) else None
