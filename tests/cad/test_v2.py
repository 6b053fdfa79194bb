"""The v2 dialect, without a network: what is sent, and what an answer means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.cad import v2
from bot.cad.model import (
    Account,
    Answer,
    CallRef,
    EmergencyCall,
    End,
    OpenCalls,
    Plan,
    Reply,
    Request,
    Servers,
    Version,
    Why,
)

ACCOUNT = Account(URL("https://cad.example"), "", "my-key")
CALL = CallRef(server_id=1, call_id=302)
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"
JSON, PROBLEM, TEXT = "application/json", "application/problem+json", "text/plain"


def problem(status: int, title: str = "Not Found", detail: str = "") -> bytes:
    return json.dumps({"title": title, "status": status, "detail": detail, "traceId": "00-4bf9-01"}).encode()


def all_requests() -> list[Request]:
    return [
        v2.remove_911(ACCOUNT, CALL).request,
        v2.create_911(ACCOUNT, EmergencyCall(CALL, False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"})).request,
        v2.get_calls(ACCOUNT, 2).request,
        v2.get_servers(ACCOUNT).request,
        v2.get_version(ACCOUNT).request,
    ]


def test_the_routes() -> None:
    assert [(one.method, one.path, one.query) for one in all_requests()] == [
        ("DELETE", "v2/emergency/servers/1/calls/911/302", None),
        ("POST", "v2/emergency/servers/1/calls/911", None),
        ("GET", "v2/emergency/servers/2/calls", {"type": "1"}),
        ("GET", "v2/general/servers", None),
        ("GET", "v2/general/version", None),
    ]


def test_the_key_is_in_the_header_and_nowhere_else() -> None:
    assert v2.headers(ACCOUNT) == {"Authorization": "Bearer my-key", "Accept": "application/json"}
    for request in all_requests():
        assert "my-key" not in repr(request)
        assert b"my-key" not in (request.body or b"")
        assert "my-key" not in request.path


def test_a_body_is_sent_only_with_a_new_call_and_says_no_server() -> None:
    remove, create, *looks = all_requests()
    assert [one.body for one in (remove, *looks)] == [None] * 4
    assert json.loads(create.body or b"") == {
        "isEmergency": False,
        "caller": "Ana",
        "location": "Grove St",
        "description": "Fire",
        "metaData": {"plate": "46EEK572"},
    }


def test_the_limits_are_four_fifths_of_the_published_ones() -> None:
    assert [(kind.name, window.many, window.seconds) for window in v2.LIMITS for kind in window.kinds] == [
        ("REMOVE", 8, 62.0),
        ("CREATE", 8, 62.0),
        ("CALLS", 4, 62.0),
        ("SERVERS", 8, 62.0),
        ("VERSION", 8, 62.0),
    ]


@pytest.mark.parametrize(
    ("status", "content", "media_type", "end", "why"),
    [
        # As documented.
        (200, b'{"callId": 302, "serverId": 1}', JSON, End.REMOVED, Why.CONFIRMED),
        (200, b'{"CallId": 302, "ServerId": 1, "more": null}', "", End.REMOVED, Why.CONFIRMED),
        (204, b"", "", End.REMOVED, Why.CONFIRMED),
        # 200, and another call or server is named, or none.
        (200, b'{"callId": 303, "serverId": 1}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 2}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 1, "serverId": 302}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 302}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": true, "serverId": true}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 302.0, "serverId": 1}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'[{"callId": 302, "serverId": 1}]', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b"{}", JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b"", JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b"OK", TEXT, End.UNKNOWN, Why.UNREADABLE),
        (200, b"API ID(s) set!", TEXT, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 1', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 1}', PROBLEM, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": 302, "serverId": 1}', "text/html", End.UNKNOWN, Why.UNREADABLE),
        (202, b'{"callId": 302, "serverId": 1}', JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, HTML, "text/html", End.UNKNOWN, Why.UNREADABLE),
        (200, None, JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b"[" * 100_000, JSON, End.UNKNOWN, Why.UNREADABLE),
        (200, b"Sonoran CAD: Backend Service Reached", TEXT, End.REJECTED, Why.WRONG_URL),
        (200, b"INVALID API KEY", TEXT, End.REJECTED, Why.API_KEY),
        # Problems.
        (400, problem(400, "One or more validation errors occurred."), PROBLEM, End.REJECTED, Why.OTHER_REFUSAL),
        (400, problem(400, "Bad Request", "INVALID API KEY"), PROBLEM, End.REJECTED, Why.API_KEY),
        (400, problem(400, "API IS NOT ENABLED FOR THIS COMMUNITY"), PROBLEM, End.REJECTED, Why.API_OFF),
        (400, problem(400, "Bad Request", "VERSION PRO REQUIRED"), PROBLEM, End.REJECTED, Why.PLAN),
        (401, problem(401, "Unauthorized"), PROBLEM, End.REJECTED, Why.API_KEY),
        (401, b"", "", End.REJECTED, Why.API_KEY),
        (402, problem(402), PROBLEM, End.REJECTED, Why.PLAN),
        (403, problem(403), PROBLEM, End.REJECTED, Why.FORBIDDEN),
        (404, problem(404), PROBLEM, End.GONE, Why.NO_SUCH_CALL),
        (404, b"", "", End.GONE, Why.NO_SUCH_CALL),
        (404, b"404 page not found", TEXT, End.REJECTED, Why.OTHER_REFUSAL),
        (404, b'{"message": "no Route matched with those values"}', JSON, End.REJECTED, Why.WRONG_URL),
        (404, HTML, "text/html", End.REJECTED, Why.WRONG_URL),
        (404, None, PROBLEM, End.UNKNOWN, Why.UNREADABLE),
        (405, b"", "", End.REJECTED, Why.OTHER_REFUSAL),
        (429, b'{"message": "API rate limit exceeded", "request_id": "7"}', JSON, End.NOT_SENT, Why.BUSY),
        (307, b"", "", End.REJECTED, Why.WRONG_URL),
        (408, b"", "", End.UNKNOWN, Why.SERVER_ERROR),
        (500, problem(500, "INVALID API KEY"), PROBLEM, End.UNKNOWN, Why.SERVER_ERROR),
        (503, b"", "", End.UNKNOWN, Why.SERVER_ERROR),
    ],
)
def test_what_an_answer_to_a_removal_means(
    status: int, content: bytes | None, media_type: str, end: End, why: Why
) -> None:
    answer = v2.understand_removal(CALL, Reply(status, media_type, content), str)
    assert (answer.end, answer.why) == (end, why)


def test_a_503_with_advice_is_a_busy_cad() -> None:
    assert v2.understand_removal(CALL, Reply(503, PROBLEM, b"{}", 30.0), str).why is Why.BUSY


def test_title_detail_and_trace_of_a_problem_are_kept() -> None:
    answer = v2.understand_removal(CALL, Reply(400, PROBLEM, problem(400, "Bad\n Request", "It is `my-key`")), no_key)
    assert answer.said == "Bad Request: It is `[key]`"
    assert answer.reference == "00-4bf9-01"


def no_key(text: str) -> str:
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
    content = json.dumps({"title": "x", "traceId": reference}).encode()
    answer = v2.understand_removal(CALL, Reply(400, PROBLEM, content), no_key)
    assert answer.reference == (reference if kept else "")


def test_a_429_has_a_reference_too() -> None:
    content = b'{"message": "API rate limit exceeded", "request_id": "5f0a"}'
    answer = v2.understand_removal(CALL, Reply(429, JSON, content), str)
    assert (answer.said, answer.reference) == ("API rate limit exceeded", "5f0a")


@pytest.mark.parametrize(
    ("status", "content", "created", "end", "why"),
    [
        (200, b'{"callId": 305, "caller": "INVALID API KEY"}', 305, End.REMOVED, Why.CONFIRMED),
        (201, b'{"CallId": 305, "serverId": 1}', 305, End.REMOVED, Why.CONFIRMED),
        (200, b'{"callId": 305, "serverId": 2}', None, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"callId": "305"}', None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"305", None, End.UNKNOWN, Why.UNREADABLE),
        (204, b"", None, End.UNKNOWN, Why.UNREADABLE),
        (404, problem(404), None, End.REJECTED, Why.NO_SUCH_SERVER),
        (429, b'{"callId": 305}', None, End.NOT_SENT, Why.BUSY),
    ],
)
def test_what_an_answer_to_a_creation_means(
    status: int, content: bytes, created: int | None, end: End, why: Why
) -> None:
    answer = v2.understand_creation(1, Reply(status, JSON, content), str)
    assert (answer.created, answer.end, answer.why) == (created, end, why)


def test_the_calls_with_their_capitals() -> None:
    content = b'{"ActiveCalls": [{"callId": 9}], "EmergencyCalls": [{"callId": 1, "caller": "Ana"}, {"x": 1}]}'
    calls = v2.understand_calls(2, Reply(200, JSON, content), str)
    assert calls == OpenCalls((EmergencyCall(CallRef(2, 1), caller="Ana"),), whole=False)
    no_list = v2.understand_calls(2, Reply(200, JSON, b"{}"), str)
    assert isinstance(no_list, Answer)
    assert no_list.end is End.UNKNOWN
    no_server = v2.understand_calls(9, Reply(404, PROBLEM, problem(404)), str)
    assert isinstance(no_server, Answer)
    assert no_server.why is Why.NO_SUCH_SERVER


@pytest.mark.parametrize(
    ("content", "plan", "said"),
    [
        (b'{"version": 2, "name": "PLUS"}', Plan.PLUS, "2 PLUS"),
        (b'{"version": 5, "name": "Sonoran One"}', Plan.SONORAN_ONE, "5 Sonoran One"),
        (b'{"name": "standard"}', Plan.STANDARD, "standard"),
    ],
)
def test_the_plan_is_the_one_that_is_named(content: bytes, plan: Plan, said: str) -> None:
    assert v2.understand_version(Reply(200, JSON, content), str) == Version(plan, said)


@pytest.mark.parametrize("content", [b'{"version": 2}', b'{"name": "BEST"}', b'{"name": 3}', b"3 PLUS", b"[]", b""])
def test_a_plan_that_is_not_named(content: bytes) -> None:
    answer = v2.understand_version(Reply(200, JSON, content), str)
    assert isinstance(answer, Answer)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.UNREADABLE)


VALUES = st.none() | st.booleans() | st.integers() | st.text()
NAMES = st.sampled_from(["callId", "serverId", "title", "detail", "traceId", "message", "name", "EmergencyCalls"])


@given(
    status=st.integers(100, 999),
    media_type=st.sampled_from(["", TEXT, "text/html", JSON, PROBLEM]) | st.text(),
    content=st.none()
    | st.binary()
    | st.recursive(VALUES, lambda more: st.lists(more) | st.dictionaries(NAMES, more)).map(
        lambda value: json.dumps(value).encode()
    ),
)
def test_no_answer_raises_and_only_the_calls_own_ids_are_a_removal(
    status: int, media_type: str, content: bytes | None
) -> None:
    reply = Reply(status, media_type, content)
    if v2.understand_removal(CALL, reply, str).end is End.REMOVED:
        assert status == 204 or json.loads(content or b"")["callId"] == 302
    assert isinstance(v2.understand_calls(1, reply, str), OpenCalls | Answer)
    assert isinstance(v2.understand_servers(reply, str), Servers | Answer)
    assert isinstance(v2.understand_version(reply, str), Version | Answer)
    v2.understand_creation(1, reply, str)
