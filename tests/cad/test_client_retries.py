"""The client over real HTTP: what is retried, how often, and within which time."""

from __future__ import annotations

import asyncio

import pytest

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import CallRef
from bot.cad.request_queue import RequestQueue
from bot.cad.results import Outcome, Reason, Result
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock, ManualClock
from tests.support.faulty_server import http, read_request, serve
from tests.support.scripted_cad import ABSENT, LISTED, MISSING, NO_RESPONSE, OK, PLUS, STANDARD, ScriptedCad, busy
from tests.support.simulation import V1_ONLY

pytestmark = pytest.mark.both_api_versions

CALL = CallRef(1, 302)


def down(seconds: int) -> bytes:
    return busy(f"Retry-After: {seconds}", status="503 Down")


@pytest.fixture(autouse=True)
def _use_api(api: CadApi) -> None:
    ScriptedCad.api = api


@pytest.mark.parametrize(
    ("removals", "calls", "plan", "outcome", "reason", "kinds"),
    [
        # Without the list: one retry, whose result counts if it says whether the call still exists.
        pytest.param(
            [NO_RESPONSE, OK], [], STANDARD, Outcome.REMOVED, Reason.CONFIRMED, "RVR", id="standard: then removed"
        ),
        pytest.param(
            [NO_RESPONSE, MISSING],
            [],
            STANDARD,
            Outcome.GONE,
            Reason.NO_SUCH_CALL,
            "RVR",
            id="standard: then gone",
        ),
        pytest.param(
            [NO_RESPONSE, NO_RESPONSE],
            [],
            STANDARD,
            Outcome.UNKNOWN,
            Reason.CONNECTION_LOST,
            "RVR",
            id="standard: silent",
        ),
        pytest.param(
            [http("500 Oops"), http("400 Bad", b"INVALID API KEY")],
            [],
            STANDARD,
            Outcome.UNKNOWN,
            Reason.SERVER_ERROR,
            "RVR",
            id="refusal of the second request says nothing about the first",
        ),
        pytest.param(
            [NO_RESPONSE, busy("Retry-After: 1")],
            [],
            STANDARD,
            Outcome.UNKNOWN,
            Reason.CONNECTION_LOST,
            "RVR",
            id="then busy",
        ),
        pytest.param(
            [NO_RESPONSE, OK],
            [],
            NO_RESPONSE,
            Outcome.REMOVED,
            Reason.CONFIRMED,
            "RVR",
            id="plan request without response",
        ),
        pytest.param(
            [NO_RESPONSE, OK],
            [],
            http("200 OK", b"PLUS"),
            Outcome.REMOVED,
            Reason.CONFIRMED,
            "RVR",
            id="plan unreadable",
        ),
        # With the list: the list is requested before the retry.
        pytest.param([NO_RESPONSE], [ABSENT], PLUS, Outcome.GONE, Reason.NOT_LISTED, "RVC", id="plus: gone"),
        pytest.param(
            [NO_RESPONSE, OK], [LISTED], PLUS, Outcome.REMOVED, Reason.CONFIRMED, "RVCR", id="plus: still there"
        ),
        pytest.param(
            [NO_RESPONSE, NO_RESPONSE],
            [LISTED],
            PLUS,
            Outcome.UNKNOWN,
            Reason.CONNECTION_LOST,
            "RVCR",
            id="plus: there, then silent",
        ),
        pytest.param(
            [NO_RESPONSE, OK], [NO_RESPONSE], PLUS, Outcome.REMOVED, Reason.CONFIRMED, "RVCR", id="plus: no list came"
        ),
        pytest.param(
            [NO_RESPONSE, OK],
            [http("200 OK", b'{"emergencyCalls": [{"callId": "7"}]}')],
            PLUS,
            Outcome.REMOVED,
            Reason.CONFIRMED,
            "RVCR",
            id="incomplete list proves no absence",
        ),
        # A clear response is never followed by a retry.
        pytest.param([OK], [], PLUS, Outcome.REMOVED, Reason.CONFIRMED, "R", id="removed"),
        pytest.param([MISSING], [], PLUS, Outcome.GONE, Reason.NO_SUCH_CALL, "R", id="gone"),
        pytest.param([http("418 Teapot")], [], PLUS, Outcome.REJECTED, Reason.OTHER_REFUSAL, "R", id="rejected"),
        # Busy: wait, then retry once.
        pytest.param(
            [busy("Retry-After: 5"), OK], [], PLUS, Outcome.REMOVED, Reason.CONFIRMED, "RR", id="429, then 200"
        ),
        pytest.param([busy(), busy()], [], PLUS, Outcome.NOT_SENT, Reason.BUSY, "RR", id="429 twice"),
        pytest.param(
            [down(30), OK],
            [],
            PLUS,
            Outcome.REMOVED,
            Reason.CONFIRMED,
            "RR",
            id="503, 200",
        ),
        # A 503 does not prove that the CAD did nothing, whatever comes after it.
        pytest.param(
            [down(30), down(30)], [], STANDARD, Outcome.UNKNOWN, Reason.SERVER_ERROR, "RRV", id="standard: 503 twice"
        ),
        pytest.param(
            [down(30), down(30)], [ABSENT], PLUS, Outcome.GONE, Reason.NOT_LISTED, "RRVC", id="plus: 503 twice, gone"
        ),
        pytest.param(
            [down(86400)], [LISTED], PLUS, Outcome.UNKNOWN, Reason.SERVER_ERROR, "RVC", id="503 for a day, still there"
        ),
        pytest.param(
            [down(5), busy("Retry-After: 86400")],
            [],
            STANDARD,
            Outcome.UNKNOWN,
            Reason.SERVER_ERROR,
            "RRV",
            id="503, 429 for a day",
        ),
        pytest.param(
            [down(5), http("400 Bad", b"INVALID API KEY")],
            [],
            STANDARD,
            Outcome.UNKNOWN,
            Reason.SERVER_ERROR,
            "RR",
            id="503, refusal",
        ),
        pytest.param([busy("Retry-After: 86400")], [], PLUS, Outcome.NOT_SENT, Reason.BUSY, "R", id="429 for a day"),
        pytest.param(
            [busy("Retry-After: 5"), NO_RESPONSE, OK],
            [],
            STANDARD,
            Outcome.REMOVED,
            Reason.CONFIRMED,
            "RRVR",
            id="429, 0, 200",
        ),
    ],
)
async def test_retries_and_final_result(
    removals: list[bytes], calls: list[bytes], plan: bytes, outcome: Outcome, reason: Reason, kinds: str
) -> None:
    cad = ScriptedCad(REMOVE_911=removals, GET_CALLS=calls, GET_VERSION=[plan])
    async with cad.client() as client:
        result = await remove_and_wait(client, CALL)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert "".join({"REMOVE_911": "R", "GET_CALLS": "C", "GET_VERSION": "V"}[kind] for kind in cad.requests) == kinds


UNCLEAR = http("200 OK", b"no healthy upstream")


@V1_ONLY
@pytest.mark.parametrize(
    ("removals", "calls", "plan", "outcome", "reason", "kinds"),
    [
        pytest.param([UNCLEAR], [ABSENT], PLUS, Outcome.GONE, Reason.NOT_LISTED, "RVC", id="not listed"),
        pytest.param([UNCLEAR, OK], [LISTED], PLUS, Outcome.REMOVED, Reason.CONFIRMED, "RVCR", id="listed, removed"),
        pytest.param(
            [UNCLEAR, UNCLEAR], [LISTED], PLUS, Outcome.UNKNOWN, Reason.UNCLEAR, "RVCR", id="listed, unclear again"
        ),
        # Without the list, the CAD would only say it again.
        pytest.param([UNCLEAR], [], STANDARD, Outcome.UNKNOWN, Reason.UNCLEAR, "RV", id="no list"),
    ],
)
async def test_unclear_answer_is_checked_against_the_list_and_repeated_only_for_a_listed_call(
    removals: list[bytes], calls: list[bytes], plan: bytes, outcome: Outcome, reason: Reason, kinds: str
) -> None:
    await test_retries_and_final_result(removals, calls, plan, outcome, reason, kinds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 5"], 5),
        (["Retry-After: Mon, 23 Nov 2026 10:00:30 GMT", "Date: Mon, 23 Nov 2026 10:00:00 GMT"], 30),
        ([], 60),
        (["Retry-After: -5"], 60),
        (["Retry-After: inf"], 60),
        (["Retry-After: soon"], 60),
        (["Retry-After: 0"], 1.05),
    ],
)
async def test_429_blocks_requests_for_retry_after_or_a_minute(headers: list[str], seconds: float) -> None:
    clock = InstantClock()
    async with ScriptedCad(REMOVE_911=[busy(*headers), OK]).client(clock) as client:
        assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
    assert clock.slept == [seconds]


@pytest.mark.parametrize("known_open", [True, False])
async def test_call_that_is_gone_after_a_silent_removal_is_unconfirmed_if_it_was_open(known_open: bool) -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE], GET_CALLS=[ABSENT], GET_VERSION=[PLUS])
    async with cad.client() as client:
        result = await client.wait_for(client.start_removal(CALL, known_open=known_open))
    assert result == Result(Outcome.GONE_UNCONFIRMED if known_open else Outcome.GONE, Reason.NOT_LISTED)


async def test_call_that_was_listed_after_a_silent_removal_and_then_is_not_there_is_gone_unconfirmed() -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE, MISSING], GET_CALLS=[LISTED], GET_VERSION=[PLUS])
    async with cad.client() as client:
        result = await remove_and_wait(client, CALL)
    assert (result.outcome, result.reason) == (Outcome.GONE_UNCONFIRMED, Reason.NO_SUCH_CALL)


async def test_unknown_result_has_the_time_at_which_the_call_was_listed() -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE, NO_RESPONSE], GET_CALLS=[LISTED], GET_VERSION=[PLUS])
    async with cad.client() as client:
        seen_open_at = (await remove_and_wait(client, CALL)).seen_open_at
        assert seen_open_at == pytest.approx(client.clock.wall(), abs=60)


async def test_step_that_would_exceed_the_budget_is_not_sent() -> None:
    """The first exchange takes 16 s of the 25, and a second one may take 10."""
    clock = ManualClock()
    requests: list[str] = []

    async def slow(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        requests.append((await read_request(reader))[0])
        clock.tick(16)

    async with (
        serve(slow) as account,
        CadClient(account, ScriptedCad.api, clock=clock, queue=RequestQueue(v1.RATE_LIMITS)) as client,
    ):
        result = await remove_and_wait(client, CALL)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.CONNECTION_LOST)
    assert len(requests) == 1
