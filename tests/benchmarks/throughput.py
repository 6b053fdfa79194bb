"""Throughput without rate limits, compared with a bare aiohttp loop that sends the same request."""

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

from bot.cad.api import CadApi
from bot.cad.client import API_VERSIONS, CadClient
from bot.cad.models import Account, CallRef
from bot.cad.request_queue import RequestQueue, one_every
from bot.cad.results import Outcome
from tests.benchmarks.report import compare, percentiles, say

ROUNDS, IN_A_ROW, AT_ONCE, WAVES = 5, 1000, 100, 20

KEY = "5E1A6C1D-8F6B-4D1B-9E55-3F2A9C0D7B11"
"""As long as a real key: the client searches every text from the CAD for it."""

Send = Callable[[int], Awaitable[object]]


async def serve(certificate: str) -> None:
    """Be the CAD, in a process of its own so that its work is not measured."""

    async def respond_v1(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="API ID(s) set!")

    app = web.Application()

    async def respond_v2(request: web.Request) -> web.Response:
        ids = request.match_info
        return web.json_response({"callId": int(ids["call"]), "serverId": int(ids["server"])})

    app.router.add_post("/emergency/remove_911", respond_v1)
    app.router.add_delete("/v2/emergency/servers/{server}/calls/911/{call}", respond_v2)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    say(" ".join(str(address[1]) for address in runner.addresses))
    await asyncio.Event().wait()


async def run_processes() -> None:
    """Run the server in one process and both clients in another, which starts with the server's authority trusted."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, trusted = str(Path(folder, "own.pem")), str(Path(folder, "trusted.pem"))
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        authority.cert_pem.write_to_path(trusted)
        command = (sys.executable, "-m", "tests.benchmarks")
        server = await asyncio.create_subprocess_exec(*command, "serve", certificate, stdout=asyncio.subprocess.PIPE)
        assert server.stdout is not None
        try:
            ports = [str(int(port)) for port in (await server.stdout.readline()).split()]
            environment = {**os.environ, "SSL_CERT_FILE": trusted}
            await (await asyncio.create_subprocess_exec(*command, "send", *ports, env=environment)).wait()
        finally:
            server.terminate()
            await server.wait()


async def measure(send: Send, *, at_once: bool) -> tuple[float, float, float, float]:
    """Return removals a second, p50 and p99 in milliseconds, and milliseconds of CPU a removal."""
    took: list[float] = []

    async def send_timed(number: int) -> None:
        started = time.perf_counter()
        await send(number)
        took.append(time.perf_counter() - started)

    count = AT_ONCE * WAVES if at_once else IN_A_ROW
    gc.collect()
    gc.freeze()  # the imported modules are not what is measured
    started, cpu = time.perf_counter(), time.process_time()
    if at_once:
        for wave in range(WAVES):
            await asyncio.gather(*(send_timed(wave * AT_ONCE + number) for number in range(1, AT_ONCE + 1)))
    else:
        for number in range(1, count + 1):
            await send_timed(number)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    p50, p99 = percentiles(took)
    return count / seconds, p50 * 1000, p99 * 1000, cpu / count * 1000


@asynccontextmanager
async def bare_sender(account: Account, api: CadApi) -> AsyncIterator[Send]:
    async with aiohttp.ClientSession() as session:

        async def send(number: int) -> None:
            request = api.remove_911(account, CallRef(1, number)).http
            headers = {"Content-Type": "application/json", **api.headers(account)}
            async with session.request(
                request.method, account.url / request.path, data=request.body, headers=headers
            ) as response:
                assert response.status == 200
                await response.read()

        yield send


@asynccontextmanager
async def bot_sender(account: Account, api: CadApi) -> AsyncIterator[Send]:
    async with CadClient(account, api, queue=RequestQueue(one_every(0), max_queued=AT_ONCE)) as client:

        async def send(number: int) -> None:
            result = await client.wait_for(client.start_removal(CallRef(1, number)))
            assert result.outcome is Outcome.REMOVED

        yield send


async def throughput(plain: str, tls: str) -> None:
    urls = URL(f"http://127.0.0.1:{plain}"), URL(f"https://127.0.0.1:{tls}")
    for version, url, at_once in itertools.product(API_VERSIONS, urls, (False, True)):
        account = Account(url, "community", KEY)
        figures: dict[str, list[tuple[float, float, float, float]]] = {"ours": [], "bare": []}
        api = API_VERSIONS[version]
        async with bot_sender(account, api) as send_ours, bare_sender(account, api) as send_bare:
            for send in (send_ours, send_bare):
                await measure(send, at_once=at_once)  # warm-up, not counted
            for _ in range(ROUNDS):
                figures["ours"].append(await measure(send_ours, at_once=at_once))
                figures["bare"].append(await measure(send_bare, at_once=at_once))
        how = "100 at once" if at_once else "one after another"
        say(f"\n{version}, {url.scheme}, {how} (medians of {ROUNDS} rounds)")
        compare(("removals a second", "p50, ms", "p99, ms", "CPU ms a removal"), figures)
