"""The fake CAD in v1. It must be as strict as the real CAD, or the bot's tests prove nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.cad.models import CallRef, Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.v1 import GREETING, REMOVED

GOOD = {
    "id": "sandbox-community",
    "key": "sandbox-key-opens-nothing",
    "type": "REMOVE_911",
    "data": [{"serverId": 1, "callId": 302}],
}


class HttpClient:
    """Sends the fake CAD valid and invalid requests."""

    def __init__(self, cad: FakeCad, session: aiohttp.ClientSession) -> None:
        self.cad = cad
        self._session = session

    async def post(self, body: object, path: str = "/emergency/remove_911", method: str = "POST") -> tuple[int, str]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.request(method, path, data=content) as response:
            return response.status, await response.text()


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    cad = FakeCad()
    async with cad.serving() as account, aiohttp.ClientSession(account.url) as session:
        yield HttpClient(cad, session)


async def test_second_removal_of_a_call_gets_404(http: HttpClient) -> None:
    assert await http.post(GOOD) == (200, REMOVED)
    assert CallRef(1, 302) not in http.cad.calls
    assert await http.post(GOOD) == (404, "CALL NOT FOUND")


async def test_call_id_of_another_server_gets_404_and_removes_nothing(http: HttpClient) -> None:
    assert await http.post({**GOOD, "data": [{"serverId": 2, "callId": 302}]}) == (404, "CALL NOT FOUND")
    assert CallRef(1, 302) in http.cad.calls


async def test_undocumented_fields_are_ignored(http: HttpClient) -> None:
    data = [{"serverId": 1, "callId": 302, "why": "because"}]
    assert await http.post({**GOOD, "product": 0, "data": data}) == (200, REMOVED)


async def test_checks_run_in_a_fixed_order(http: HttpClient) -> None:
    """Everything is wrong at first, and one thing after another is corrected."""
    http.cad.api_enabled = False
    http.cad.plan = Plan.STARTER
    wrong: dict[str, object] = {"id": "x", "key": "x", "type": "x", "data": [{"serverId": "1", "callId": True}]}
    assert await http.post(wrong, path="/emergency/remove911") == (200, GREETING)
    assert await http.post(wrong, method="PUT") == (200, GREETING)
    assert await http.post(wrong) == (400, "INVALID REQUEST TYPE")
    wrong["type"] = "REMOVE_911"
    assert await http.post(wrong) == (400, "INVALID COMMUNITY ID")
    wrong["id"] = GOOD["id"]
    assert await http.post(wrong) == (400, "API IS NOT ENABLED FOR THIS COMMUNITY")
    http.cad.api_enabled = True
    assert await http.post(wrong) == (400, "INVALID API KEY")
    wrong["key"] = GOOD["key"]
    assert await http.post(wrong) == (400, "VERSION STANDARD REQUIRED")
    http.cad.plan = Plan.STANDARD
    assert await http.post(wrong) == (400, "MALFORMED REQUEST")
    wrong["data"] = GOOD["data"]
    assert await http.post(wrong) == (200, REMOVED)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        [],
        {**GOOD, "id": 1},
        {**GOOD, "key": None},
        {"id": "sandbox-community"},
        {**GOOD, "data": []},
        {**GOOD, "data": {}},
        {**GOOD, "data": [1]},
        {**GOOD, "data": [{"serverId": "1", "callId": "302"}]},
        {**GOOD, "data": [{"serverId": 1, "callId": True}]},
        {**GOOD, "data": [{"serverId": 1, "callId": 302.0}]},
        {**GOOD, "data": [{"serverId": 1, "callId": 2147483648}]},
        {**GOOD, "data": [{"serverId": 0, "callId": 302}]},
    ],
)
async def test_malformed_request_gets_400_and_removes_nothing(http: HttpClient, body: object) -> None:
    assert await http.post(body) == (400, "MALFORMED REQUEST")
    assert CallRef(1, 302) in http.cad.calls


async def test_lookups_need_their_plan(http: HttpClient) -> None:
    version = {**GOOD, "type": "GET_VERSION", "data": []}
    calls = {**GOOD, "type": "GET_CALLS", "data": [{"serverId": 2}]}
    http.cad.plan = Plan.FREE
    assert await http.post(version, path="/general/get_version") == (200, "0 FREE")
    assert await http.post(calls, path="/emergency/get_calls") == (400, "VERSION PLUS REQUIRED")
    http.cad.plan = Plan.PLUS
    status, text = await http.post(calls, path="/emergency/get_calls")
    assert status == 200
    listed = json.loads(text)
    assert {call["callId"] for call in listed["emergencyCalls"]} == {11, 12}
    assert listed["emergencyCalls"][0]["caller"] == "Rosa Maria de la Fuente-Kowalczyk"
    assert await http.post({**calls, "data": []}, path="/emergency/get_calls") == (400, "MALFORMED REQUEST")


@pytest.mark.parametrize(("which", "dispatches", "calls"), [(0, 1, 0), (1, 0, 4), (100, 1, 4), (None, 1, 4)])
async def test_list_type_selects_dispatch_calls_911_calls_or_both(
    http: HttpClient, which: int | None, dispatches: int, calls: int
) -> None:
    http.cad.plan = Plan.PLUS
    data = {"serverId": 1} if which is None else {"serverId": 1, "type": which}
    _, text = await http.post({**GOOD, "type": "GET_CALLS", "data": [data]}, path="/emergency/get_calls")
    listed = json.loads(text)
    assert (len(listed["activeCalls"]), len(listed["emergencyCalls"]), listed["closedCalls"]) == (dispatches, calls, [])


async def test_servers_are_listed_from_plan_standard_on(http: HttpClient) -> None:
    servers = {**GOOD, "type": "GET_SERVERS", "data": []}
    status, text = await http.post(servers, path="/general/get_servers")
    assert status == 200
    assert [(server["id"], server["name"]) for server in json.loads(text)["servers"]] == [
        (1, "Los Santos"),
        (2, "Blaine County"),
    ]
    http.cad.plan = Plan.FREE
    assert await http.post(servers, path="/general/get_servers") == (400, "VERSION STANDARD REQUIRED")


NEW = {"serverId": 2, "isEmergency": False, "caller": "Ana", "location": "Grove St", "description": "Fire"}


async def test_new_call_gets_a_number_that_was_never_used_before(http: HttpClient) -> None:
    new = {**GOOD, "type": "CALL_911", "data": [{**NEW, "metaData": {"plate": "46EEK572"}}]}
    assert await http.post(new, path="/emergency/call_911") == (200, "EMERGENCY CALL ADDED ID: 13")
    call = http.cad.calls[CallRef(2, 13)]
    assert (call.caller, call.emergency, call.metadata) == ("Ana", False, {"plate": "46EEK572"})
    del http.cad.calls[call.ref]
    assert await http.post(new, path="/emergency/call_911") == (200, "EMERGENCY CALL ADDED ID: 14")
    assert http.cad.requests_of("CALL_911") == [new, new]


@pytest.mark.parametrize(
    "data",
    [
        [],
        [1],
        [{**NEW, "serverId": "2"}],
        [{**NEW, "isEmergency": 1}],
        [{**NEW, "caller": None}],
        [{name: value for name, value in NEW.items() if name != "description"}],
        [{**NEW, "metaData": {"speed": 90}}],
        [{**NEW, "metaData": []}],
    ],
)
async def test_malformed_new_call_gets_400_and_creates_nothing(http: HttpClient, data: object) -> None:
    new = {**GOOD, "type": "CALL_911", "data": data}
    assert await http.post(new, path="/emergency/call_911") == (400, "MALFORMED REQUEST")
    assert len(http.cad.calls) == 6


async def test_new_call_on_an_unknown_server_gets_404(http: HttpClient) -> None:
    new = {**GOOD, "type": "CALL_911", "data": [{**NEW, "serverId": 9}]}
    assert await http.post(new, path="/emergency/call_911") == (404, "SERVER NOT FOUND")
