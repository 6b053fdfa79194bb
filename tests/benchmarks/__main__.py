"""Figures, each as a ratio to something measured in the same run; nothing here fails. `python -m tests.benchmarks`."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import sonoran
import trustme
from aiohttp import web
from yarl import URL

from bot.board import Board
from bot.cad import v2
from bot.cad.client import DIALECTS, CadClient
from bot.cad.dialect import Dialect
from bot.cad.line import Line, paced
from bot.cad.model import Account, CallRef, End, Plan
from bot.picker import label, matching
from bot.sandbox.cad import Call as CadCall
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.cad_v2 import PUBLISHED
from tests.discord_stand_in import StandIn
from tests.removing import removed

ROUNDS, IN_A_ROW, AT_ONCE, WAVES, STARTS = 5, 500, 100, 10, 10

Send = Callable[[int], Awaitable[object]]


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - that is what a benchmark is for


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
            await (await asyncio.create_subprocess_exec(*command, "throughput", *ports, env=trusting)).wait()
        finally:
            server.terminate()
            await server.wait()


# Throughput, beside a bare aiohttp loop that sends the same request.


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
    cuts = statistics.quantiles(took, n=100)
    return many / seconds, cuts[49] * 1000, cuts[98] * 1000, cpu / many * 1000


@asynccontextmanager
async def bare(account: Account, dialect: Dialect) -> AsyncIterator[Send]:
    async with aiohttp.ClientSession() as session:

        async def send(number: int) -> None:
            request = dialect.remove_911(account, CallRef(1, number)).request
            headers = {"Content-Type": "application/json", **request.headers}
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
            assert (await removed(client, CallRef(1, number))).end is End.REMOVED

        yield send


async def throughput(plain: str, tls: str) -> None:
    urls = URL(f"http://127.0.0.1:{plain}"), URL(f"https://127.0.0.1:{tls}")
    for version, url, at_once in itertools.product(DIALECTS, urls, (False, True)):
        account = Account(url, "community", "key")
        figures: dict[str, list[tuple[float, float, float, float]]] = {"ours": [], "bare": []}
        async with ours(account, DIALECTS[version]) as send_ours, bare(account, DIALECTS[version]) as send_bare:
            for send in (send_ours, send_bare):
                await timed(send, at_once=at_once)  # not counted: warms up
            for _ in range(ROUNDS):
                figures["ours"].append(await timed(send_ours, at_once=at_once))
                figures["bare"].append(await timed(send_bare, at_once=at_once))
        how = "100 at once" if at_once else "one after another"
        say(f"\n{version}, {url.scheme}, {how} (medians of {ROUNDS} rounds)")
        for index, name in enumerate(("removals a second", "p50, ms", "p99, ms", "CPU ms a removal")):
            a, b = (statistics.median(one[index] for one in figures[who]) for who in ("ours", "bare"))
            say(f"  {name:18} ours {a:8.2f}   bare {b:8.2f}   ratio {a / b:.2f}")


# The pace, and sharing.


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
    calls = [CadCall(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
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


async def picking() -> None:
    """What autocomplete does while somebody types, with 500 open calls on a warm board."""
    calls = [
        CadCall(CallRef(1, n), f"Caller {n} of {n % 7}", f"{n} Grove Street / Alta {n % 13}", "Two cars. " * 15)
        for n in range(1, 501)
    ]
    cad = LoopbackCad(plan=Plan.PLUS, calls={call.ref: call for call in calls})
    took: list[float] = []
    async with cad.serving() as account, CadClient(account) as client, Board(client) as board:
        await board.calls(1)
        await asyncio.sleep(2.2)  # the line's pace: plan, then calls
        first = True
        for typed in ("", "4", "42", "g", "gro", "grove alta", "caller 499", "cars", "nothing like it") * 20:
            begun = time.perf_counter()
            shown = [label(call) for call in matching((await board.calls(1)).calls, typed)]
            if not first:
                took.append((time.perf_counter() - begun) * 1000)
            else:
                say(f"\nautocomplete over 500 calls: the first time {(time.perf_counter() - begun) * 1000:.1f} ms")
            first = False
            assert len(shown) <= 25
        people = [board.calls(1) for _ in range(50)]
        await asyncio.gather(*people)
    cuts = statistics.quantiles(took, n=100)
    asked = cad.kinds.count("GET_CALLS")
    say(f"  with a warm board: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms; GET_CALLS sent {asked}")


async def shared() -> None:
    cad = LoopbackCad(seconds={CallRef(1, 302): 0.2})
    async with cad.serving() as account, CadClient(account) as client:
        removal = client.begin_removal(CallRef(1, 302))
        answers = await asyncio.gather(*(client.follow(removal) for _ in range(30)))
    true = sum(answer.end is End.REMOVED for answer in answers)
    say(f"30 people ask for one call: requests sent {len(cad.asked_for('REMOVE_911'))}, true answers {true}")


# Start and memory, beside a bare discord.py bot with one command and the same intents.


async def start(program: str, cad: str) -> tuple[float, float, float]:
    """Return seconds from the start of the process to the log-in and to READY, and its idle memory in MiB."""
    discord = StandIn()
    async with discord.serving() as address:
        folder = tempfile.TemporaryDirectory()
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", program, address, cad, str(Path(folder.name, "journal.db")),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        await discord.identified.wait()
        logged_in = time.perf_counter() - begun
        assert await process.stdout.readline() == b"READY\n"
        ready = time.perf_counter() - begun
        await asyncio.sleep(1.0)
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        process.terminate()
        await process.wait()
        folder.cleanup()
    return logged_in, ready, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def starts() -> None:
    cad = LoopbackCad(community_id="ours", key="planted-key")
    programs = {"ours": "tests.our_bot", "bare": "tests.bare_bot"}
    figures: dict[str, list[tuple[float, float, float]]] = {"ours": [], "bare": []}
    async with cad.serving() as account:
        for _ in range(STARTS):
            for who, seen in figures.items():
                seen.append(await start(programs[who], str(account.url)))
    say(f"\nstarts (medians of {STARTS}, interleaved; discord.py itself waits 2 s for guilds before READY)")
    for index, name in enumerate(("s to log-in", "s to READY", "idle memory, MiB")):
        a, b = (statistics.median(one[index] for one in figures[who]) for who in ("ours", "bare"))
        say(f"  {name:18} ours {a:8.2f}   bare {b:8.2f}   ratio {a / b:.2f}")


async def main() -> None:
    await in_processes_of_their_own()
    await shared()
    await picking()
    await asyncio.gather(at_the_pace(), at_the_published_limits())
    await starts()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", certificate]:
            asyncio.run(serve(certificate))
        case ["throughput", plain, tls]:
            asyncio.run(throughput(plain, tls))
        case ["picking"]:
            asyncio.run(picking())
        case ["limits"]:
            asyncio.run(at_the_published_limits())
        case ["starts"]:
            asyncio.run(starts())
        case _:
            asyncio.run(main())
