"""The CAD's API v1 as pure functions that build requests and parse responses.

Source of the removal and the four documented refusals: the vendor's page "Remove 911".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bot.cad import parsing
from bot.cad.api import ApiRequest, Redact
from bot.cad.models import Account, CallRef, EmergencyCall, OpenCalls, Plan, PlanInfo, ServerList
from bot.cad.request_queue import one_every
from bot.cad.requests import HttpRequest, HttpResponse, RequestKind
from bot.cad.results import Outcome, Reason, Result
from bot.cad.write_answer import created_number, says_missing, says_removed

RATE_LIMITS = one_every(1.05)
"""The vendor allows one request a second over an extended period."""

_NOT_JSON = object()


def headers(_: Account) -> dict[str, str]:
    """Return no headers: the key is in the body."""
    return {}


def remove_911(account: Account, ref: CallRef) -> ApiRequest[Result]:
    """Build REMOVE_911 exactly as documented, with the ids as integers."""
    data = {"serverId": ref.server_id, "callId": ref.call_id}
    return ApiRequest(
        _request(account, RequestKind.REMOVE, "emergency", "REMOVE_911", data), partial(parse_removal, ref)
    )


def create_911(account: Account, call: EmergencyCall) -> ApiRequest[Result]:
    """Build CALL_911, which needs the plan Standard. The CAD gives the call a new number."""
    data = {"serverId": call.ref.server_id, **parsing.call_fields(call)}
    return ApiRequest(
        _request(account, RequestKind.CREATE, "emergency", "CALL_911", data), partial(parse_creation, call)
    )


def get_calls(account: Account, server_id: int) -> ApiRequest[OpenCalls]:
    """Build GET_CALLS for a server's open emergency calls (type 1). It needs the plan Plus."""
    request = _request(account, RequestKind.CALLS, "emergency", "GET_CALLS", {"serverId": server_id, "type": 1})
    return ApiRequest(request, partial(parse_calls, server_id))


def get_servers(account: Account) -> ApiRequest[ServerList]:
    """Build GET_SERVERS. It needs the plan Standard."""
    return ApiRequest(_request(account, RequestKind.SERVERS, "general", "GET_SERVERS"), parse_servers)


def get_version(account: Account) -> ApiRequest[PlanInfo]:
    """Build GET_VERSION, which every plan includes."""
    return ApiRequest(_request(account, RequestKind.VERSION, "general", "GET_VERSION"), parse_version)


def parse_removal(ref: CallRef, response: HttpResponse, redact: Redact) -> Result:
    """Parse the response to the removal of `ref`.

    The documented example of a success is another endpoint's text, so no one text marks a success. A 204, an empty
    body and a text that can only mean "done" do. Any other text of a 200 or a 404 is unclear: a proxy may have sent it.
    """
    result = _parse(response, redact, missing=parsing.UNCLEAR)
    text = parsing.body_text(response)
    if (result.outcome, result.reason) not in (parsing.CONFIRMED, parsing.UNCLEAR) or response.status == 204:
        return result
    answer = parsing.parse_json(response, text)
    verdict = parsing.UNCLEAR
    if result.succeeded and (not text or says_removed(answer, ref)):
        verdict = parsing.CONFIRMED
    elif says_missing(answer, ref):
        verdict = parsing.NO_SUCH_CALL
    return replace(result, outcome=verdict[0], reason=verdict[1])


def parse_creation(call: EmergencyCall, response: HttpResponse, redact: Redact) -> Result:
    """Return a success only if the response says so, with the number of the new call: `EMERGENCY CALL ADDED ID: 305`.

    A 404 is unclear, as for a removal.
    """
    result = _parse(response, redact, missing=parsing.UNCLEAR)
    created = created_number(parsing.parse_json(response, parsing.body_text(response)), call)
    if not result.succeeded or created is None:
        return parsing.as_unreadable(result)
    return Result(Outcome.CREATED, Reason.CONFIRMED, status=response.status, new_call_id=created)


def parse_calls(server_id: int, response: HttpResponse, redact: Redact) -> OpenCalls | Result:
    """Return the open calls, or how the request ended instead."""
    return parsing.parse_open_calls(response, server_id, redact) or parsing.as_unreadable(_parse(response, redact))


def parse_servers(response: HttpResponse, redact: Redact) -> ServerList | Result:
    """Return the servers, or how the request ended instead."""
    return parsing.parse_servers(response, redact) or parsing.as_unreadable(_parse(response, redact))


def parse_version(response: HttpResponse, redact: Redact) -> PlanInfo | Result:
    """Return the plan, whose number begins the text, or how the request ended instead."""
    result = _parse(response, redact)
    digits = re.match(r'"?([0-9]{1,3})(?![0-9])', parsing.body_text(response))
    if not result.succeeded or digits is None or int(digits[1]) not in Plan.__members__.values():
        return parsing.as_unreadable(result)
    return PlanInfo(Plan(int(digits[1])), result.cad_text)


def _request(account: Account, kind: RequestKind, group: str, name: str, *data: Mapping[str, object]) -> HttpRequest:
    body = {"id": account.community_id, "key": account.key, "type": name, "data": data}
    return HttpRequest(kind, "POST", f"{group}/{name.lower()}", json.dumps(body).encode())


def _parse(response: HttpResponse, redact: Redact, missing: parsing.Verdict = parsing.OTHER_REFUSAL) -> Result:
    text = parsing.body_text(response)
    page = parsing.is_web_page(response, text)
    verdict = parsing.classify_refusal(response, [text], page=page, missing=missing)
    if verdict is None:
        verdict = parsing.CONFIRMED if not page and _is_success(response, text) else parsing.UNREADABLE
    return Result(*verdict, "" if page else redact(text), response.status, response.retry_after)


def _is_success(response: HttpResponse, text: str) -> bool:
    if response.status not in (200, 204) or not parsing.is_api_body(response) or "\0" in text:
        return False
    is_json = response.status == 200 and "json" in response.media_type
    if is_json and parsing.parse_json(response, _NOT_JSON) is _NOT_JSON:
        return False
    return not parsing.contains_refusal(text)  # a refusal can be wrapped in other text
