"""The v1 dialect, without a network: what is sent, and what an answer means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.cad import v1
from bot.cad.model import Account, Answer, CallRef, End, Plan, Reply, Why

ACCOUNT = Account(URL("https://cad.example"), "my-community", "my-key")
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"


def meaning(
    status: int, content: bytes | None, media_type: str = "text/plain", retry_after: float | None = None
) -> tuple[End, Why]:
    answer = v1.understand_removal(Reply(status, media_type, content, retry_after), str)
    return answer.end, answer.why


def test_the_request_is_the_pages_own_and_nothing_more() -> None:
    request = v1.remove_911(ACCOUNT, CallRef(server_id=1, call_id=302))
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
    | st.sampled_from([text.encode() for text in (*v1.DOCUMENTED, "Backend Service Reached", "<html>", "{")])
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
        assert text.upper() not in v1.DOCUMENTED
        assert "backend service reached" not in text.lower()[:200]
        assert "html" not in media_type
        assert not text.lower().startswith("<html")
        if "json" in media_type and status == 200:
            json.loads(text)


def test_the_requests_of_the_look_ups() -> None:
    asked = v1.get_calls(ACCOUNT, 2)
    assert asked.path == "emergency/get_calls"
    assert json.loads(asked.body)["data"] == [{"serverId": 2, "type": 1}]
    asked = v1.get_version(ACCOUNT)
    assert asked.path == "general/get_version"
    assert json.loads(asked.body) == {"id": "my-community", "key": "my-key", "type": "GET_VERSION", "data": []}


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
        b'{"emergencyCalls": [1]}',
        b'{"emergencyCalls": [null]}',
        b'{"emergencyCalls": [{}]}',
        b'{"emergencyCalls": [{"callId": true}]}',
        b'{"emergencyCalls": [{"callId": 1.0}]}',
        b'{"emergencyCalls": [{"callId": 1}, {"callId": "2"}]}',
        b"[" * 100_000,
    ],
)
def test_a_list_that_can_not_be_read_whole_is_no_list(content: bytes) -> None:
    answer = v1.understand_calls(Reply(200, "application/json", content), str)
    assert isinstance(answer, Answer)
    assert answer.end is End.UNKNOWN


def test_a_list_of_calls() -> None:
    content = b'{"activeCalls": [{"callId": 9}], "emergencyCalls": [{"callId": 1, "x": 2}], "closedCalls": []}'
    assert v1.understand_calls(Reply(200, "application/json", content), str) == {1}
    assert v1.understand_calls(Reply(200, "text/plain", b'{"emergencyCalls": []}'), str) == frozenset()
    refused = v1.understand_calls(Reply(400, "text/plain", b"VERSION PLUS REQUIRED"), str)
    assert isinstance(refused, Answer)
    assert refused.why is Why.PLAN


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
    assert v1.understand_version(Reply(200, "text/plain", content), str) is plan


@pytest.mark.parametrize("content", [b"", b"PLUS", b"5", b"33", b"-3", b"9999999999", "３".encode()])
def test_a_plan_that_can_not_be_read(content: bytes) -> None:
    assert isinstance(v1.understand_version(Reply(200, "text/plain", content), str), Answer)


def test_plus_has_the_list_and_standard_has_not() -> None:
    assert [plan.name for plan in Plan if plan.lists_calls] == ["PLUS", "PRO", "SONORAN_ONE"]


@given(ref=st.builds(CallRef, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)))
def test_ids_go_out_as_integers(ref: CallRef) -> None:
    (item,) = json.loads(v1.remove_911(ACCOUNT, ref).body)["data"]
    assert item == {"serverId": ref.server_id, "callId": ref.call_id}
    assert all(type(value) is int for value in item.values())
