"""The v1 dialect, without a network: what is sent, and what an answer means."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.cad import reading, v1
from bot.cad.model import (
    Account,
    Answer,
    CallRef,
    EmergencyCall,
    End,
    OpenCalls,
    Plan,
    Reply,
    Server,
    Servers,
    Version,
    Why,
)

ACCOUNT = Account(URL("https://cad.example"), "my-community", "my-key")
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"


def meaning(
    status: int, content: bytes | None, media_type: str = "text/plain", retry_after: float | None = None
) -> tuple[End, Why]:
    answer = v1.understand_removal(Reply(status, media_type, content, retry_after), str)
    return answer.end, answer.why


def test_the_request_is_the_pages_own_and_nothing_more() -> None:
    request = v1.remove_911(ACCOUNT, CallRef(server_id=1, call_id=302)).request
    assert (request.method, request.path) == ("POST", "emergency/remove_911")
    assert request.body == (
        b'{"id": "my-community", "key": "my-key", "type": "REMOVE_911", "data": [{"serverId": 1, "callId": 302}]}'
    )


def test_neither_key_nor_body_is_in_a_repr() -> None:
    shown = repr((ACCOUNT, v1.remove_911(ACCOUNT, CallRef(1, 2)), Reply(200, content=b"my-key")))
    assert "my-key" not in shown


@pytest.mark.parametrize(
    ("status", "content", "media_type", "retry_after", "end", "why"),
    [
        # The page's own example, and whatever else may stand there.
        (200, b"API ID(s) set!", "text/plain", None, End.REMOVED, Why.CONFIRMED),
        (200, b"CALL REMOVED", "text/plain", None, End.REMOVED, Why.CONFIRMED),
        (200, b"", "", None, End.REMOVED, Why.CONFIRMED),
        (204, b"", "", None, End.REMOVED, Why.CONFIRMED),
        (200, b'{"ok": true}', "application/json", None, End.REMOVED, Why.CONFIRMED),
        (204, b"", "application/json", None, End.REMOVED, Why.CONFIRMED),
        # 200, and yet no success.
        (200, b"Sonoran CAD: Backend Service Reached", "text/plain", None, End.REJECTED, Why.WRONG_URL),
        (200, b"Backend Service Reached", "text/plain", None, End.REJECTED, Why.WRONG_URL),
        (200, b"  backend service reached\n", "text/html", None, End.REJECTED, Why.WRONG_URL),
        (200, b"INVALID API KEY", "text/plain", None, End.REJECTED, Why.API_KEY),
        (200, b'"INVALID API KEY"', "application/json", None, End.REJECTED, Why.API_KEY),
        (200, HTML, "text/html", None, End.UNKNOWN, Why.UNREADABLE),
        (200, HTML, "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"\xef\xbb\xbf\n<html>", "", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"calls": [', "application/json", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"[" * 100_000, "application/json", None, End.UNKNOWN, Why.UNREADABLE),
        (200, None, "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (200, "INVALID API KEY".encode("utf-16"), "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"Backend  Service\xc2\xa0Reached", "text/plain", None, End.REJECTED, Why.WRONG_URL),
        (200, b"x" * 300 + b" backend service reached", "text/plain", None, End.REJECTED, Why.WRONG_URL),
        (200, b"EMERGENCY-911 IS NOT ENABLED FOR THIS COMMUNITY", "text/plain", None, End.REJECTED, Why.ENDPOINT_OFF),
        (200, b'{"error": "INVALID API KEY"}', "application/json", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b'["VERSION PLUS REQUIRED"]', "application/json", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"Welcome", "text/html; charset=utf-8", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"", "application/json", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b'{"status": 404}', "application/problem+json", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"INVALID  API\nKEY (code 3)", "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (200, b"\x0c<html>", "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (200, "\u200b<!doctype html>".encode(), "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (201, b"", "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        (202, b"API ID(s) set!", "text/plain", None, End.UNKNOWN, Why.UNREADABLE),
        # The four that the page documents.
        (400, b"INVALID REQUEST TYPE", "text/plain", None, End.REJECTED, Why.REQUEST_TYPE),
        (400, b"INVALID COMMUNITY ID", "text/plain", None, End.REJECTED, Why.COMMUNITY_ID),
        (400, b"API IS NOT ENABLED FOR THIS COMMUNITY", "text/plain", None, End.REJECTED, Why.API_OFF),
        (400, b" INVALID API KEY\r\n", "text/plain", None, End.REJECTED, Why.API_KEY),
        # Those that it does not.
        (400, b"REMOVE_911 IS NOT ENABLED FOR THIS COMMUNITY", "text/plain", None, End.REJECTED, Why.ENDPOINT_OFF),
        (400, b"VERSION PRO REQUIRED", "text/plain", None, End.REJECTED, Why.PLAN),
        (400, b"SOMETHING ELSE", "text/plain", None, End.REJECTED, Why.OTHER_REFUSAL),
        (400, b"", "", None, End.REJECTED, Why.OTHER_REFUSAL),
        (400, HTML, "text/html", None, End.REJECTED, Why.OTHER_REFUSAL),
        (400, None, "", None, End.REJECTED, Why.OTHER_REFUSAL),
        (401, b"", "", None, End.REJECTED, Why.API_KEY),
        (402, b"", "", None, End.REJECTED, Why.PLAN),
        (403, HTML, "text/html", None, End.REJECTED, Why.FORBIDDEN),
        (404, b"", "", None, End.GONE, Why.NO_SUCH_CALL),
        (404, HTML, "text/html", None, End.REJECTED, Why.WRONG_URL),
        (404, None, "", None, End.UNKNOWN, Why.UNREADABLE),
        (404, b"INVALID API KEY", "", None, End.REJECTED, Why.API_KEY),
        (418, b"teapot", "text/plain", None, End.REJECTED, Why.OTHER_REFUSAL),
        (301, b"", "", None, End.REJECTED, Why.WRONG_URL),
        (307, b"API ID(s) set!", "text/plain", None, End.REJECTED, Why.WRONG_URL),
        # Neither yes nor no.
        (408, b"", "", None, End.UNKNOWN, Why.SERVER_ERROR),
        (429, b"", "", None, End.NOT_SENT, Why.BUSY),
        (429, b"API ID(s) set!", "text/plain", 5.0, End.NOT_SENT, Why.BUSY),
        (500, b"INVALID API KEY", "text/plain", None, End.UNKNOWN, Why.SERVER_ERROR),
        (502, HTML, "text/html", None, End.UNKNOWN, Why.SERVER_ERROR),
        (503, b"", "", None, End.UNKNOWN, Why.SERVER_ERROR),
        (503, b"", "", 30.0, End.NOT_SENT, Why.BUSY),
        (103, b"", "", None, End.UNKNOWN, Why.UNREADABLE),
    ],
)  # fmt: skip
def test_what_an_answer_means(
    status: int, content: bytes | None, media_type: str, retry_after: float | None, end: End, why: Why
) -> None:
    assert meaning(status, content, media_type, retry_after) == (end, why)


def test_the_cads_text_is_kept_but_never_a_page_and_never_a_secret() -> None:
    told = v1.understand_removal(Reply(400, "text/plain", b"no: my-key"), lambda text: text.replace("my-key", "[key]"))
    assert told.said == "no: [key]"
    assert v1.understand_removal(Reply(403, "text/html", HTML), str).said == ""


@given(
    status=st.integers(100, 999),
    media_type=st.sampled_from(["", "text/plain", "text/html", "application/json", "application/problem+json"])
    | st.text(),
    content=st.none()
    | st.binary()
    | st.text().map(str.encode)
    | st.sampled_from([text.encode() for text in (*reading.DOCUMENTED, "Backend Service Reached", "<html>", "{")])
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda more: st.lists(more) | st.dictionaries(st.text(), more),
    ).map(lambda value: json.dumps(value).encode()),
    retry_after=st.none() | st.floats(),
)
def test_no_answer_raises_and_only_a_good_200_or_204_is_a_removal(
    status: int, media_type: str, content: bytes | None, retry_after: float | None
) -> None:
    end, _ = meaning(status, content, media_type, retry_after)
    if end is End.REMOVED:
        assert status in (200, 204)
        assert content is not None
        text = content.decode("utf-8", "replace").strip()
        assert text.upper() not in reading.DOCUMENTED
        assert "backend service reached" not in text.lower()[:200]
        assert "html" not in media_type
        assert not text.lower().startswith("<html")
        if "json" in media_type and status == 200:
            json.loads(text)


def test_the_requests_of_the_look_ups() -> None:
    asked = v1.get_calls(ACCOUNT, 2).request
    assert asked.path == "emergency/get_calls"
    assert json.loads(asked.body or b"")["data"] == [{"serverId": 2, "type": 1}]
    asked = v1.get_version(ACCOUNT).request
    assert asked.path == "general/get_version"
    assert json.loads(asked.body or b"") == {"id": "my-community", "key": "my-key", "type": "GET_VERSION", "data": []}


def listed(content: bytes, media_type: str = "application/json") -> OpenCalls | Answer:
    return v1.understand_calls(2, Reply(200, media_type, content), str)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"emergencyCalls": null}',
        b'{"emergencyCalls": {"callId": 1}}',
        b'{"emergencyCalls": "1"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_list_of_calls(content: bytes) -> None:
    answer = listed(content)
    assert isinstance(answer, Answer)
    assert answer.end is End.UNKNOWN


@pytest.mark.parametrize(
    "odd",
    ["1", "null", "[]", "{}", '{"callId": true}', '{"callId": 1.0}', '{"callId": "2"}', '{"callId": 0}',
     '{"callId": 2147483648}', '{"callId": 5, "serverId": 3}'],
)  # fmt: skip
def test_a_list_in_which_something_has_no_number_loses_that_alone_and_proves_no_absence(odd: str) -> None:
    calls = listed(f'{{"emergencyCalls": [{{"callId": 1}}, {odd}, {{"callId": 7}}]}}'.encode())
    assert isinstance(calls, OpenCalls)
    assert [call.ref for call in calls.calls] == [CallRef(2, 1), CallRef(2, 7)]
    assert not calls.whole
    assert not calls.lack(CallRef(2, 99))


def test_a_list_of_calls() -> None:
    calls = listed(b'{"activeCalls": [{"callId": 9}], "emergencyCalls": [{"callId": 1, "x": 2}], "closedCalls": []}')
    assert isinstance(calls, OpenCalls)
    assert calls == OpenCalls((EmergencyCall(CallRef(2, 1)),))
    assert calls.lack(CallRef(2, 9))
    assert not calls.lack(CallRef(2, 1))
    assert listed(b'{"emergencyCalls": []}', "text/plain") == OpenCalls(())
    refused = v1.understand_calls(2, Reply(400, "text/plain", b"VERSION PLUS REQUIRED"), str)
    assert isinstance(refused, Answer)
    assert refused.why is Why.PLAN


def test_all_that_a_call_can_say() -> None:
    calls = listed(
        b'{"emergencyCalls": [{"callId": 1, "isEmergency": false, "caller": "Ana", "location": "Grove St", '
        b'"description": "Fire", "metaData": {"plate": "46EEK572", "speed": 90}, "updated": "2026-11-24T10:00:00Z"}]}'
    )
    assert isinstance(calls, OpenCalls)
    (call,) = calls.calls
    assert call == EmergencyCall(
        CallRef(2, 1), False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"}, datetime(2026, 11, 24, 10, tzinfo=UTC)
    )
    shown = repr(calls)
    assert not any(text in shown for text in ("Ana", "Grove", "Fire", "46EEK572"))


@pytest.mark.parametrize(
    "odd",
    ['"caller": 5', '"location": null', '"description": ["x"]', '"metaData": "x"', '"metaData": []', '"updated": 7',
     '"updated": "yesterday"', '"updated": "0001-01-01T00:00:00"', '"isEmergency": "no"'],
)  # fmt: skip
def test_what_can_not_be_read_of_a_call_is_left_out_of_it(odd: str) -> None:
    assert listed(f'{{"emergencyCalls": [{{"callId": 1, {odd}}}]}}'.encode()) == OpenCalls(
        (EmergencyCall(CallRef(2, 1)),)
    )


@pytest.mark.parametrize("text", ["Backend Service Reached", "INVALID API KEY", "VERSION PRO REQUIRED", "<html>"])
def test_nothing_that_a_player_says_in_a_call_makes_the_list_a_refusal(text: str) -> None:
    assert isinstance(listed(json.dumps({"emergencyCalls": [{"callId": 1, "description": text}]}).encode()), OpenCalls)


def test_the_key_in_a_call_is_hidden() -> None:
    content = b'{"emergencyCalls": [{"callId": 1, "caller": "my-key"}]}'
    calls = v1.understand_calls(2, Reply(200, "", content), lambda text: text.replace("my-key", "[key]"))
    assert isinstance(calls, OpenCalls)
    assert calls.calls[0].caller == "[key]"


@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda more: (
            st.lists(more)
            | st.dictionaries(st.sampled_from(["callId", "caller", "metaData", "updated", "id", "name"]), more)
            | st.dictionaries(st.sampled_from(["emergencyCalls", "servers"]), st.lists(more))
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_list_raises(content: bytes) -> None:
    reply = Reply(200, "application/json", content)
    assert isinstance(v1.understand_calls(1, reply, str), OpenCalls | Answer)
    assert isinstance(v1.understand_servers(reply, str), Servers | Answer)


def test_the_servers() -> None:
    content = b'{"servers": [{"id": 1, "name": "Los Santos", "x": 1}, {"id": 2, "name": null}]}'
    servers = v1.understand_servers(Reply(200, "application/json", content), str)
    assert servers == Servers((Server(1, "Los Santos"), Server(2)))
    assert "Santos" not in repr(servers)
    odd = v1.understand_servers(Reply(200, "", b'{"servers": [{"id": "1"}, {"id": 2, "name": "B"}, 3]}'), str)
    assert odd == Servers((Server(2, "B"),), whole=False)
    for content in (b"{}", b"[]", b"text", b'{"servers": {}}'):
        answer = v1.understand_servers(Reply(200, "application/json", content), str)
        assert isinstance(answer, Answer)
        assert answer.end is End.UNKNOWN


def test_the_request_for_a_new_call() -> None:
    call = EmergencyCall(CallRef(2, 302), False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"})
    request = v1.create_911(ACCOUNT, call).request
    assert request.path == "emergency/call_911"
    said = {"serverId": 2, "isEmergency": False, "caller": "Ana", "location": "Grove St", "description": "Fire"}
    assert json.loads(request.body or b"") == {
        "id": "my-community",
        "key": "my-key",
        "type": "CALL_911",
        "data": [{**said, "metaData": {"plate": "46EEK572"}}],
    }
    bare = json.loads(v1.create_911(ACCOUNT, replace(call, metadata={})).request.body or b"")
    assert bare["data"] == [said]


@pytest.mark.parametrize(
    ("content", "number"),
    [
        ("EMERGENCY CALL ADDED ID: 305", 305),
        ("EMERGENCY CALL ADDED ID: {305}", 305),
        ("Emergency call added. Id 305.\n", 305),
        ('"EMERGENCY CALL ADDED ID:305"', 305),
        ("911 CALL ADDED ID: #305", 305),
        ("EMERGENCY CALL ADDED", None),
        ("EMERGENCY CALL ADDED ID: ", None),
        ("EMERGENCY CALL ADDED ID: {ID}", None),
        ("EMERGENCY CALL ADDED ID: -5", None),
        ("EMERGENCY CALL ADDED ID: 1.5", None),
        ("EMERGENCY CALL ADDED ID: 0", None),
        ("EMERGENCY CALL ADDED ID: 2147483648", None),
        ("EMERGENCY CALL ADDED ID: ３０５", None),
        ("ID: 3 ID: 4", None),
        ("API ID(s) set!", None),
        ("", None),
    ],
)
def test_the_number_of_a_new_call(content: str, number: int | None) -> None:
    answer = v1.understand_creation(Reply(200, "text/plain", content.encode()), str)
    assert answer.created == number
    assert (answer.end, answer.why) == ((End.REMOVED, Why.CONFIRMED) if number else (End.UNKNOWN, Why.UNREADABLE))


@pytest.mark.parametrize(
    ("status", "content", "end", "why"),
    [
        (400, b"INVALID API KEY", End.REJECTED, Why.API_KEY),
        (404, b"SERVER NOT FOUND ID: 5", End.REJECTED, Why.OTHER_REFUSAL),
        (500, b"ID: 5", End.UNKNOWN, Why.SERVER_ERROR),
        (200, b"Backend Service Reached", End.REJECTED, Why.WRONG_URL),
        (200, b"<html>ID: 5", End.UNKNOWN, Why.UNREADABLE),
    ],
)
def test_a_call_that_was_not_created(status: int, content: bytes, end: End, why: Why) -> None:
    answer = v1.understand_creation(Reply(status, "text/plain", content), str)
    assert (answer.end, answer.why, answer.created) == (end, why, None)


@pytest.mark.parametrize(
    ("content", "plan"),
    [
        (b"0", Plan.FREE),
        (b"2 STANDARD", Plan.STANDARD),
        (b'"3"', Plan.PLUS),
        (b"4PRO", Plan.PRO),
        (b"6", Plan.SONORAN_ONE),
    ],
)
def test_the_plan(content: bytes, plan: Plan) -> None:
    assert v1.understand_version(Reply(200, "text/plain", content), str) == Version(plan, content.decode())


@pytest.mark.parametrize("content", [b"", b"PLUS", b"5", b"33", b"-3", b"9999999999", "３".encode()])
def test_a_plan_that_can_not_be_read(content: bytes) -> None:
    assert isinstance(v1.understand_version(Reply(200, "text/plain", content), str), Answer)


def test_plus_has_the_list_and_standard_has_not() -> None:
    assert [plan.name for plan in Plan if plan.lists_calls] == ["PLUS", "PRO", "SONORAN_ONE"]


@given(ref=st.builds(CallRef, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)))
def test_ids_go_out_as_integers(ref: CallRef) -> None:
    (item,) = json.loads(v1.remove_911(ACCOUNT, ref).request.body or b"")["data"]
    assert item == {"serverId": ref.server_id, "callId": ref.call_id}
    assert all(type(value) is int for value in item.values())
