"""The CAD's API v2 as pure functions: resource routes, the key in a header, errors as problems (RFC 9457).

Source: the vendor's documentation and client libraries. The key identifies the community.
"""

from __future__ import annotations

import json
import re
from functools import partial

from bot.cad import parsing
from bot.cad.api import ApiRequest, Redact
from bot.cad.models import Account, CallRef, EmergencyCall, OpenCalls, Plan, PlanInfo, ServerList, valid_id
from bot.cad.removal_answer import says_removed
from bot.cad.request_queue import RateLimit
from bot.cad.requests import HttpRequest, HttpResponse, RequestKind
from bot.cad.results import Outcome, Reason, Result

PUBLISHED_LIMITS = {
    RequestKind.REMOVE: 10,
    RequestKind.CREATE: 10,
    RequestKind.CALLS: 5,
    RequestKind.SERVERS: 10,
    RequestKind.VERSION: 10,
}
"""Requests a minute that the CAD accepts with one key, which the community's game server uses too."""
LIMIT_SHARE = 0.8
"""The part of these limits that this bot uses."""
WINDOW_SECONDS = 62.0
"""The bot's minute. It is longer than the CAD's, since requests can arrive closer together than they were sent."""
RATE_LIMITS = tuple(
    RateLimit(frozenset({kind}), int(limit * LIMIT_SHARE), WINDOW_SECONDS) for kind, limit in PUBLISHED_LIMITS.items()
)

_NO_SUCH_SERVER = (Outcome.REJECTED, Reason.NO_SUCH_SERVER)


def headers(account: Account) -> dict[str, str]:
    """Return the headers that every request has."""
    return {"Authorization": f"Bearer {account.key}", "Accept": "application/json"}


def remove_911(_: Account, ref: CallRef) -> ApiRequest[Result]:
    """Build the request that removes a call."""
    request = HttpRequest(RequestKind.REMOVE, "DELETE", f"{_calls_path(ref.server_id)}/911/{ref.call_id:d}")
    return ApiRequest(request, partial(parse_removal, ref))


def create_911(_: Account, call: EmergencyCall) -> ApiRequest[Result]:
    """Build the request that creates a call. The CAD gives it a new number."""
    server_id, body = call.ref.server_id, json.dumps(parsing.call_fields(call)).encode()
    request = HttpRequest(RequestKind.CREATE, "POST", f"{_calls_path(server_id)}/911", body=body)
    return ApiRequest(request, partial(parse_creation, server_id))


def get_calls(_: Account, server_id: int) -> ApiRequest[OpenCalls]:
    """Build the request for a server's open emergency calls (type 1). It needs the plan Plus."""
    request = HttpRequest(RequestKind.CALLS, "GET", _calls_path(server_id), query={"type": "1"})
    return ApiRequest(request, partial(parse_calls, server_id))


def get_servers(_: Account) -> ApiRequest[ServerList]:
    """Build the request for the servers. It needs the plan Standard."""
    return ApiRequest(HttpRequest(RequestKind.SERVERS, "GET", "v2/general/servers"), parse_servers)


def get_version(_: Account) -> ApiRequest[PlanInfo]:
    """Build the request for the plan, which every plan includes."""
    return ApiRequest(HttpRequest(RequestKind.VERSION, "GET", "v2/general/version"), parse_version)


def parse_removal(ref: CallRef, response: HttpResponse, redact: Redact) -> Result:
    """Parse the response to the removal of `ref`.

    Only a 204, or a 200 whose body names this call and this server as documented, means "removed". A 200 that names
    another call, or none, may come from any server on the way.
    """
    fields = _success_fields(response, 200)
    named = (valid_id(fields.get("serverid")), valid_id(fields.get("callid")))
    if response.status == 204 or (named == (ref.server_id, ref.call_id) and says_removed(fields, ref)):
        return Result(*parsing.CONFIRMED, status=response.status)
    problem = parsing.lowercase_fields(parsing.parse_json(response))
    explained = any(_one_line(problem.get(name)) for name in ("title", "detail"))  # else a proxy may have sent it
    return _parse(response, redact, missing=parsing.NO_SUCH_CALL if explained else parsing.UNCLEAR)


def parse_creation(server_id: int, response: HttpResponse, redact: Redact) -> Result:
    """Return a success only if it contains the number of the new call, on this server."""
    fields = _success_fields(response, 200, 201)
    created = valid_id(fields.get("callid"))
    if created is None or fields.get("serverid", server_id) != server_id:
        return _parse(response, redact)
    return Result(Outcome.CREATED, Reason.CONFIRMED, status=response.status, new_call_id=created)


def parse_calls(server_id: int, response: HttpResponse, redact: Redact) -> OpenCalls | Result:
    """Return the open calls, or how the request ended instead."""
    return parsing.parse_open_calls(response, server_id, redact) or _parse(response, redact)


def parse_servers(response: HttpResponse, redact: Redact) -> ServerList | Result:
    """Return the servers, or how the request ended instead."""
    return parsing.parse_servers(response, redact) or _parse(response, redact, missing=parsing.OTHER_REFUSAL)


def parse_version(response: HttpResponse, redact: Redact) -> PlanInfo | Result:
    """Return the plan, read from its name (the vendor's example contradicts v1's numbers), or how the request ended."""
    fields = _success_fields(response, 200)
    name = fields.get("name")
    plan = Plan.__members__.get(re.sub(r"[\s_-]+", "_", name.strip()).upper()) if isinstance(name, str) else None
    if plan is None:
        return _parse(response, redact, missing=parsing.OTHER_REFUSAL)
    return PlanInfo(plan, redact(f"{fields.get('version', '')} {name}".strip()))


def _calls_path(server_id: int) -> str:
    return f"v2/emergency/servers/{server_id:d}/calls"


def _success_fields(response: HttpResponse, *statuses: int) -> dict[str, object]:
    """Return the fields of the body if the response can be a success, else {}."""
    if response.status not in statuses or not parsing.is_api_body(response):
        return {}
    return parsing.lowercase_fields(parsing.parse_json(response))


def _parse(response: HttpResponse, redact: Redact, missing: parsing.Verdict = _NO_SUCH_SERVER) -> Result:
    """Parse a response that is not a success."""
    text = parsing.body_text(response)
    page = parsing.is_web_page(response, text)
    body = parsing.parse_json(response)
    fields = parsing.lowercase_fields(body)
    title, detail, message = (_one_line(fields.get(name)) for name in ("title", "detail", "message"))
    unexplained = missing == _NO_SUCH_SERVER and not (title or detail)
    if "no route matched" in message.lower():  # from the gateway, for a path that it does not know
        missing = parsing.WRONG_URL
    elif unexplained or (text and not isinstance(body, dict)):  # a proxy may have sent it, so a 404 says nothing
        missing = parsing.OTHER_REFUSAL
    verdict = parsing.classify_refusal(response, [text, title, detail, message], page=page, missing=missing)
    cad_text = ": ".join(filter(None, (title, detail))) or message or ("" if page else text)
    reference = _one_line(fields.get("traceid")) or _one_line(fields.get("request_id"))
    if not re.fullmatch(r"[\w.:|-]{1,100}", reference, re.ASCII) or redact(reference) != reference:
        reference = ""  # it could be anything
    return Result(*(verdict or parsing.UNREADABLE), redact(cad_text), response.status, response.retry_after, reference)


def _one_line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
