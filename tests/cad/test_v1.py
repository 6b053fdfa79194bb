"""API v1 without a network: the requests that are built, and what a response means."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.cad import parsing, v1
from bot.cad.models import Account, CallRef, EmergencyCall, OpenCalls, Plan, PlanInfo, Server, ServerList
from bot.cad.requests import HttpResponse
from bot.cad.results import Outcome, Reason, Result

ACCOUNT = Account(URL("https://cad.example"), "my-community", "my-key")
CALL = CallRef(server_id=1, call_id=302)
DEEP = b'{"ok": true, "message": ' + b'{"message": ' * 400 + b"1" + b"}" * 401
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"


def verdict(
    status: int, body: bytes | None, media_type: str = "text/plain", retry_after: float | None = None
) -> tuple[Outcome, Reason]:
    result = v1.parse_removal(CALL, HttpResponse(status, media_type, body, retry_after), str)
    return result.outcome, result.reason


def test_removal_request_is_exactly_as_documented() -> None:
    request = v1.remove_911(ACCOUNT, CALL).http
    assert (request.method, request.path) == ("POST", "emergency/remove_911")
    assert request.body == (
        b'{"id": "my-community", "key": "my-key", "type": "REMOVE_911", "data": [{"serverId": 1, "callId": 302}]}'
    )


def test_key_and_body_are_not_in_a_repr() -> None:
    shown = repr((ACCOUNT, v1.remove_911(ACCOUNT, CallRef(1, 2)), HttpResponse(200, body=b"my-key")))
    assert "my-key" not in shown


@pytest.mark.parametrize(
    ("status", "body", "media_type", "retry_after", "outcome", "reason"),
    [
        # The documented example, and other texts.
        (200, b"API ID(s) set!", "text/plain", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b"CALL REMOVED", "text/plain", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b"", "", None, Outcome.REMOVED, Reason.CONFIRMED),
        (204, b"", "", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b'{"ok": true}', "application/json", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b'{"Success": true, "error": null}', "application/json", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b"true", "application/json", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b'{"callId": 302, "serverId": 1}', "application/json", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b'{"callId": 303, "serverId": 1}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'"EMERGENCY CALL 302 REMOVED."', "application/json", None, Outcome.REMOVED, Reason.CONFIRMED),
        (200, b"911 CALL 302 REMOVED FROM SERVER 1", "text/plain", None, Outcome.REMOVED, Reason.CONFIRMED),
        (404, b"NO SUCH CALL 302 ON SERVER 1", "text/plain", None, Outcome.GONE, Reason.NO_SUCH_CALL),
        # The server's number does not stand for the call's, nor does another number.
        (200, b"CALL 1 REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"Call removed: 1", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"1 REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"CALL 911 REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"CALL -302 REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"SERVER 1 REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"CALL 302 REMOVED FROM SERVER 2", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"CALL REMOVED FROM SERVER 302", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"deleted": true, "message": "call 1 removed"}', "", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b"CALL 1 NOT FOUND", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b"CALL 302 NOT FOUND ON SERVER 2", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b'{"error": "CALL NOT FOUND", "callId": 1}', "", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        # A no, or neither a yes nor a no.
        (200, b'{"success": false, "error": "x"}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"success": true, "error": "x"}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"ok": true, "status": 500}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"status": 500}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"false", "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"false", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"no healthy upstream", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"CALL NOT REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"CALL 303 REMOVED", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"success", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (
            200,
            b'{"success": false, "serverId": 1, "callId": 302}',
            "application/json",
            None,
            Outcome.UNKNOWN,
            Reason.UNCLEAR,
        ),
        (
            200,
            b'{"serverId": 1, "callId": 302, "removed": false}',
            "application/json",
            None,
            Outcome.UNKNOWN,
            Reason.UNCLEAR,
        ),
        (
            200,
            b'{"success": true, "message": "CALL NOT FOUND"}',
            "application/json",
            None,
            Outcome.GONE,
            Reason.NO_SUCH_CALL,
        ),
        (200, b'{"success": true, "statusCode": 500}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, DEEP, "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b'{"ok": true, "data": {"error": "x"}}', "application/json", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, "❌ removed".encode(), "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"was the call removed?", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b"", "", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b"Remote call failed: upstream host not found", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (200, b"call 302 removed; unit not found", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b"No such call.", "text/plain", None, Outcome.GONE, Reason.NO_SUCH_CALL),
        (404, b"default backend - 404", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b"404 page not found", "text/plain", None, Outcome.UNKNOWN, Reason.UNCLEAR),
        # The CAD's word that there is no such call.
        (404, b"CALL NOT FOUND", "text/plain", None, Outcome.GONE, Reason.NO_SUCH_CALL),
        (200, b"CALL NOT FOUND", "text/plain", None, Outcome.GONE, Reason.NO_SUCH_CALL),
        (200, b'{"error": "CALL NOT FOUND"}', "application/json", None, Outcome.GONE, Reason.NO_SUCH_CALL),
        (204, b"", "application/json", None, Outcome.REMOVED, Reason.CONFIRMED),
        # 200, but no success.
        (200, b"Sonoran CAD: Backend Service Reached", "text/plain", None, Outcome.REJECTED, Reason.WRONG_URL),
        (200, b"Backend Service Reached", "text/plain", None, Outcome.REJECTED, Reason.WRONG_URL),
        (200, b"  backend service reached\n", "text/html", None, Outcome.REJECTED, Reason.WRONG_URL),
        (200, b"INVALID API KEY", "text/plain", None, Outcome.REJECTED, Reason.API_KEY),
        (200, b'"INVALID API KEY"', "application/json", None, Outcome.REJECTED, Reason.API_KEY),
        (200, HTML, "text/html", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, HTML, "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"\xef\xbb\xbf\n<html>", "", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"calls": [', "application/json", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"[" * 100_000, "application/json", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, None, "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, "INVALID API KEY".encode("utf-16"), "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"Backend  Service\xc2\xa0Reached", "text/plain", None, Outcome.REJECTED, Reason.WRONG_URL),
        (200, b"x" * 300 + b" backend service reached", "text/plain", None, Outcome.REJECTED, Reason.WRONG_URL),
        (
            200,
            b"EMERGENCY-911 IS NOT ENABLED FOR THIS COMMUNITY",
            "text/plain",
            None,
            Outcome.REJECTED,
            Reason.ENDPOINT_OFF,
        ),
        (200, b'{"error": "INVALID API KEY"}', "application/json", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'["VERSION PLUS REQUIRED"]', "application/json", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"Welcome", "text/html; charset=utf-8", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"", "application/json", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b'{"status": 404}', "application/problem+json", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"INVALID  API\nKEY (code 3)", "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, b"\x0c<html>", "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (200, "\u200b<!doctype html>".encode(), "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (201, b"", "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (202, b"API ID(s) set!", "text/plain", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        # The four documented refusals.
        (400, b"INVALID REQUEST TYPE", "text/plain", None, Outcome.REJECTED, Reason.REQUEST_TYPE),
        (400, b"INVALID COMMUNITY ID", "text/plain", None, Outcome.REJECTED, Reason.COMMUNITY_ID),
        (400, b"API IS NOT ENABLED FOR THIS COMMUNITY", "text/plain", None, Outcome.REJECTED, Reason.API_OFF),
        (400, b" INVALID API KEY\r\n", "text/plain", None, Outcome.REJECTED, Reason.API_KEY),
        # Undocumented refusals.
        (
            400,
            b"REMOVE_911 IS NOT ENABLED FOR THIS COMMUNITY",
            "text/plain",
            None,
            Outcome.REJECTED,
            Reason.ENDPOINT_OFF,
        ),
        (400, b"VERSION PRO REQUIRED", "text/plain", None, Outcome.REJECTED, Reason.PLAN),
        (400, b"SOMETHING ELSE", "text/plain", None, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (400, b"", "", None, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (400, HTML, "text/html", None, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (400, None, "", None, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (401, b"", "", None, Outcome.REJECTED, Reason.API_KEY),
        (402, b"", "", None, Outcome.REJECTED, Reason.PLAN),
        (403, HTML, "text/html", None, Outcome.REJECTED, Reason.FORBIDDEN),
        (404, HTML, "text/html", None, Outcome.REJECTED, Reason.WRONG_URL),
        (404, None, "", None, Outcome.UNKNOWN, Reason.UNREADABLE),
        (404, b"INVALID API KEY", "", None, Outcome.REJECTED, Reason.API_KEY),
        (418, b"teapot", "text/plain", None, Outcome.REJECTED, Reason.OTHER_REFUSAL),
        (301, b"", "", None, Outcome.REJECTED, Reason.WRONG_URL),
        (307, b"API ID(s) set!", "text/plain", None, Outcome.REJECTED, Reason.WRONG_URL),
        # Unknown, or busy.
        (408, b"", "", None, Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (429, b"", "", None, Outcome.NOT_SENT, Reason.BUSY),
        (429, b"API ID(s) set!", "text/plain", 5.0, Outcome.NOT_SENT, Reason.BUSY),
        (500, b"INVALID API KEY", "text/plain", None, Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (502, HTML, "text/html", None, Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (503, b"", "", None, Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (503, b"", "", 30.0, Outcome.NOT_SENT, Reason.BUSY),
        (103, b"", "", None, Outcome.UNKNOWN, Reason.UNREADABLE),
    ],
)
def test_response_to_a_removal_and_its_outcome(
    status: int, body: bytes | None, media_type: str, retry_after: float | None, outcome: Outcome, reason: Reason
) -> None:
    assert verdict(status, body, media_type, retry_after) == (outcome, reason)


def test_cad_text_is_kept_without_secrets_and_web_pages() -> None:
    result = v1.parse_removal(
        CALL, HttpResponse(400, "text/plain", b"no: my-key"), lambda text: text.replace("my-key", "[key]")
    )
    assert result.cad_text == "no: [key]"
    assert v1.parse_removal(CALL, HttpResponse(403, "text/html", HTML), str).cad_text == ""


@given(
    status=st.integers(100, 999),
    media_type=st.sampled_from(["", "text/plain", "text/html", "application/json", "application/problem+json"])
    | st.text(),
    body=st.none()
    | st.binary()
    | st.text().map(str.encode)
    | st.sampled_from(
        [text.encode() for text in (*parsing.DOCUMENTED_REFUSALS, "Backend Service Reached", "<html>", "{")]
    )
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda more: st.lists(more) | st.dictionaries(st.text(), more),
    ).map(lambda value: json.dumps(value).encode()),
    retry_after=st.none() | st.floats(),
)
def test_no_response_raises_and_only_a_good_200_or_204_is_a_removal(
    status: int, media_type: str, body: bytes | None, retry_after: float | None
) -> None:
    outcome, _ = verdict(status, body, media_type, retry_after)
    if outcome is Outcome.REMOVED:
        assert status in (200, 204)
        assert body is not None
        text = body.decode("utf-8", "replace").strip()
        assert "html" not in media_type
        if "json" in media_type and status == 200:
            json.loads(text)
        yes = text == "true" or re.search('"(ok|success|callid)": ', text.lower())
        assert status == 204 or not text or yes or re.search("set|removed|deleted", text, re.IGNORECASE)


def test_lookup_requests() -> None:
    request = v1.get_calls(ACCOUNT, 2).http
    assert request.path == "emergency/get_calls"
    assert json.loads(request.body or b"")["data"] == [{"serverId": 2, "type": 1}]
    request = v1.get_version(ACCOUNT).http
    assert request.path == "general/get_version"
    assert json.loads(request.body or b"") == {"id": "my-community", "key": "my-key", "type": "GET_VERSION", "data": []}


def parse_calls(body: bytes, media_type: str = "application/json") -> OpenCalls | Result:
    return v1.parse_calls(2, HttpResponse(200, media_type, body), str)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"emergencyCalls": null}',
        b'{"emergencyCalls": {"callId": 1}}',
        b'{"emergencyCalls": "1"}',
        b'{"emergencyCalls": [], "success": false}',
        b'{"emergencyCalls": [], "error": "server offline"}',
        b'{"emergencyCalls": [], "status": 500}',
        b'{"emergencyCalls": [], "message": "Try again later"}',
        b"[" * 100_000,
    ],
)
def test_body_without_a_list_of_calls_is_unknown(body: bytes) -> None:
    result = parse_calls(body)
    assert isinstance(result, Result)
    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "invalid",
    ["1", "null", "[]", "{}", '{"callId": true}', '{"callId": 1.0}', '{"callId": "2"}', '{"callId": 0}',
     '{"callId": 2147483648}', '{"callId": 5, "serverId": 3}'],
)  # fmt: skip
def test_item_without_a_valid_number_makes_the_list_incomplete(invalid: str) -> None:
    calls = parse_calls(f'{{"emergencyCalls": [{{"callId": 1}}, {invalid}, {{"callId": 7}}]}}'.encode())
    assert isinstance(calls, OpenCalls)
    assert [call.ref for call in calls.calls] == [CallRef(2, 1), CallRef(2, 7)]
    assert not calls.complete
    assert not calls.proves_absent(CallRef(2, 99))


def test_list_of_calls() -> None:
    calls = parse_calls(
        b'{"activeCalls": [{"callId": 9}], "emergencyCalls": [{"callId": 1, "x": 2}], "closedCalls": []}'
    )
    assert isinstance(calls, OpenCalls)
    assert calls == OpenCalls((EmergencyCall(CallRef(2, 1)),))
    assert calls.proves_absent(CallRef(2, 9))
    assert not calls.proves_absent(CallRef(2, 1))
    assert parse_calls(b'{"emergencyCalls": []}', "text/plain") == OpenCalls(())
    refused = v1.parse_calls(2, HttpResponse(400, "text/plain", b"VERSION PLUS REQUIRED"), str)
    assert isinstance(refused, Result)
    assert refused.reason is Reason.PLAN


def test_all_fields_of_a_call() -> None:
    calls = parse_calls(
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
    "invalid",
    ['"caller": 5', '"location": null', '"description": ["x"]', '"metaData": "x"', '"metaData": []', '"updated": 7',
     '"updated": "yesterday"', '"updated": "0001-01-01T00:00:00"', '"isEmergency": "no"'],
)  # fmt: skip
def test_invalid_field_of_a_call_is_left_empty(invalid: str) -> None:
    assert parse_calls(f'{{"emergencyCalls": [{{"callId": 1, {invalid}}}]}}'.encode()) == OpenCalls(
        (EmergencyCall(CallRef(2, 1)),)
    )


@pytest.mark.parametrize("text", ["Backend Service Reached", "INVALID API KEY", "VERSION PRO REQUIRED", "<html>"])
def test_refusal_text_in_a_call_does_not_make_the_list_a_refusal(text: str) -> None:
    assert isinstance(
        parse_calls(json.dumps({"emergencyCalls": [{"callId": 1, "description": text}]}).encode()), OpenCalls
    )


def test_key_in_a_call_is_redacted() -> None:
    body = b'{"emergencyCalls": [{"callId": 1, "caller": "my-key"}]}'
    calls = v1.parse_calls(2, HttpResponse(200, "", body), lambda text: text.replace("my-key", "[key]"))
    assert isinstance(calls, OpenCalls)
    assert calls.calls[0].caller == "[key]"


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda more: (
            st.lists(more)
            | st.dictionaries(st.sampled_from(["callId", "caller", "metaData", "updated", "id", "name"]), more)
            | st.dictionaries(st.sampled_from(["emergencyCalls", "servers"]), st.lists(more))
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_list_raises(body: bytes) -> None:
    response = HttpResponse(200, "application/json", body)
    assert isinstance(v1.parse_calls(1, response, str), OpenCalls | Result)
    assert isinstance(v1.parse_servers(response, str), ServerList | Result)


def test_list_of_servers() -> None:
    body = b'{"servers": [{"id": 1, "name": "Los Santos", "x": 1}, {"id": 2, "name": null}]}'
    servers = v1.parse_servers(HttpResponse(200, "application/json", body), str)
    assert servers == ServerList((Server(1, "Los Santos"), Server(2)))
    assert "Santos" not in repr(servers)
    incomplete = v1.parse_servers(HttpResponse(200, "", b'{"servers": [{"id": "1"}, {"id": 2, "name": "B"}, 3]}'), str)
    assert incomplete == ServerList((Server(2, "B"),), complete=False)
    for body in (b"{}", b"[]", b"text", b'{"servers": {}}'):
        result = v1.parse_servers(HttpResponse(200, "application/json", body), str)
        assert isinstance(result, Result)
        assert result.outcome is Outcome.UNKNOWN


def test_creation_request() -> None:
    call = EmergencyCall(CallRef(2, 302), False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"})
    request = v1.create_911(ACCOUNT, call).http
    assert request.path == "emergency/call_911"
    fields = {"serverId": 2, "isEmergency": False, "caller": "Ana", "location": "Grove St", "description": "Fire"}
    assert json.loads(request.body or b"") == {
        "id": "my-community",
        "key": "my-key",
        "type": "CALL_911",
        "data": [{**fields, "metaData": {"plate": "46EEK572"}}],
    }
    bare = json.loads(v1.create_911(ACCOUNT, replace(call, metadata={})).http.body or b"")
    assert bare["data"] == [fields]


@pytest.mark.parametrize(
    ("body", "number"),
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
        # Said otherwise, and in JSON.
        ("CALL ID 305 WAS SUCCESSFULLY CREATED", 305),
        ("New 911 call added to server 1, id: 305", 305),
        ('{"success": true, "message": "EMERGENCY CALL ADDED ID: 305"}', 305),
        ('{"callId": 305, "serverId": 1, "message": "Call created"}', 305),
        # A number, and no yes.
        ("SERVER ID 1 NOT FOUND", None),
        ("COULD NOT ADD CALL, SERVER ID: 1 IS OFFLINE", None),
        ("NO CALL ADDED. ERROR ID: 500", None),
        ("CALL NOT ADDED ID: 302", None),
        ("❌ CALL ADDED ID: 302", None),
        ("WAS THE CALL ADDED? ID: 302", None),
        ("CALL ID 302 REMOVED", None),
        ("API ID 1 ADDED", None),
        ("CALL ADDED ON SERVER ID 1", None),
        ("CALL ADDED ON SERVER 2, ID 305", None),
        ("NOTE ADDED TO CALL ID 302", None),
        ("CALL 302 ADDED", None),
        ("CALL 302 ADDED ID: 305", None),
        ("305 CALLS ADDED", None),
        ("EMERGENCY CALL ADDED ID: " + "9" * 5000, None),
        ('{"success": false, "id": 1, "error": "offline"}', None),
        ('{"success": true, "message": "COULD NOT ADD CALL, ID: 302"}', None),
        ('{"callId": 305, "message": "EMERGENCY CALL ADDED ID: 306"}', None),
        ('{"callId": 302, "message": {"error": "offline"}}', None),
    ],
)
def test_creation_succeeds_only_with_the_new_number(body: str, number: int | None) -> None:
    result = v1.parse_creation(EmergencyCall(CALL), HttpResponse(200, "text/plain", body.encode()), str)
    assert result.new_call_id == number
    assert (result.outcome, result.reason) == (
        (Outcome.CREATED, Reason.CONFIRMED) if number else (Outcome.UNKNOWN, Reason.UNREADABLE)
    )


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (400, b"INVALID API KEY", Outcome.REJECTED, Reason.API_KEY),
        (404, b"SERVER NOT FOUND ID: 5", Outcome.UNKNOWN, Reason.UNCLEAR),
        (404, b'{"error": "Not found"}', Outcome.UNKNOWN, Reason.UNCLEAR),
        (500, b"ID: 5", Outcome.UNKNOWN, Reason.SERVER_ERROR),
        (200, b"Backend Service Reached", Outcome.REJECTED, Reason.WRONG_URL),
        (200, b"<html>ID: 5", Outcome.UNKNOWN, Reason.UNREADABLE),
    ],
)
def test_response_to_a_failed_creation_and_its_outcome(
    status: int, body: bytes, outcome: Outcome, reason: Reason
) -> None:
    result = v1.parse_creation(EmergencyCall(CALL), HttpResponse(status, "text/plain", body), str)
    assert (result.outcome, result.reason, result.new_call_id) == (outcome, reason, None)


@pytest.mark.parametrize(
    ("body", "plan"),
    [
        (b"0", Plan.FREE),
        (b"2 STANDARD", Plan.STANDARD),
        (b'"3"', Plan.PLUS),
        (b"4PRO", Plan.PRO),
        (b"6", Plan.SONORAN_ONE),
    ],
)
def test_plan_from_the_leading_number(body: bytes, plan: Plan) -> None:
    assert v1.parse_version(HttpResponse(200, "text/plain", body), str) == PlanInfo(plan, body.decode())


@pytest.mark.parametrize("body", [b"", b"PLUS", b"5", b"33", b"-3", b"9999999999", "３".encode()])
def test_unreadable_plan(body: bytes) -> None:
    assert isinstance(v1.parse_version(HttpResponse(200, "text/plain", body), str), Result)


def test_plans_that_include_the_list_of_calls() -> None:
    assert [plan.name for plan in Plan if plan.lists_calls] == ["PLUS", "PRO", "SONORAN_ONE"]


@given(ref=st.builds(CallRef, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)))
def test_ids_are_sent_as_integers(ref: CallRef) -> None:
    (item,) = json.loads(v1.remove_911(ACCOUNT, ref).http.body or b"")["data"]
    assert item == {"serverId": ref.server_id, "callId": ref.call_id}
    assert all(type(value) is int for value in item.values())
