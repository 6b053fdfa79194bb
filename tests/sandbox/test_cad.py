"""The loopback CAD: it has to be as strict as the real one, or our tests prove nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.cad.model import CallRef, Plan
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.cad_v1 import GREETING, REMOVED

GOOD = {
    "id": "sandbox-community",
    "key": "sandbox-key-opens-nothing",
    "type": "REMOVE_911",
    "data": [{"serverId": 1, "callId": 302}],
}


class Wire:
    """Posts to the CAD as anybody might."""

    def __init__(self, cad: LoopbackCad, session: aiohttp.ClientSession) -> None:
        self.cad = cad
        self._session = session

    async def post(self, body: object, path: str = "/emergency/remove_911", method: str = "POST") -> tuple[int, str]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.request(method, path, data=content) as response:
            return response.status, await response.text()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    cad = LoopbackCad()
    async with cad.serving() as account, aiohttp.ClientSession(account.url) as session:
        yield Wire(cad, session)


async def test_a_removal_and_its_repeat(wire: Wire) -> None:
    assert await wire.post(GOOD) == (200, REMOVED)
    assert CallRef(1, 302) not in wire.cad.calls
    assert await wire.post(GOOD) == (404, "CALL NOT FOUND")


async def test_the_right_call_on_the_wrong_server(wire: Wire) -> None:
    assert await wire.post({**GOOD, "data": [{"serverId": 2, "callId": 302}]}) == (404, "CALL NOT FOUND")
    assert CallRef(1, 302) in wire.cad.calls


async def test_what_is_not_documented_is_ignored(wire: Wire) -> None:
    data = [{"serverId": 1, "callId": 302, "why": "because"}]
    assert await wire.post({**GOOD, "product": 0, "data": data}) == (200, REMOVED)


async def test_the_order_of_its_checks(wire: Wire) -> None:
    """Everything is wrong at first, and one thing after the other is put right."""
    wire.cad.api_enabled = False
    wire.cad.plan = Plan.STARTER
    wrong: dict[str, object] = {"id": "x", "key": "x", "type": "x", "data": [{"serverId": "1", "callId": True}]}
    assert await wire.post(wrong, path="/emergency/remove911") == (200, GREETING)
    assert await wire.post(wrong, method="PUT") == (200, GREETING)
    assert await wire.post(wrong) == (400, "INVALID REQUEST TYPE")
    wrong["type"] = "REMOVE_911"
    assert await wire.post(wrong) == (400, "INVALID COMMUNITY ID")
    wrong["id"] = GOOD["id"]
    assert await wire.post(wrong) == (400, "API IS NOT ENABLED FOR THIS COMMUNITY")
    wire.cad.api_enabled = True
    assert await wire.post(wrong) == (400, "INVALID API KEY")
    wrong["key"] = GOOD["key"]
    assert await wire.post(wrong) == (400, "VERSION STANDARD REQUIRED")
    wire.cad.plan = Plan.STANDARD
    assert await wire.post(wrong) == (400, "MALFORMED REQUEST")
    wrong["data"] = GOOD["data"]
    assert await wire.post(wrong) == (200, REMOVED)


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
async def test_malformed_requests(wire: Wire, body: object) -> None:
    assert await wire.post(body) == (400, "MALFORMED REQUEST")
    assert CallRef(1, 302) in wire.cad.calls


async def test_the_look_ups_and_their_plans(wire: Wire) -> None:
    version = {**GOOD, "type": "GET_VERSION", "data": []}
    calls = {**GOOD, "type": "GET_CALLS", "data": [{"serverId": 2}]}
    wire.cad.plan = Plan.FREE
    assert await wire.post(version, path="/general/get_version") == (200, "0 FREE")
    assert await wire.post(calls, path="/emergency/get_calls") == (400, "VERSION PLUS REQUIRED")
    wire.cad.plan = Plan.PLUS
    status, text = await wire.post(calls, path="/emergency/get_calls")
    assert status == 200
    listed = json.loads(text)
    assert {call["callId"] for call in listed["emergencyCalls"]} == {11, 12}
    assert listed["emergencyCalls"][0]["caller"] == "Rosa Maria de la Fuente-Kowalczyk"
    assert await wire.post({**calls, "data": []}, path="/emergency/get_calls") == (400, "MALFORMED REQUEST")


@pytest.mark.parametrize(("which", "dispatches", "calls"), [(0, 1, 0), (1, 0, 4), (100, 1, 4), (None, 1, 4)])
async def test_which_calls_are_listed(wire: Wire, which: int | None, dispatches: int, calls: int) -> None:
    wire.cad.plan = Plan.PLUS
    data = {"serverId": 1} if which is None else {"serverId": 1, "type": which}
    _, text = await wire.post({**GOOD, "type": "GET_CALLS", "data": [data]}, path="/emergency/get_calls")
    listed = json.loads(text)
    assert (len(listed["activeCalls"]), len(listed["emergencyCalls"]), listed["closedCalls"]) == (dispatches, calls, [])


async def test_the_servers(wire: Wire) -> None:
    servers = {**GOOD, "type": "GET_SERVERS", "data": []}
    status, text = await wire.post(servers, path="/general/get_servers")
    assert status == 200
    assert [(one["id"], one["name"]) for one in json.loads(text)["servers"]] == [
        (1, "Los Santos"),
        (2, "Blaine County"),
    ]
    wire.cad.plan = Plan.FREE
    assert await wire.post(servers, path="/general/get_servers") == (400, "VERSION STANDARD REQUIRED")


NEW = {"serverId": 2, "isEmergency": False, "caller": "Ana", "location": "Grove St", "description": "Fire"}


async def test_a_new_call_gets_the_next_number_which_is_never_given_again(wire: Wire) -> None:
    new = {**GOOD, "type": "CALL_911", "data": [{**NEW, "metaData": {"plate": "46EEK572"}}]}
    assert await wire.post(new, path="/emergency/call_911") == (200, "EMERGENCY CALL ADDED ID: 13")
    call = wire.cad.calls[CallRef(2, 13)]
    assert (call.caller, call.emergency, call.metadata) == ("Ana", False, {"plate": "46EEK572"})
    del wire.cad.calls[call.ref]
    assert await wire.post(new, path="/emergency/call_911") == (200, "EMERGENCY CALL ADDED ID: 14")
    assert wire.cad.asked_for("CALL_911") == [new, new]


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
async def test_a_malformed_new_call(wire: Wire, data: object) -> None:
    new = {**GOOD, "type": "CALL_911", "data": data}
    assert await wire.post(new, path="/emergency/call_911") == (400, "MALFORMED REQUEST")
    assert len(wire.cad.calls) == 6


async def test_a_new_call_on_a_server_that_is_not_there(wire: Wire) -> None:
    new = {**GOOD, "type": "CALL_911", "data": [{**NEW, "serverId": 9}]}
    assert await wire.post(new, path="/emergency/call_911") == (404, "SERVER NOT FOUND")


async def test_it_is_on_this_machine_only(wire: Wire) -> None:
    async with LoopbackCad().serving() as account:
        assert account.url.host == "127.0.0.1"
    assert "key" not in repr(wire.cad)
