"""The client while the bot stops, or when its own code or a caller fails."""

from __future__ import annotations

import asyncio

import pytest

from bot.cad.client import CadClient
from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock
from tests.support.faulty_server import http, read_request, responding, serve

CALL = CallRef(1, 302)


async def test_bug_in_the_parser_is_unknown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Result:
        raise KeyError

    monkeypatch.setattr("bot.cad.v1.parse_removal", broken)
    async with (
        serve(responding(http("200 OK", b"API ID(s) set!"))) as account,
        CadClient(account, timeout=5.0, clock=InstantClock()) as client,
    ):
        result = await remove_and_wait(client, CALL)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.OUR_BUG)
    assert "a bug in this bot" in caplog.text


async def test_removal_completes_after_its_caller_is_cancelled() -> None:
    cad = FakeCad(delays={CALL: 0.05})
    async with cad.serving() as account, CadClient(account) as client:
        task = asyncio.create_task(remove_and_wait(client, CALL))
        while not cad.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        await client.drain(5)
        assert CALL not in cad.calls


async def test_drain_waits_for_sent_removals_and_rejects_new_ones() -> None:
    cad = FakeCad(delays={CALL: 0.1})
    async with cad.serving() as account, CadClient(account) as client:
        task = asyncio.create_task(remove_and_wait(client, CALL))
        while not cad.requests:
            await asyncio.sleep(0.001)
        await client.drain(5)
        assert (await task).outcome is Outcome.REMOVED
        late = await remove_and_wait(client, CallRef(1, 301))
        assert (late.outcome, late.reason) == (Outcome.NOT_SENT, Reason.CLOSING)
        assert len(cad.requests) == 1


async def test_removal_without_response_at_the_end_of_a_drain_is_unknown() -> None:
    arrived = asyncio.Event()

    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    async with serve(play) as account, CadClient(account) as client:
        task = asyncio.create_task(remove_and_wait(client, CALL))
        await arrived.wait()
        await client.drain(0.05)
        result = await task
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.STOPPED)


async def test_unsent_removal_is_rejected_when_a_drain_begins() -> None:
    cad = FakeCad()
    async with cad.serving() as account, CadClient(account) as client:
        task = asyncio.create_task(remove_and_wait(client, CALL))
        await asyncio.sleep(0)
        await client.drain(5)
        assert (await task).outcome is Outcome.NOT_SENT
    assert cad.requests == []
