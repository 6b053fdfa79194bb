"""The client over real HTTP: the plan, the breaker and probes."""

from __future__ import annotations

import asyncio

import pytest

from bot.cad.api import CadApi
from bot.cad.client import CadClient, ProbeDeferred
from bot.cad.models import Account, CallRef, Plan
from bot.cad.request_queue import RequestQueue, one_every
from bot.cad.results import Outcome, Reason, Result
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.cad import remove_and_wait
from tests.support.clocks import ManualClock, until
from tests.support.faulty_server import http
from tests.support.scripted_cad import NO_RESPONSE, OK, PLUS, STANDARD, ScriptedCad, start_removals
from tests.support.simulation import KEY

pytestmark = pytest.mark.both_api_versions

CALL = CallRef(1, 302)


@pytest.fixture(autouse=True)
def _use_api(api: CadApi) -> None:
    ScriptedCad.api = api


async def test_plan_is_requested_once_and_no_list_without_plus() -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE, OK, NO_RESPONSE, OK], GET_VERSION=[STANDARD])
    async with cad.client() as client:
        client.refresh_plan()
        await until(lambda: client.plan is not None)
        await remove_and_wait(client, CALL)
        await remove_and_wait(client, CallRef(1, 303))
    assert sorted(cad.requests) == ["GET_VERSION"] + ["REMOVE_911"] * 4


async def test_concurrent_lookups_share_one_plan_request() -> None:
    cad = ScriptedCad(GET_VERSION=[STANDARD], GET_SERVERS=[http("200 OK", b'{"servers": []}')])
    async with cad.client() as client:
        client.refresh_plan()
        lookups = await asyncio.gather(client.servers(), client.open_calls(1), client.open_calls(2))
    assert [isinstance(one, Result) and one.reason for one in lookups] == [False, Reason.PLAN, Reason.PLAN]
    assert cad.requests == ["GET_VERSION", "GET_SERVERS"]


async def test_failed_plan_request_is_not_repeated_for_lookups_that_waited_for_it() -> None:
    cad = ScriptedCad(GET_VERSION=[http("500 Oops")])
    async with cad.client() as client:
        lookups = await asyncio.gather(client.servers(), client.open_calls(1))
    assert [isinstance(one, Result) and one.reason for one in lookups] == [Reason.PLAN_UNKNOWN, Reason.PLAN_UNKNOWN]
    assert cad.requests == ["GET_VERSION"]


async def test_lookup_whose_slot_is_over_five_minutes_away_ends_at_once() -> None:
    cad = ScriptedCad(GET_VERSION=[http("429 Busy", b"", "Retry-After: 301")])
    async with cad.client(ManualClock(), RequestQueue(one_every(0))) as client, asyncio.timeout(5):
        assert getattr(await client.probe(), "reason", None) is Reason.BUSY
        result = await client.open_calls(1)
        assert isinstance(result, Result)
        assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.BUSY)
    assert cad.requests == ["GET_VERSION"]


async def test_removal_does_not_wait_for_the_plan_request_of_a_lookup() -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE, OK], GET_VERSION=[http("429 Busy", b"", "Retry-After: 200")])
    async with cad.client(ManualClock(), RequestQueue(one_every(0))) as client:
        assert isinstance(await client.open_calls(1), Result)
        lookup = asyncio.create_task(client.open_calls(1))
        await until(lambda: client.queue_length() == 1)
        async with asyncio.timeout(5):
            assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
        assert not lookup.done()
        lookup.cancel()
    assert cad.requests == ["GET_VERSION", "REMOVE_911", "REMOVE_911"]


async def test_removals_without_response_share_one_plan_request() -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE, NO_RESPONSE, OK, OK], GET_VERSION=[STANDARD])
    async with cad.client() as client:
        results = await asyncio.gather(*(remove_and_wait(client, CallRef(1, number)) for number in (302, 303)))
    assert [one.outcome for one in results] == [Outcome.REMOVED, Outcome.REMOVED]
    assert cad.requests.count("GET_VERSION") == 1


async def test_unreadable_plan_is_not_requested_again() -> None:
    cad = ScriptedCad(REMOVE_911=[NO_RESPONSE, OK, NO_RESPONSE, OK], GET_VERSION=[http("200 OK", b"the best there is")])
    async with cad.client() as client:
        for number in (302, 303):
            assert (await remove_and_wait(client, CallRef(1, number))).outcome is Outcome.REMOVED
    assert cad.requests.count("GET_VERSION") == 1


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (http("400 Bad", b"INVALID REQUEST TYPE"), Reason.REQUEST_TYPE),
        (http("400 Bad", b"INVALID COMMUNITY ID"), Reason.COMMUNITY_ID),
        (http("400 Bad", b"API IS NOT ENABLED FOR THIS COMMUNITY"), Reason.API_OFF),
        (http("400 Bad", b"INVALID API KEY"), Reason.API_KEY),
        (http("401 Unauthorized"), Reason.API_KEY),
        (http("402 Payment Required"), Reason.PLAN),
        (http("403 Forbidden"), Reason.FORBIDDEN),
        (http("400 Bad", b"VERSION STANDARD REQUIRED"), Reason.PLAN),
        (http("400 Bad", b"REMOVE_911 IS NOT ENABLED FOR THIS COMMUNITY"), Reason.ENDPOINT_OFF),
    ],
)
async def test_refusal_that_needs_a_person_opens_the_breaker(refusal: bytes, reason: Reason) -> None:
    clock = ManualClock()
    cad = ScriptedCad(REMOVE_911=[refusal])
    async with cad.client(clock) as client:
        first, *queued = await start_removals(client, 3, lambda *_: None)
        assert ((await first).outcome, (await first).reason) == (Outcome.REJECTED, reason)
        later = await remove_and_wait(client, CallRef(2, 1))
        for result in [*[await one for one in queued], later]:
            assert (result.outcome, result.reason, result.breaker_reason) == (Outcome.NOT_SENT, Reason.BREAKER, reason)
            assert result.opened_at is not None
    assert cad.requests == ["REMOVE_911"]


async def test_successful_probe_resets_the_breaker_at_most_once_a_minute() -> None:
    clock = ManualClock()
    cad = ScriptedCad(
        REMOVE_911=[http("400 Bad", b"INVALID API KEY"), OK], GET_VERSION=[http("400 Bad", b"INVALID API KEY"), PLUS]
    )
    async with cad.client(clock) as client:
        await remove_and_wait(client, CALL)
        clock.tick(2)
        assert getattr(await client.probe(), "reason", None) is Reason.API_KEY
        clock.tick(2)
        assert (await remove_and_wait(client, CALL)).reason is Reason.BREAKER
        too_soon = await client.probe()
        assert isinstance(too_soon, ProbeDeferred)
        assert 50 < too_soon.until - clock.wall() <= 60
        clock.tick(60)
        assert await client.probe() is Plan.PLUS
        clock.tick(2)
        assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
    assert cad.requests == ["REMOVE_911", "GET_VERSION", "GET_VERSION", "REMOVE_911"]


async def test_probe_past_the_open_breaker_waits_for_its_slot() -> None:
    clock = ManualClock()
    cad = ScriptedCad(REMOVE_911=[http("400 Bad", b"INVALID API KEY")], GET_VERSION=[PLUS])
    async with cad.client(clock) as client:
        await remove_and_wait(client, CALL)
        probing = asyncio.create_task(client.probe())
        await until(lambda: client.queue_length() == 1)
        assert not probing.done()
        clock.tick(1.05)
        assert await probing is Plan.PLUS


async def test_probe_returns_the_plan() -> None:
    for text, plan in ((b"3 PLUS", Plan.PLUS), (b'"6 SONORAN ONE"', Plan.SONORAN_ONE), (b"0 FREE", Plan.FREE)):
        cad = ScriptedCad(GET_VERSION=[http("200 OK", text)])
        async with cad.client() as client:
            assert await client.probe() is plan
            assert client.plan is plan


def test_default_timeouts_are_ten_and_five_seconds(account: Account) -> None:
    limits = CadClient(account)._transport._timeout
    assert (limits.total, limits.connect) == (10.0, 5.0)


def test_key_is_not_in_the_repr_of_the_client(account: Account) -> None:
    assert KEY not in repr(vars(CadClient(account)))


@pytest.fixture
async def account() -> Account:
    async with FakeCad().serving() as account:
        return account
