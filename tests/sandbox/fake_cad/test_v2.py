"""The fake CAD in v2. It is as strict as the documentation, and the vendor's own client works with it unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import sonoran

from bot.cad.models import Account, CallRef, Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.v2 import PUBLISHED_LIMITS

CALLS = "/v2/emergency/servers/1/calls"
NEW = {"isEmergency": False, "caller": "Ana", "location": "Grove St", "description": "Fire"}


class HttpClient:
    """Sends the fake CAD valid and invalid requests."""

    def __init__(self, cad: FakeCad, account: Account, session: aiohttp.ClientSession) -> None:
        self.cad = cad
        self.account = account
        self._session = session

    async def send(
        self, method: str, path: str, body: object = None, authorization: str | None = None
    ) -> tuple[int, Any, str | None]:
        headers = {"Authorization": authorization or f"Bearer {self.cad.key}"}
        async with self._session.request(method, path, json=body, headers=headers) as response:
            assert response.content_type == (
                "application/problem+json" if response.status not in (200, 429) else "application/json"
            )
            return response.status, await response.json(content_type=None), response.headers.get("Retry-After")


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    cad = FakeCad(plan=Plan.PLUS)
    async with cad.serving() as account, aiohttp.ClientSession(account.url) as session:
        yield HttpClient(cad, account, session)


async def test_second_removal_of_a_call_gets_404(http: HttpClient) -> None:
    assert await http.send("DELETE", f"{CALLS}/911/302") == (200, {"callId": 302, "serverId": 1}, None)
    assert CallRef(1, 302) not in http.cad.calls
    status, problem, _ = await http.send("DELETE", f"{CALLS}/911/302")
    assert status == problem["status"] == 404
    assert problem["detail"] == "Call 302 was not found."
    assert problem["traceId"]
    assert http.cad.kinds == ["REMOVE_911", "REMOVE_911"]


async def test_created_call_is_listed(http: HttpClient) -> None:
    _, created, _ = await http.send("POST", f"{CALLS}/911", NEW)
    assert created["callId"] == 305
    _, listed, _ = await http.send("GET", f"{CALLS}?type=1")
    assert [call["callId"] for call in listed["EmergencyCalls"]] == [301, 302, 303, 304, 305]
    assert (listed["ActiveCalls"], listed["ClosedCalls"], listed["ClosedCallCount"]) == ([], [], 0)
    assert http.cad.calls[CallRef(1, 305)].caller == "Ana"


async def test_created_call_is_as_old_as_it_is(http: HttpClient) -> None:
    http.cad.started = datetime.now(UTC) - timedelta(seconds=90)  # in the middle of a minute
    before = datetime.now(UTC)
    await http.send("POST", f"{CALLS}/911", NEW)
    _, listed, _ = await http.send("GET", f"{CALLS}?type=1")
    assert before <= datetime.fromisoformat(listed["EmergencyCalls"][-1]["updated"]) <= datetime.now(UTC)


@pytest.mark.parametrize("authorization", ["sandbox-key-opens-nothing", "Bearer x", "Basic eDp5", "Bearer"])
async def test_request_without_the_key_gets_401_and_removes_nothing(http: HttpClient, authorization: str) -> None:
    assert (await http.send("DELETE", f"{CALLS}/911/302", authorization=authorization))[0] == 401
    assert CallRef(1, 302) in http.cad.calls


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
async def test_invalid_request_gets_its_status_and_changes_nothing(
    http: HttpClient, method: str, path: str, body: object, status: int
) -> None:
    assert (await http.send(method, path, body))[0] == status
    assert len(http.cad.calls) == 6


async def test_lookups_need_their_plan(http: HttpClient) -> None:
    assert await http.send("GET", "/v2/general/version") == (200, {"version": 2, "name": "PLUS"}, None)
    http.cad.plan = Plan.STANDARD
    status, problem, _ = await http.send("GET", CALLS)
    assert (status, problem["detail"]) == (402, "VERSION PLUS REQUIRED")
    assert (await http.send("GET", "/v2/general/servers"))[0] == 200


async def test_request_over_the_rate_limit_gets_429_until_the_minute_is_over(http: HttpClient) -> None:
    http.cad.limits_per_minute, http.cad.minute_seconds = PUBLISHED_LIMITS, 0.3
    for _ in range(5):
        assert (await http.send("GET", CALLS))[0] == 200
    status, error, retry_after = await http.send("GET", CALLS)
    assert (status, error["message"], retry_after) == (429, "API rate limit exceeded", "1")
    assert error["request_id"]
    assert (await http.send("GET", "/v2/general/version"))[0] == 200
    http.cad.sends_retry_after = False
    assert (await http.send("GET", CALLS))[2] is None
    assert http.cad.rate_limited == 2
    await asyncio.sleep(0.31)
    assert (await http.send("GET", CALLS))[0] == 200


# The vendor's client leaves a refused request's response open, which Python 3.14 reports.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_vendors_own_client_works_unchanged(http: HttpClient) -> None:
    """Sonoran.py as published on PyPI. It blocks, so it runs in a thread."""
    vendor: Any = sonoran.Instance(
        apiKey=http.cad.key, communityId="any", product=sonoran.productEnums.CAD, cadApiUrl=str(http.account.url)
    )

    async def use(method: str, *arguments: object) -> Any:
        return await asyncio.to_thread(getattr(vendor.cad, method), *arguments)

    assert (await use("getVersionV2")).data["name"] == "PLUS"
    assert [server["name"] for server in (await use("getServersV2")).data["servers"]] == ["Los Santos", "Blaine County"]
    created = await use("createEmergencyCallV2", {"serverId": 2, **NEW, "metaData": {"plate": "46EEK572"}})
    assert created.success
    assert http.cad.calls[CallRef(2, created.data["callId"])].metadata == {"plate": "46EEK572"}
    assert len((await use("getCallsV2", {"serverId": 2, "type": 1})).data["EmergencyCalls"]) == 3
    removed = await use("deleteEmergencyCallV2", 302, 1)
    assert (removed.success, removed.data) == (True, {"callId": 302, "serverId": 1})
    again = await use("deleteEmergencyCallV2", 302, 1)
    assert (again.success, again.reason["status"]) == (False, 404)
    assert CallRef(1, 302) not in http.cad.calls
