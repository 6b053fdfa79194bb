"""A request goes out once, although aiohttp repeats a GET or DELETE by itself: counted at the socket."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.cad import v1, v2
from bot.cad.client import CadClient
from bot.cad.dialect import Dialect
from bot.cad.model import CallRef, End, Why
from tests.clocks import JumpClock
from tests.faults import Play, http, read_request, serving
from tests.removing import removed

CALL = CallRef(1, 302)
OK = http("200 OK", b'{"callId": 302, "serverId": 1}', "Content-Type: application/json")


def dropping_after(answered: int, seen: list[str]) -> Play:
    """Answer so many requests, on whichever connection, and then drop each connection without a word."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, _, _ = await read_request(reader)
            seen.append(line.split()[0])
            if len(seen) > answered:
                return
            writer.write(OK)
            await writer.drain()

    return play


@pytest.mark.parametrize("answered", [0, 1])
async def test_aiohttp_itself_sends_a_delete_twice(answered: int) -> None:
    """The reason for all of this: if it should end one day, our guard can go."""
    seen: list[str] = []
    async with serving(dropping_after(answered, seen)) as account, aiohttp.ClientSession() as session:
        for _ in range(answered):
            await (await session.delete(account.url)).read()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.delete(account.url)
    assert len(seen) == answered + 2


@pytest.mark.parametrize("dialect", [v1, v2])
@pytest.mark.parametrize("answered", [0, 1])
async def test_a_removal_whose_connection_breaks_arrives_once_each_time_that_we_send_it(
    dialect: Dialect, answered: int
) -> None:
    """A new connection, and one that was kept: the removal, the question for the plan, the removal once more."""
    seen: list[str] = []
    async with (
        serving(dropping_after(answered, seen)) as account,
        CadClient(account, dialect, clock=JumpClock()) as client,
    ):
        for _ in range(answered):
            assert (await removed(client, CALL)).end is End.REMOVED
        answer = await removed(client, CALL)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.CONNECTION_LOST)
    assert seen[answered:] == (["POST"] * 3 if dialect is v1 else ["DELETE", "GET", "DELETE"])


async def test_what_the_first_removed_is_not_told_as_a_wrong_number_by_a_hidden_second() -> None:
    """The CAD removes the call and the connection breaks: "not there" is heard of our own repeat only."""
    seen: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _, _ = await read_request(reader)
        seen.append(line.split()[0])
        if seen.count("DELETE") == 2:
            writer.write(http("404 Not Found", b"{}", "Content-Type: application/problem+json"))
            await writer.drain()

    async with serving(play) as account, CadClient(account, v2, clock=JumpClock()) as client:
        answer = await removed(client, CALL)
    assert (answer.end, answer.why) == (End.GONE, Why.NO_SUCH_CALL)
    assert seen == ["DELETE", "GET", "DELETE"]
