"""Many people at once at the CAD's pace: v1's, v2's published limits beside the vendor's client, one call shared."""

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
from bot.cad.model import Account, CallRef, End
from bot.sandbox.cad import Call, LoopbackCad
from bot.sandbox.cad_v2 import PUBLISHED
from tests.benchmarks.told import say
from tests.removing import removed


async def at_the_pace() -> None:
    """30 removals by different people at once, at a CAD that takes one a second and answers 429 beyond that."""
    gone: set[object] = set()
    refused = 0
    lately: deque[float] = deque()

    async def answer(request: web.Request) -> web.Response:
        nonlocal refused
        now = time.monotonic()
        while lately and lately[0] < now - 1:
            lately.popleft()
        if lately:
            refused += 1
            return web.Response(status=429)
        lately.append(now)
        gone.add(json.loads(await request.read())["data"][0]["callId"])
        return web.Response(text="API ID(s) set!")

    app = web.Application()
    app.router.add_post("/emergency/remove_911", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    account = Account(URL(f"http://127.0.0.1:{runner.addresses[0][1]}"), "community", "key")
    begun = time.perf_counter()
    async with CadClient(account) as client:
        answers = await asyncio.gather(*(removed(client, CallRef(1, number)) for number in range(1, 31)))
    seconds = time.perf_counter() - begun
    await runner.cleanup()
    reported = sum(answer.end is End.REMOVED for answer in answers)
    say(
        f"\n30 removals at once, a CAD that takes one a second: {seconds:.1f} s, really removed {len(gone)}, "
        f"reported {reported}, 429s provoked {refused}"
    )


def thirty_calls() -> LoopbackCad:
    calls = [Call(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
    return LoopbackCad(calls={call.ref: call for call in calls}, limits=PUBLISHED)


async def at_the_published_limits() -> None:
    """30 removals at once at v2's 10 a minute, by our client and by the vendor's: real minutes, so it takes three."""

    async def by_ours(account: Account) -> int:
        async with CadClient(account, v2) as client:
            answers = await asyncio.gather(*(removed(client, CallRef(1, number)) for number in range(1, 31)))
        return sum(answer.end is End.REMOVED for answer in answers)

    async def by_theirs(account: Account) -> int:
        theirs: Any = sonoran.Instance(
            apiKey=account.key, communityId="any", product=sonoran.productEnums.CAD, cadApiUrl=str(account.url)
        )
        answers = await asyncio.gather(
            *(asyncio.to_thread(theirs.cad.deleteEmergencyCallV2, number, 1) for number in range(1, 31))
        )
        return sum(answer.success for answer in answers)

    async def run(name: str, remove: Callable[[Account], Awaitable[int]]) -> None:
        cad = thirty_calls()
        begun = time.perf_counter()
        async with cad.serving() as account:
            reported = await remove(account)
        say(
            f"30 removals at once at v2's published 10 a minute, {name}: {time.perf_counter() - begun:.1f} s, really "
            f"removed {30 - len(cad.calls)}, reported {reported}, 429s provoked {cad.turned_away}"
        )

    await asyncio.gather(run("ours", by_ours), run("Sonoran.py", by_theirs))


async def shared() -> None:
    cad = LoopbackCad(seconds={CallRef(1, 302): 0.2})
    async with cad.serving() as account, CadClient(account) as client:
        removal = client.begin_removal(CallRef(1, 302))
        answers = await asyncio.gather(*(client.follow(removal) for _ in range(30)))
    true = sum(answer.end is End.REMOVED for answer in answers)
    say(f"30 people ask for one call: requests sent {len(cad.asked_for('REMOVE_911'))}, true answers {true}")
