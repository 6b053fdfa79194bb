"""A CAD whose responses a test scripts, in both versions of the API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import CallRef
from bot.cad.request_queue import RequestQueue
from bot.cad.results import QueuePosition, Result
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock, ManualClock
from tests.support.faulty_server import http, read_request, serve

OK = http("200 OK", b"API ID(s) set!")
LISTED = http("200 OK", b'{"activeCalls": [], "emergencyCalls": [{"callId": 302}, {"callId": 7}], "closedCalls": []}')
ABSENT = http("200 OK", b'{"activeCalls": [], "emergencyCalls": [{"callId": 7}], "closedCalls": []}')
PLUS, STANDARD = http("200 OK", b"3 PLUS"), http("200 OK", b"2 STANDARD")
MISSING = http("404 Not Found", b"CALL NOT FOUND")
NO_RESPONSE = b""
"""Stands for a connection that is closed without a response."""


def busy(*headers: str, status: str = "429 Too Many Requests") -> bytes:
    return http(status, b"", *headers)


class ScriptedCad:
    """A CAD that answers each kind of request with the next response of its script, and records the requests.

    The script is written for v1; for v2, responses that differ are translated. `api` is the version of the client.
    """

    api: CadApi = v1

    def __init__(self, **responses: list[bytes]) -> None:
        self._responses = {kind: list(raws) for kind, raws in responses.items()}
        self.requests: list[str] = []

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request_line, _, body = await read_request(reader)
            kind = str(json.loads(body)["type"]) if body else _v2_kind(request_line)
            self.requests.append(kind)
            raw = self._responses[kind].pop(0)
            if not raw:
                return
            writer.write(raw if body else _as_v2(raw, request_line))
            await writer.drain()

    @asynccontextmanager
    async def client(
        self, clock: InstantClock | ManualClock | None = None, queue: RequestQueue | None = None
    ) -> AsyncIterator[CadClient]:
        async with (
            serve(self.play) as account,
            # With v1's rate limits in both versions: v2's own have tests of their own.
            CadClient(
                account, self.api, clock=clock or InstantClock(), queue=queue or RequestQueue(v1.RATE_LIMITS)
            ) as client,
        ):
            yield client


def _v2_kind(request_line: str) -> str:
    if request_line.startswith("DELETE "):
        return "REMOVE_911"
    if "/calls?" in request_line:
        return "GET_CALLS"
    return "GET_SERVERS" if "/servers " in request_line else "GET_VERSION"


def _as_v2(raw: bytes, request_line: str) -> bytes:
    if raw == OK:
        *_, server_id, _, _, call_id = request_line.split()[1].split("/")
        return http("200 OK", f'{{"callId": {call_id}, "serverId": {server_id}}}'.encode())
    if raw == MISSING:
        return http("404 Not Found", b'{"title": "Not Found"}', "Content-Type: application/problem+json")
    plan = re.fullmatch(rb'"?[0-9] ?(FREE|STANDARD|PLUS|SONORAN ONE)"?', raw.split(b"\r\n\r\n")[-1])
    return http("200 OK", b'{"version": 0, "name": "%s"}' % plan[1]) if plan else raw


async def start_removals(
    client: CadClient, count: int, on_queued: Callable[[int, QueuePosition], None]
) -> list[asyncio.Task[Result]]:
    """Start removing the calls 1 to `count` of server 1, each in a task of its own."""

    def reporter(number: int) -> Callable[[QueuePosition | None], asyncio.Future[None]]:
        def report(position: QueuePosition | None) -> asyncio.Future[None]:
            if position is not None:
                on_queued(number, position)
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done

        return report

    tasks = [asyncio.create_task(remove_and_wait(client, CallRef(1, n), reporter(n))) for n in range(1, count + 1)]
    await asyncio.sleep(0.01)
    return tasks
