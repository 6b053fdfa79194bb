"""API v2 without a network: the requests that are built, and what a response means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.cad import v2
from bot.cad.models import Account, CallRef, EmergencyCall, OpenCalls, Plan, PlanInfo, ServerList
from bot.cad.requests import HttpRequest, HttpResponse
from bot.cad.results import Outcome, Reason, Result

ACCOUNT = Account(URL("https://cad.example"), "", "my-key")
CALL = CallRef(server_id=1, call_id=302)
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"
JSON, PROBLEM, TEXT = "application/json", "application/problem+json", "text/plain"


def problem(status: int, title: str = "Not Found", detail: str = "") -> bytes:
    return json.dumps({"title": title, "status": status, "detail": detail, "traceId": "00-4bf9-01"}).encode()


def all_requests() -> list[HttpRequest]:
    return [
        v2.remove_911(ACCOUNT, CALL).http,
        v2.create_911(ACCOUNT, EmergencyCall(CALL, False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"})).http,
        v2.get_calls(ACCOUNT, 2).http,
        v2.get_servers(ACCOUNT).http,
        v2.get_version(ACCOUNT).http,
    ]


def test_routes() -> None:
    assert [(request.method, request.path, request.query) for request in all_requests()] == [
        ("DELETE", "v2/emergency/servers/1/calls/911/302", None),
        ("POST", "v2/emergency/servers/1/calls/911", None),
        ("GET", "v2/emergency/servers/2/calls", {"type": "1"}),
        ("GET", "v2/general/servers", None),
        ("GET", "v2/general/version", None),
    ]


def test_key_is_only_in_the_header() -> None:
    assert v2.headers(ACCOUNT) == {"Authorization": "Bearer my-key", "Accept": "application/json"}
    for request in all_requests():
        assert "my-key" not in repr(request)
        assert b"my-key" not in (request.body or b"")
        assert "my-key" not in request.path


def test_only_a_creation_has_a_body_and_it_names_no_server() -> None:
    remove, create, *lookups = all_requests()
    assert [request.body for request in (remove, *lookups)] == [None] * 4
    assert json.loads(create.body or b"") == {
        "isEmergency": False,
        "caller": "Ana",
        "location": "Grove St",
        "description": "Fire",
        "metaData": {"plate": "46EEK572"},
    }


def test_limits_are_four_fifths_of_the_published_ones() -> None:
    assert [(kind.name, limit.max_requests, limit.per_seconds) for limit in v2.RATE_LIMITS for kind in limit.kinds] == [
        ("REMOVE", 8, 62.0),
        ("CREATE", 8, 62.0),
        ("CALLS", 4, 62.0),
        ("SERVERS", 8, 62.0),
        ("VERSION", 8, 62.0),
    ]


@pytest.mark.parametrize(
    ("status", "body", "media_type", "outcome", "reason"),
    [
        # As documented.
        (200, b'{"callId": 302, "serverId": 1}', JSON, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b'{"CallId": 302, "ServerId": 1, "more": null}', "", Outcome.REMOVED, Reason.CONFIRMED),
        (204, b"", "", Outcome.REMOVED, Reason.CONFIRMED),
        # 200 with another call or server, or none.
        (200, b'{"callId": 303, "serverId": 1}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 2}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 1, "serverId": 302}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 302}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": true, "serverId": true}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 302.0, "serverId": 1}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'[{"callId": 302, "serverId": 1}]', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"{}", JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"", JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"OK", TEXT, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"API ID(s) set!", TEXT, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 1', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 1}', PROBLEM, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 1}', "text/html", Outcome.UNKNOWN, Reason.UNREADABLE),
        (202, b'{"callId": 302, "serverId": 1}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, HTML, "text/html", Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, None, JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"[" * 100_000, JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"Sonoran CAD: Backend Service Reached", TEXT, Outcome.REJECTED, Reason.WRONG_URL),
        (200, b"INVALID API KEY", TEXT, Outcome.REJECTED, Reason.API_KEY),
        # Problems.
        (400, problem(400, "One or more validation errors occurred."), PROBLEM, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (400, problem(400, "Bad Request", "INVALID API KEY"), PROBLEM, Outcome.REJECTED, Reason.API_KEY),
        (400, problem(400, "API IS NOT ENABLED FOR THIS COMMUNITY"), PROBLEM, Outcome.REJECTED, Reason.API_OFF),
        (400, problem(400, "Bad Request", "VERSION PRO REQUIRED"), PROBLEM, Outcome.REJECTED, Reason.PLAN),
        (401, problem(401, "Unauthorized"), PROBLEM, Outcome.REJECTED, Reason.API_KEY),
        (401, b"", "", Outcome.REJECTED, Reason.API_KEY),
        (402, problem(402), PROBLEM, Outcome.REJECTED, Reason.PLAN),
        (403, problem(403), PROBLEM, Outcome.REJECTED, Reason.FORBIDDEN),
        (404, problem(404), PROBLEM, Outcome.GONE, Reason.NO_SUCH_CALL),
        (404, b"", "", Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b'{"message": "Not Found"}', JSON, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"serverId": 1, "callId": 302, "success": false}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"serverId": 1, "callId": 302, "message": "CALL NOT FOUND"}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"serverId": 1, "callId": 302, "result": "failed"}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"serverId": 1, "callId": 302, "deleted": false}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"serverId": 1, "callId": 302, "code": 500}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (404, b'{"detail": ""}', JSON, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"serverId": 1, "callId": 302, "error": "x"}', JSON, Outcome.UNKNOWN, Reason.UNREADABLE),
        (404, b"404 page not found", TEXT, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (404, b'{"message": "no Route matched with those values"}', JSON, Outcome.REJECTED, Reason.WRONG_URL),
        (404, HTML, "text/html", Outcome.REJECTED, Reason.WRONG_URL),
        (404, None, PROBLEM, Outcome.UNKNOWN, Reason.UNREADABLE),
        (405, b"", "", Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (429, b'{"message": "API rate limit exceeded", "request_id": "7"}', JSON, Outcome.NOT_SENT, Reason.BUSY),
        (307, b"", "", Outcome.REJECTED, Reason.WRONG_URL),
        (408, b"", "", Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (500, problem(500, "INVALID API KEY"), PROBLEM, Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (503, b"", "", Outcome.UNKNOWN, Reason.SERVER_ERROR),
    ],
)
def test_response_to_a_removal_and_its_outcome(
    status: int, body: bytes | None, media_type: str, outcome: Outcome, reason: Reason
) -> None:
    result = v2.parse_removal(CALL, HttpResponse(status, media_type, body), str)
    assert (result.outcome, result.reason) == (outcome, reason)


def test_503_with_retry_after_is_busy() -> None:
    assert v2.parse_removal(CALL, HttpResponse(503, PROBLEM, b"{}", 30.0), str).reason is Reason.BUSY


def test_title_detail_and_trace_id_of_a_problem_are_kept() -> None:
    result = v2.parse_removal(
        CALL, HttpResponse(400, PROBLEM, problem(400, "Bad\n Request", "It is `my-key`")), without_key
    )
    assert result.cad_text == "Bad Request: It is `[key]`"
    assert result.reference == "00-4bf9-01"


def without_key(text: str) -> str:
    return text.replace("my-key", "[key]")


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("0HMPNHL0JHL76:00000001", True),
        ("x" * 101, False),
        ("`@everyone`", False),
        ("a b\u202e", False),
        ("Bearer-my-key", False),
        (7, False),
        ("", False),
    ],
)
def test_only_a_plain_reference_is_kept(reference: object, kept: bool) -> None:
    body = json.dumps({"title": "x", "traceId": reference}).encode()
    result = v2.parse_removal(CALL, HttpResponse(400, PROBLEM, body), without_key)
    assert result.reference == (reference if kept else "")


def test_429_has_a_reference() -> None:
    body = b'{"message": "API rate limit exceeded", "request_id": "5f0a"}'
    result = v2.parse_removal(CALL, HttpResponse(429, JSON, body), str)
    assert (result.cad_text, result.reference) == ("API rate limit exceeded", "5f0a")


@pytest.mark.parametrize(
    ("status", "body", "created", "outcome", "reason"),
    [
        (200, b'{"callId": 305, "caller": "INVALID API KEY"}', 305, Outcome.CREATED, Reason.CONFIRMED),
        (201, b'{"CallId": 305, "serverId": 1}', 305, Outcome.CREATED, Reason.CONFIRMED),
        (200, b'{"callId": 305, "serverId": 2}', None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"callId": "305"}', None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"305", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (204, b"", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (404, problem(404), None, Outcome.REJECTED, Reason.NO_SUCH_SERVER),
        (429, b'{"callId": 305}', None, Outcome.NOT_SENT, Reason.BUSY),
    ],
)
def test_response_to_a_creation_and_its_outcome(
    status: int, body: bytes, created: int | None, outcome: Outcome, reason: Reason
) -> None:
    result = v2.parse_creation(1, HttpResponse(status, JSON, body), str)
    assert (result.new_call_id, result.outcome, result.reason) == (created, outcome, reason)


def test_list_of_calls_with_capitalized_names() -> None:
    body = b'{"ActiveCalls": [{"callId": 9}], "EmergencyCalls": [{"callId": 1, "caller": "Ana"}, {"x": 1}]}'
    calls = v2.parse_calls(2, HttpResponse(200, JSON, body), str)
    assert calls == OpenCalls((EmergencyCall(CallRef(2, 1), caller="Ana"),), complete=False)
    no_list = v2.parse_calls(2, HttpResponse(200, JSON, b"{}"), str)
    assert isinstance(no_list, Result)
    assert no_list.outcome is Outcome.UNKNOWN
    no_server = v2.parse_calls(9, HttpResponse(404, PROBLEM, problem(404)), str)
    assert isinstance(no_server, Result)
    assert no_server.reason is Reason.NO_SUCH_SERVER


@pytest.mark.parametrize("body", [b"", b"{}", b'{"status": 404}'])
def test_404_without_the_cads_words_does_not_say_that_the_server_is_missing(body: bytes) -> None:
    result = v2.parse_calls(9, HttpResponse(404, JSON, body), str)
    assert isinstance(result, Result)
    assert (result.outcome, result.reason) == (Outcome.REJECTED, Reason.OTHER_REFUSAL)


@pytest.mark.parametrize(
    ("body", "plan", "text"),
    [
        (b'{"version": 2, "name": "PLUS"}', Plan.PLUS, "2 PLUS"),
        (b'{"version": 5, "name": "Sonoran One"}', Plan.SONORAN_ONE, "5 Sonoran One"),
        (b'{"name": "standard"}', Plan.STANDARD, "standard"),
    ],
)
def test_plan_by_its_name(body: bytes, plan: Plan, text: str) -> None:
    assert v2.parse_version(HttpResponse(200, JSON, body), str) == PlanInfo(plan, text)


@pytest.mark.parametrize("body", [b'{"version": 2}', b'{"name": "BEST"}', b'{"name": 3}', b"3 PLUS", b"[]", b""])
def test_plan_without_a_known_name_is_unreadable(body: bytes) -> None:
    result = v2.parse_version(HttpResponse(200, JSON, body), str)
    assert isinstance(result, Result)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.UNREADABLE)


VALUES = st.none() | st.booleans() | st.integers() | st.text()
NAMES = st.sampled_from(["callId", "serverId", "title", "detail", "traceId", "message", "name", "EmergencyCalls"])


@given(
    status=st.integers(100, 999),
    media_type=st.sampled_from(["", TEXT, "text/html", JSON, PROBLEM]) | st.text(),
    body=st.none()
    | st.binary()
    | st.recursive(VALUES, lambda more: st.lists(more) | st.dictionaries(NAMES, more)).map(
        lambda value: json.dumps(value).encode()
    ),
)
def test_no_response_raises_and_only_the_calls_own_ids_are_a_removal(
    status: int, media_type: str, body: bytes | None
) -> None:
    response = HttpResponse(status, media_type, body)
    if v2.parse_removal(CALL, response, str).outcome is Outcome.REMOVED:
        assert status == 204 or json.loads(body or b"")["callId"] == 302
    assert isinstance(v2.parse_calls(1, response, str), OpenCalls | Result)
    assert isinstance(v2.parse_servers(response, str), ServerList | Result)
    assert isinstance(v2.parse_version(response, str), PlanInfo | Result)
    v2.parse_creation(1, response, str)
