"""What the bot looks at and creates in the CAD, against the loopback CAD: when it is sent, how often, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from math import inf

import pytest

from bot.cad.client import CadClient
from bot.cad.model import Answer, CallRef, EmergencyCall, End, OpenCalls, Plan, Server, Why
from bot.sandbox.cad import Call, LoopbackCad
from tests.clocks import JumpClock
from tests.faults import answering, http, serving
from tests.removing import removed

CALL = EmergencyCall(CallRef(1, 302), False, "Ana", "Grove St", "Fire", {"plate": "46EEK572"})


class Notes:
    """A witness that notes what it is told, and can be unable to."""

    def __init__(self, *, able: bool = True) -> None:
        self.able = able
        self.seen: list[object] = []

    async def sending(self) -> bool:
        self.seen.append("sending")
        return self.able

    async def ended(self, answer: Answer) -> None:
        self.seen.append((answer.end, answer.created))


@pytest.fixture
def cad() -> LoopbackCad:
    return LoopbackCad(plan=Plan.PLUS)


@pytest.fixture
async def client(cad: LoopbackCad) -> AsyncIterator[CadClient]:
    async with cad.serving() as account, CadClient(account, patience=2.0, clock=JumpClock()) as client:
        yield client


def why(answer: object) -> tuple[End, Why]:
    assert isinstance(answer, Answer)
    return answer.end, answer.why


async def test_the_open_calls_of_a_server(cad: LoopbackCad, client: CadClient) -> None:
    cad.calls[CallRef(2, 12)] = Call(
        CallRef(2, 12), "Joe", "Route 68", "Truck", 5, emergency=False, metadata={"a": "b"}
    )
    calls = await client.calls(2)
    assert isinstance(calls, OpenCalls)
    assert calls.whole
    assert [(call.ref, call.emergency, call.caller, call.metadata) for call in calls.calls] == [
        (CallRef(2, 11), True, "Rosa Maria de la Fuente-Kowalczyk", {}),
        (CallRef(2, 12), False, "Joe", {"a": "b"}),
    ]
    assert all(call.updated is not None for call in calls.calls)
    assert cad.kinds == ["GET_VERSION", "GET_CALLS"]


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.STARTER, Plan.STANDARD])
async def test_a_plan_without_the_list_is_never_asked_for_it(cad: LoopbackCad, client: CadClient, plan: Plan) -> None:
    cad.plan = plan
    for _ in range(3):
        assert why(await client.calls(1)) == (End.NOT_SENT, Why.PLAN)
    assert client.plan is plan
    assert cad.kinds == ["GET_VERSION"]


async def test_where_the_plan_can_not_be_found_out_no_list_is_asked_for(cad: LoopbackCad, client: CadClient) -> None:
    cad.slow["GET_VERSION"] = inf
    async with cad.serving() as account, CadClient(account, patience=0.05, clock=JumpClock()) as hasty:
        assert why(await hasty.calls(1)) == (End.NOT_SENT, Why.PLAN_UNKNOWN)
        assert why(await hasty.servers()) == (End.NOT_SENT, Why.PLAN_UNKNOWN)
        assert hasty.plan is None
    assert set(cad.kinds) == {"GET_VERSION"}
    assert client.plan is None


async def test_the_servers_need_standard(cad: LoopbackCad, client: CadClient) -> None:
    cad.plan = Plan.STANDARD
    assert await client.servers() == (Server(1, "Los Santos"), Server(2, "Blaine County"))
    assert client.plan is Plan.STANDARD
    cad.plan = Plan.STARTER
    await client.recheck()
    assert why(await client.servers()) == (End.NOT_SENT, Why.PLAN)
    assert cad.kinds.count("GET_SERVERS") == 1


async def test_a_look_up_is_refused_as_a_removal_is(cad: LoopbackCad, client: CadClient) -> None:
    cad.key = "another-key"
    await removed(client, CallRef(1, 302))
    assert why(await client.calls(1)) == (End.NOT_SENT, Why.BREAKER)
    await client.drain(0)
    assert why(await client.servers()) == (End.NOT_SENT, Why.CLOSING)


async def test_whoever_gives_up_looking_disturbs_nobody(cad: LoopbackCad, client: CadClient) -> None:
    cad.slow["GET_CALLS"] = 0.05
    looking = asyncio.create_task(client.calls(1))
    while "GET_CALLS" not in cad.kinds:
        await asyncio.sleep(0.001)
    looking.cancel()
    assert isinstance(await client.calls(2), OpenCalls)


async def test_a_404_on_a_server_that_the_cad_does_not_list_is_the_servers(cad: LoopbackCad, client: CadClient) -> None:
    assert why(await removed(client, CallRef(9, 302))) == (End.GONE, Why.NO_SUCH_CALL)  # nothing is known yet
    await client.servers()
    answer = await removed(client, CallRef(9, 302))
    assert why(answer) == (End.REJECTED, Why.NO_SUCH_SERVER)
    assert answer.at is not None
    assert why(await removed(client, CallRef(1, 99))) == (End.GONE, Why.NO_SUCH_CALL)
    assert cad.kinds.count("REMOVE_911") == 3


async def test_a_call_is_created_and_its_number_told(cad: LoopbackCad, client: CadClient) -> None:
    notes = Notes()
    answer = await client.create_911(CALL, notes)
    assert (why(answer), answer.created) == ((End.REMOVED, Why.CONFIRMED), 305)
    assert cad.calls[CallRef(1, 305)] == Call(
        CallRef(1, 305), "Ana", "Grove St", "Fire", emergency=False, metadata={"plate": "46EEK572"}, minutes=-1
    )
    assert notes.seen == ["sending", (End.REMOVED, 305)]


async def test_a_creation_that_can_not_be_noted_is_not_sent(cad: LoopbackCad, client: CadClient) -> None:
    notes = Notes(able=False)
    assert why(await client.create_911(CALL, notes)) == (End.NOT_SENT, Why.JOURNAL)
    assert notes.seen == ["sending", (End.NOT_SENT, None)]
    assert cad.requests == []


@pytest.mark.parametrize(
    ("raw", "end", "reason", "times"),
    [
        pytest.param(b"", End.UNKNOWN, Why.CONNECTION_LOST, 1, id="closed without a word"),
        pytest.param(http("500 Oops"), End.UNKNOWN, Why.SERVER_ERROR, 1, id="500"),
        pytest.param(http("200 OK", b"ADDED"), End.UNKNOWN, Why.UNREADABLE, 1, id="no number"),
        pytest.param(http("200 OK", b"<html>"), End.UNKNOWN, Why.UNREADABLE, 1, id="a page"),
        pytest.param(http("503 Down", b"", "Retry-After: 1"), End.NOT_SENT, Why.BUSY, 1, id="503 with advice"),
        pytest.param(http("418 Teapot"), End.REJECTED, Why.OTHER_REFUSAL, 1, id="refused"),
        # The one refusal of which it is certain that nothing came of it.
        pytest.param(http("429 Busy"), End.NOT_SENT, Why.BUSY, 2, id="429 twice"),
    ],
)
async def test_a_creation_is_not_repeated_once_it_may_have_been_sent(
    raw: bytes, end: End, reason: Why, times: int
) -> None:
    arrived: list[None] = []
    play = answering(raw)

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(None)
        await play(reader, writer)

    notes = Notes()
    async with serving(counting) as account, CadClient(account, clock=JumpClock()) as client:
        assert why(await client.create_911(CALL, notes)) == (end, reason)
    assert len(arrived) == times
    assert notes.seen == ["sending", (end, None)]
