"""The client with v2's rate limits, against a fake CAD that enforces them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.cad import v2
from bot.cad.client import CadClient
from bot.cad.models import CallRef
from bot.cad.request_queue import RequestQueue
from bot.cad.results import Outcome, Reason
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from bot.sandbox.fake_cad.v2 import PUBLISHED_LIMITS
from tests.support.cad import remove_and_wait
from tests.support.clocks import ManualClock


async def test_thirty_removals_at_once_complete_without_a_429() -> None:
    """The CAD's minute is half a second here. The bot's is longer, by what a busy machine may need."""
    calls = [FakeCall(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
    cad = FakeCad(calls={call.ref: call for call in calls}, limits_per_minute=PUBLISHED_LIMITS, minute_seconds=0.5)
    queue = RequestQueue(tuple(replace(limit, per_seconds=0.5 + 0.5) for limit in v2.RATE_LIMITS))
    async with cad.serving() as account, CadClient(account, v2, queue=queue) as client:
        results = await asyncio.gather(*(remove_and_wait(client, ref) for ref in tuple(cad.calls)))
    assert {result.outcome for result in results} == {Outcome.REMOVED}
    assert (cad.calls, cad.rate_limited) == ({}, 0)


async def test_removals_are_busy_with_a_retry_time_when_the_game_server_uses_up_the_limit() -> None:
    calls = [FakeCall(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
    cad = FakeCad(calls={call.ref: call for call in calls}, limits_per_minute={"REMOVE_911": 3}, minute_seconds=3600.0)
    async with cad.serving() as account, CadClient(account, v2, clock=ManualClock()) as client:
        results = await asyncio.gather(*(remove_and_wait(client, ref) for ref in tuple(cad.calls)))
    assert sum(result.outcome is Outcome.REMOVED for result in results) == 3 == 30 - len(cad.calls)
    others = [result for result in results if result.outcome is not Outcome.REMOVED]
    assert {(result.outcome, result.reason, result.retry_at is not None) for result in others} == {
        (Outcome.NOT_SENT, Reason.BUSY, True)
    }
    assert cad.rate_limited == 5  # sent together with the three, as the bot's own limit of 8 allows
