"""Throughput with pacing off, beside a bare aiohttp loop that sends the same request."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import trustme
from aiohttp import web
from yarl import URL

from bot.cad.client import DIALECTS, CadClient
from bot.cad.dialect import Dialect
from bot.cad.line import Line, paced
from bot.cad.model import Account, CallRef, End
from tests.benchmarks.told import beside, say, spread

ROUNDS, IN_A_ROW, AT_ONCE, WAVES = 5, 1000, 100, 20

KEY = "5E1A6C1D-8F6B-4D1B-9E55-3F2A9C0D7B11"
"""As long as a real one: every text of the CAD's is searched for it."""

Send = Callable[[int], Awaitable[object]]

# A server in a process of its own, so that its work is not counted.


async def serve(certificate: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="API ID(s) set!")

    app = web.Application()

    async def answer_v2(request: web.Request) -> web.Response:
        ids = request.match_info
        return web.json_response({"callId": int(ids["call"]), "serverId": int(ids["server"])})

    app.router.add_post("/emergency/remove_911", answer)
    app.router.add_delete("/v2/emergency/servers/{server}/calls/911/{call}", answer_v2)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    say(" ".join(str(address[1]) for address in runner.addresses))
    await asyncio.Event().wait()


async def in_processes_of_their_own() -> None:
    """Run the server, and the two clients in one more process: Python reads what it trusts when it starts."""
    with tempfile.TemporaryDirectory() as folder:
        own, trusted = str(Path(folder, "own.pem")), str(Path(folder, "trusted.pem"))
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(own)
        authority.cert_pem.write_to_path(trusted)
        command = (sys.executable, "-m", "tests.benchmarks")
        server = await asyncio.create_subprocess_exec(*command, "serve", own, stdout=asyncio.subprocess.PIPE)
        assert server.stdout is not None
        try:
            ports = [str(int(port)) for port in (await server.stdout.readline()).split()]
            trusting = {**os.environ, "SSL_CERT_FILE": trusted}
            await (await asyncio.create_subprocess_exec(*command, "send", *ports, env=trusting)).wait()
        finally:
            server.terminate()
            await server.wait()


async def timed(send: Send, *, at_once: bool) -> tuple[float, float, float, float]:
    """Return removals a second, p50 and p99 in milliseconds, and milliseconds of CPU a removal."""
    took: list[float] = []

    async def one(number: int) -> None:
        begun = time.perf_counter()
        await send(number)
        took.append(time.perf_counter() - begun)

    many = AT_ONCE * WAVES if at_once else IN_A_ROW
    gc.collect()
    gc.freeze()  # the modules that this program has imported are not what is measured
    begun, cpu = time.perf_counter(), time.process_time()
    if at_once:
        for wave in range(WAVES):
            await asyncio.gather(*(one(wave * AT_ONCE + number) for number in range(1, AT_ONCE + 1)))
    else:
        for number in range(1, many + 1):
            await one(number)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    p50, p99 = spread(took)
    return many / seconds, p50 * 1000, p99 * 1000, cpu / many * 1000


@asynccontextmanager
async def bare(account: Account, dialect: Dialect) -> AsyncIterator[Send]:
    async with aiohttp.ClientSession() as session:

        async def send(number: int) -> None:
            request = dialect.remove_911(account, CallRef(1, number)).request
            headers = {"Content-Type": "application/json", **dialect.headers(account)}
            async with session.request(
                request.method, account.url / request.path, data=request.body, headers=headers
            ) as response:
                assert response.status == 200
                await response.read()

        yield send


@asynccontextmanager
async def ours(account: Account, dialect: Dialect) -> AsyncIterator[Send]:
    async with CadClient(account, dialect, line=Line(paced(0), depth=AT_ONCE)) as client:

        async def send(number: int) -> None:
            answer = await client.follow(client.begin_removal(CallRef(1, number)))
            assert answer.end is End.REMOVED

        yield send


async def throughput(plain: str, tls: str) -> None:
    urls = URL(f"http://127.0.0.1:{plain}"), URL(f"https://127.0.0.1:{tls}")
    for version, url, at_once in itertools.product(DIALECTS, urls, (False, True)):
        account = Account(url, "community", KEY)
        figures: dict[str, list[tuple[float, float, float, float]]] = {"ours": [], "bare": []}
        async with ours(account, DIALECTS[version]) as send_ours, bare(account, DIALECTS[version]) as send_bare:
            for send in (send_ours, send_bare):
                await timed(send, at_once=at_once)  # not counted: warms up
            for _ in range(ROUNDS):
                figures["ours"].append(await timed(send_ours, at_once=at_once))
                figures["bare"].append(await timed(send_bare, at_once=at_once))
        how = "100 at once" if at_once else "one after another"
        say(f"\n{version}, {url.scheme}, {how} (medians of {ROUNDS} rounds)")
        beside(("removals a second", "p50, ms", "p99, ms", "CPU ms a removal"), figures)
