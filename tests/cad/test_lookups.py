"""Lookups and creations against the fake CAD: when they are sent, how often, and their results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from math import inf

import pytest

from bot.cad.client import CadClient
from bot.cad.models import CallRef, EmergencyCall, OpenCalls, Plan, Server, ServerList
from bot.cad.results import Outcome, Reason, Result
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from tests.support.cad import ServersAsSent, remove_and_wait
from tests.support.clocks import InstantClock
from tests.support.faulty_server import http, responding, serve

CALL = EmergencyCall(CallRef(1, 302), False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"})


class FakeRecorder:
    """Keeps what it records; with `able=False` it fails to record that a request is about to be sent."""

    def __init__(self, *, able: bool = True) -> None:
        self.able = able
        self.events: list[object] = []

    async def before_send(self) -> bool:
        self.events.append("before_send")
        return self.able

    async def finished(self, result: Result, /) -> None:
        self.events.append((result.outcome, result.new_call_id))


@pytest.fixture
def cad() -> FakeCad:
    return FakeCad(plan=Plan.PLUS)


@pytest.fixture
async def client(cad: FakeCad) -> AsyncIterator[CadClient]:
    async with cad.serving() as account, CadClient(account, timeout=2.0, clock=InstantClock()) as client:
        yield client


def verdict(result: object) -> tuple[Outcome, Reason]:
    assert isinstance(result, Result)
    return result.outcome, result.reason


async def test_open_calls_of_a_server(cad: FakeCad, client: CadClient) -> None:
    cad.calls[CallRef(2, 12)] = FakeCall(
        CallRef(2, 12), "Joe", "Route 68", "Truck", 5, emergency=False, metadata={"a": "b"}
    )
    calls = await client.open_calls(2)
    assert isinstance(calls, OpenCalls)
    assert calls.complete
    assert [(call.ref, call.emergency, call.caller, call.metadata) for call in calls.calls] == [
        (CallRef(2, 11), True, "Rosa Maria de la Fuente-Kowalczyk", {}),
        (CallRef(2, 12), False, "Joe", {"a": "b"}),
    ]
    assert all(call.updated is not None for call in calls.calls)
    assert cad.kinds == ["GET_VERSION", "GET_CALLS"]


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STARTER, Plan.STANDARD])
async def test_list_is_never_requested_from_a_plan_without_it(cad: FakeCad, client: CadClient, plan: Plan) -> None:
    cad.plan = plan
    for _ in range(3):
        assert verdict(await client.open_calls(1)) == (Outcome.NOT_SENT, Reason.PLAN)
    assert client.plan is plan
    assert cad.kinds == ["GET_VERSION"]


async def test_no_list_is_requested_while_the_plan_is_unknown(cad: FakeCad, client: CadClient) -> None:
    cad.delays_by_kind["GET_VERSION"] = inf
    async with cad.serving() as account, CadClient(account, timeout=0.05, clock=InstantClock()) as impatient:
        assert verdict(await impatient.open_calls(1)) == (Outcome.NOT_SENT, Reason.PLAN_UNKNOWN)
        assert verdict(await impatient.servers()) == (Outcome.NOT_SENT, Reason.PLAN_UNKNOWN)
        assert impatient.plan is None
    assert set(cad.kinds) == {"GET_VERSION"}
    assert client.plan is None


async def test_servers_need_the_plan_standard(cad: FakeCad, client: CadClient) -> None:
    cad.plan = Plan.STANDARD
    listed = await client.servers()
    assert isinstance(listed, ServerList)
    assert (listed.servers, listed.complete) == ((Server(1, "Los Santos"), Server(2, "Blaine County")), True)
    assert client.plan is Plan.STANDARD
    cad.plan = Plan.STARTER
    await client.probe()
    assert verdict(await client.servers()) == (Outcome.NOT_SENT, Reason.PLAN)
    assert cad.kinds.count("GET_SERVERS") == 1


async def test_lookup_is_rejected_by_the_breaker_and_the_drain(cad: FakeCad, client: CadClient) -> None:
    cad.key = "another-key"
    await remove_and_wait(client, CallRef(1, 302))
    assert verdict(await client.open_calls(1)) == (Outcome.NOT_SENT, Reason.BREAKER)
    await client.drain(0)
    assert verdict(await client.servers()) == (Outcome.NOT_SENT, Reason.CLOSING)


async def test_cancelled_lookup_does_not_affect_the_next(cad: FakeCad, client: CadClient) -> None:
    cad.delays_by_kind["GET_CALLS"] = 0.05
    lookup = asyncio.create_task(client.open_calls(1))
    while "GET_CALLS" not in cad.kinds:
        await asyncio.sleep(0.001)
    lookup.cancel()
    assert isinstance(await client.open_calls(2), OpenCalls)


async def test_404_on_an_unlisted_server_becomes_no_such_server(cad: FakeCad, client: CadClient) -> None:
    assert verdict(await remove_and_wait(client, CallRef(9, 302))) == (
        Outcome.GONE,
        Reason.NO_SUCH_CALL,
    )  # the servers are not known yet
    await client.servers()
    result = await remove_and_wait(client, CallRef(9, 302))
    assert verdict(result) == (Outcome.REJECTED, Reason.NO_SUCH_SERVER)
    assert result.listed_at is not None
    assert verdict(await remove_and_wait(client, CallRef(1, 99))) == (Outcome.GONE, Reason.NO_SUCH_CALL)
    assert cad.kinds.count("REMOVE_911") == 3


@pytest.mark.parametrize("listed", [[], [{"id": 1}, {"id": "9"}]], ids=["empty", "incomplete"])
async def test_404_is_no_missing_server_if_the_list_does_not_prove_it(listed: list[dict[str, object]]) -> None:
    cad = ServersAsSent(listed, plan=Plan.PLUS)
    async with cad.serving() as account, CadClient(account, timeout=2.0, clock=InstantClock()) as client:
        await client.servers()
        assert verdict(await remove_and_wait(client, CallRef(9, 302))) == (Outcome.GONE, Reason.NO_SUCH_CALL)


async def test_created_call_has_its_new_number_in_the_result(cad: FakeCad, client: CadClient) -> None:
    recorder = FakeRecorder()
    result = await client.wait_for(client.start_creation(CALL, recorder))
    assert (verdict(result), result.new_call_id) == ((Outcome.CREATED, Reason.CONFIRMED), 305)
    assert replace(cad.calls[CallRef(1, 305)], minutes=0) == FakeCall(
        CallRef(1, 305), "Ana", "Grove St", "Fire", emergency=False, metadata={"plate": "46EEK572"}
    )
    assert recorder.events == ["before_send", (Outcome.CREATED, 305)]


async def test_creation_that_can_not_be_recorded_is_not_sent(cad: FakeCad, client: CadClient) -> None:
    recorder = FakeRecorder(able=False)
    assert verdict(await client.wait_for(client.start_creation(CALL, recorder))) == (Outcome.NOT_SENT, Reason.JOURNAL)
    assert recorder.events == ["before_send", (Outcome.NOT_SENT, None)]
    assert cad.requests == []


@pytest.mark.parametrize(
    ("raw", "outcome", "reason", "times"),
    [
        pytest.param(b"", Outcome.UNKNOWN, Reason.CONNECTION_LOST, 1, id="closed without response"),
        pytest.param(http("500 Oops"), Outcome.UNKNOWN, Reason.SERVER_ERROR, 1, id="500"),
        pytest.param(http("200 OK", b"ADDED"), Outcome.UNKNOWN, Reason.UNREADABLE, 1, id="no number"),
        pytest.param(http("200 OK", b"<html>"), Outcome.UNKNOWN, Reason.UNREADABLE, 1, id="web page"),
        pytest.param(
            http("503 Down", b"", "Retry-After: 1"), Outcome.UNKNOWN, Reason.SERVER_ERROR, 1, id="503 with Retry-After"
        ),
        pytest.param(http("418 Teapot"), Outcome.REJECTED, Reason.OTHER_REFUSAL, 1, id="refused"),
        # The only refusal that proves that nothing was created.
        pytest.param(http("429 Busy"), Outcome.NOT_SENT, Reason.BUSY, 2, id="429 twice"),
    ],
)
async def test_creation_is_retried_after_a_429_only(raw: bytes, outcome: Outcome, reason: Reason, times: int) -> None:
    requests: list[None] = []
    play = responding(raw)

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(None)
        await play(reader, writer)

    recorder = FakeRecorder()
    async with serve(counting) as account, CadClient(account, clock=InstantClock()) as client:
        assert verdict(await client.wait_for(client.start_creation(CALL, recorder))) == (outcome, reason)
    assert len(requests) == times
    assert recorder.events == ["before_send", (outcome, None)]
