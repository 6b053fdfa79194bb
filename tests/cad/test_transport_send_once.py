"""A request is sent once, although aiohttp by itself sends a GET or DELETE again. Counted at the socket."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.cad import v1, v2
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock
from tests.support.faulty_server import Handler, http, read_request, serve

CALL = CallRef(1, 302)
OK = http("200 OK", b'{"callId": 302, "serverId": 1}', "Content-Type: application/json")


def dropping_after(answered: int, seen: list[str]) -> Handler:
    """Answer so many requests on any connection, then close each connection without a response."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request_line, _, _ = await read_request(reader)
            seen.append(request_line.split()[0])
            if len(seen) > answered:
                return
            writer.write(OK)
            await writer.drain()

    return play


@pytest.mark.parametrize("answered", [0, 1])
async def test_aiohttp_itself_sends_a_delete_twice(answered: int) -> None:
    """The reason for `_SendOnceResponse`. When this test fails, aiohttp has changed and the guard can go."""
    seen: list[str] = []
    async with serve(dropping_after(answered, seen)) as account, aiohttp.ClientSession() as session:
        for _ in range(answered):
            await (await session.delete(account.url)).read()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.delete(account.url)
    assert len(seen) == answered + 2


@pytest.mark.parametrize("api", [v1, v2])
@pytest.mark.parametrize("answered", [0, 1])
async def test_removal_whose_connection_breaks_arrives_once_per_attempt(api: CadApi, answered: int) -> None:
    """On a new connection, and on one that was kept: the removal, the plan request, and the retry."""
    seen: list[str] = []
    async with (
        serve(dropping_after(answered, seen)) as account,
        CadClient(account, api, clock=InstantClock()) as client,
    ):
        for _ in range(answered):
            assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
        result = await remove_and_wait(client, CALL)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.CONNECTION_LOST)
    assert seen[answered:] == (["POST"] * 3 if api is v1 else ["DELETE", "GET", "DELETE"])


async def test_404_comes_only_after_the_bots_own_retry() -> None:
    """The CAD removes the call, and the connection breaks. Only the bot's own retry may get the 404."""
    seen: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_line, _, _ = await read_request(reader)
        seen.append(request_line.split()[0])
        if seen.count("DELETE") == 2:
            writer.write(http("404 Not Found", b'{"title": "Not Found"}', "Content-Type: application/problem+json"))
            await writer.drain()

    async with serve(play) as account, CadClient(account, v2, clock=InstantClock()) as client:
        result = await remove_and_wait(client, CALL)
    assert (result.outcome, result.reason) == (Outcome.GONE, Reason.NO_SUCH_CALL)
    assert seen == ["DELETE", "GET", "DELETE"]
