"""The loopback CAD in v2: strict where the documentation is, and used by the vendor's own client, unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import sonoran

from bot.cad.model import Account, CallRef, Plan
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.cad_v2 import PUBLISHED

CALLS = "/v2/emergency/servers/1/calls"
NEW = {"isEmergency": False, "caller": "Ana", "location": "Grove St", "description": "Fire"}


class Wire:
    """Asks the CAD as anybody might."""

    def __init__(self, cad: LoopbackCad, account: Account, session: aiohttp.ClientSession) -> None:
        self.cad = cad
        self.account = account
        self._session = session

    async def ask(
        self, method: str, path: str, body: object = None, authorization: str | None = None
    ) -> tuple[int, Any, str | None]:
        headers = {"Authorization": authorization or f"Bearer {self.cad.key}"}
        async with self._session.request(method, path, json=body, headers=headers) as response:
            assert response.content_type == (
                "application/problem+json" if response.status not in (200, 429) else "application/json"
            )
            return response.status, await response.json(content_type=None), response.headers.get("Retry-After")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    cad = LoopbackCad(plan=Plan.PLUS)
    async with cad.serving() as account, aiohttp.ClientSession(account.url) as session:
        yield Wire(cad, account, session)


async def test_a_removal_and_its_repeat(wire: Wire) -> None:
    assert await wire.ask("DELETE", f"{CALLS}/911/302") == (200, {"callId": 302, "serverId": 1}, None)
    assert CallRef(1, 302) not in wire.cad.calls
    status, told, _ = await wire.ask("DELETE", f"{CALLS}/911/302")
    assert status == told["status"] == 404
    assert told["detail"] == "Call 302 was not found."
    assert told["traceId"]
    assert wire.cad.kinds == ["REMOVE_911", "REMOVE_911"]


async def test_both_versions_see_the_same_calls(wire: Wire) -> None:
    _, made, _ = await wire.ask("POST", f"{CALLS}/911", NEW)
    assert made["callId"] == 305
    _, listed, _ = await wire.ask("GET", f"{CALLS}?type=1")
    assert [call["callId"] for call in listed["EmergencyCalls"]] == [301, 302, 303, 304, 305]
    assert (listed["ActiveCalls"], listed["ClosedCalls"], listed["ClosedCallCount"]) == ([], [], 0)
    assert wire.cad.calls[CallRef(1, 305)].caller == "Ana"


@pytest.mark.parametrize("authorization", ["sandbox-key-opens-nothing", "Bearer x", "Basic eDp5", "Bearer"])
async def test_without_the_key(wire: Wire, authorization: str) -> None:
    assert (await wire.ask("DELETE", f"{CALLS}/911/302", authorization=authorization))[0] == 401
    assert CallRef(1, 302) in wire.cad.calls


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", "/v2/emergency/servers/9/calls/911/302", None, 404),
        ("GET", "/v2/emergency/servers/9/calls", None, 404),
        ("POST", "/v2/emergency/servers/9/calls/911", NEW, 404),
        ("DELETE", f"{CALLS}/911/0", None, 400),
        ("DELETE", f"{CALLS}/911/2147483648", None, 400),
        ("DELETE", f"{CALLS}/911/x", None, 404),
        ("DELETE", f"{CALLS}/911/٣", None, 404),
        ("GET", f"{CALLS}?type=7", None, 400),
        ("POST", f"{CALLS}/911", {**NEW, "serverId": 1}, 400),
        ("POST", f"{CALLS}/911", {**NEW, "metaData": {"speed": 90}}, 400),
        ("POST", f"{CALLS}/911", None, 400),
        ("PUT", "/v2/general/servers", None, 404),
    ],
)
async def test_what_it_refuses(wire: Wire, method: str, path: str, body: object, status: int) -> None:
    assert (await wire.ask(method, path, body))[0] == status
    assert len(wire.cad.calls) == 6


async def test_the_plans(wire: Wire) -> None:
    assert await wire.ask("GET", "/v2/general/version") == (200, {"version": 2, "name": "PLUS"}, None)
    wire.cad.plan = Plan.STANDARD
    status, told, _ = await wire.ask("GET", CALLS)
    assert (status, told["detail"]) == (402, "VERSION PLUS REQUIRED")
    assert (await wire.ask("GET", "/v2/general/servers"))[0] == 200


async def test_the_limits(wire: Wire) -> None:
    wire.cad.limits, wire.cad.minute = PUBLISHED, 0.3
    for _ in range(5):
        assert (await wire.ask("GET", CALLS))[0] == 200
    status, told, advice = await wire.ask("GET", CALLS)
    assert (status, told["message"], advice) == (429, "API rate limit exceeded", "1")
    assert told["request_id"]
    assert (await wire.ask("GET", "/v2/general/version"))[0] == 200
    wire.cad.advises = False
    assert (await wire.ask("GET", CALLS))[2] is None
    assert wire.cad.turned_away == 2
    await asyncio.sleep(0.31)
    assert (await wire.ask("GET", CALLS))[0] == 200


async def test_the_vendors_own_client_works_with_it_unchanged(wire: Wire) -> None:
    """Sonoran.py, as the package index has it, in a thread of its own: it blocks."""
    theirs: Any = sonoran.Instance(
        apiKey=wire.cad.key, communityId="any", product=sonoran.productEnums.CAD, cadApiUrl=str(wire.account.url)
    )

    async def ask(name: str, *given: object) -> Any:
        return await asyncio.to_thread(getattr(theirs.cad, name), *given)

    assert (await ask("getVersionV2")).data["name"] == "PLUS"
    assert [one["name"] for one in (await ask("getServersV2")).data["servers"]] == ["Los Santos", "Blaine County"]
    made = await ask("createEmergencyCallV2", {"serverId": 2, **NEW, "metaData": {"plate": "46EEK572"}})
    assert made.success
    assert wire.cad.calls[CallRef(2, made.data["callId"])].metadata == {"plate": "46EEK572"}
    assert len((await ask("getCallsV2", {"serverId": 2, "type": 1})).data["EmergencyCalls"]) == 3
    removed = await ask("deleteEmergencyCallV2", 302, 1)
    assert (removed.success, removed.data) == (True, {"callId": 302, "serverId": 1})
    again = await ask("deleteEmergencyCallV2", 302, 1)
    assert (again.success, again.reason["status"]) == (False, 404)
    assert CallRef(1, 302) not in wire.cad.calls
