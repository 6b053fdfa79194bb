"""The loopback CAD: it has to be as strict as the real one, or our tests prove nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.cad.model import CallRef, Plan
from bot.sandbox.cad import GREETING, REMOVED, LoopbackCad

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


async def test_it_is_on_this_machine_only(wire: Wire) -> None:
    async with LoopbackCad().serving() as account:
        assert account.url.host == "127.0.0.1"
    assert "key" not in repr(wire.cad)
