"""Many removals at once within the CAD's rate limits, in v2 also by the vendor's client; one call removed by many."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import sonoran
from aiohttp import web
from yarl import URL

from bot.cad import v2
from bot.cad.client import CadClient
from bot.cad.models import Account, CallRef
from bot.cad.results import Outcome
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from bot.sandbox.fake_cad.v2 import PUBLISHED_LIMITS
from tests.benchmarks.report import say
from tests.support.cad import remove_and_wait


async def v1_pace() -> None:
    """30 removals at once, at a CAD that accepts one a second and rejects more with 429."""
    removed: set[object] = set()
    rate_limited = 0
    recent: deque[float] = deque()

    async def respond(request: web.Request) -> web.Response:
        nonlocal rate_limited
        now = time.monotonic()
        while recent and recent[0] < now - 1:
            recent.popleft()
        if recent:
            rate_limited += 1
            return web.Response(status=429)
        recent.append(now)
        removed.add(json.loads(await request.read())["data"][0]["callId"])
        return web.Response(text="API ID(s) set!")

    app = web.Application()
    app.router.add_post("/emergency/remove_911", respond)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    account = Account(URL(f"http://127.0.0.1:{runner.addresses[0][1]}"), "community", "key")
    started = time.perf_counter()
    async with CadClient(account) as client:
        results = await asyncio.gather(*(remove_and_wait(client, CallRef(1, number)) for number in range(1, 31)))
    seconds = time.perf_counter() - started
    await runner.cleanup()
    reported = sum(result.outcome is Outcome.REMOVED for result in results)
    say(
        f"\n30 removals at once, at a CAD that accepts one a second: {seconds:.1f} s, removed {len(removed)}, "
        f"reported as removed {reported}, responses 429 {rate_limited}"
    )


def thirty_calls() -> FakeCad:
    calls = [FakeCall(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
    return FakeCad(calls={call.ref: call for call in calls}, limits_per_minute=PUBLISHED_LIMITS)


async def v2_published_limits() -> None:
    """30 removals at once at v2's 10 a minute, by our client and by the vendor's. It takes three real minutes."""

    async def by_ours(account: Account) -> int:
        async with CadClient(account, v2) as client:
            results = await asyncio.gather(*(remove_and_wait(client, CallRef(1, number)) for number in range(1, 31)))
        return sum(result.outcome is Outcome.REMOVED for result in results)

    async def by_vendor(account: Account) -> int:
        vendor: Any = sonoran.Instance(
            apiKey=account.key, communityId="any", product=sonoran.productEnums.CAD, cadApiUrl=str(account.url)
        )
        results = await asyncio.gather(
            *(asyncio.to_thread(vendor.cad.deleteEmergencyCallV2, number, 1) for number in range(1, 31))
        )
        return sum(result.success for result in results)

    async def run(name: str, remove: Callable[[Account], Awaitable[int]]) -> None:
        cad = thirty_calls()
        started = time.perf_counter()
        async with cad.serving() as account:
            reported = await remove(account)
        say(
            f"30 removals at once at v2's published 10 a minute, {name}: {time.perf_counter() - started:.1f} s, "
            f"removed {30 - len(cad.calls)}, reported as removed {reported}, responses 429 {cad.rate_limited}"
        )

    await asyncio.gather(run("ours", by_ours), run("Sonoran.py", by_vendor))


async def shared_removal() -> None:
    """30 people remove the same call at once."""
    cad = FakeCad(delays={CallRef(1, 302): 0.2})
    async with cad.serving() as account, CadClient(account) as client:
        operation = client.start_removal(CallRef(1, 302))
        results = await asyncio.gather(*(client.wait_for(operation) for _ in range(30)))
    reported = sum(result.outcome is Outcome.REMOVED for result in results)
    requests = len(cad.requests_of("REMOVE_911"))
    say(f"30 people remove one call at once: requests sent {requests}, reported as removed {reported}")
