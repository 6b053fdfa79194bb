"""The client over real HTTP: what arrives at the other side, and what each way of failing is called."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest
from yarl import URL

from bot.cad.client import MAX_BODY, CadClient
from bot.cad.model import Account, Answer, CallRef, End, Why
from bot.sandbox.cad import LoopbackCad
from tests.conftest import KEY
from tests.faults import answering, http, read_request, serving

CALL = CallRef(1, 302)


async def remove(account: Account, patience: float = 5.0) -> Answer:
    async with CadClient(account, patience=patience) as client:
        return await client.remove_911(CALL)


async def test_the_request_on_the_wire() -> None:
    seen: list[tuple[str, dict[str, str], bytes]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(http("200 OK", b"API ID(s) set!"))

    async with serving(play) as account:
        behind_a_proxy = Account(account.url / "sonoran/cad", account.community_id, account.key)
        assert (await remove(behind_a_proxy)).end is End.REMOVED
    ((line, headers, body),) = seen
    assert line == "POST /sonoran/cad/emergency/remove_911 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("remove911/")
    assert "cookie" not in headers
    assert json.loads(body) == {
        "id": "community",
        "key": KEY,
        "type": "REMOVE_911",
        "data": [{"serverId": 1, "callId": 302}],
    }


@pytest.mark.parametrize(
    ("raw", "end", "why"),
    [
        pytest.param(http("200 OK", b"API ID(s) set!"), End.REMOVED, Why.CONFIRMED, id="removed"),
        pytest.param(b"", End.UNKNOWN, Why.CONNECTION_LOST, id="closed without a word"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nAPI", End.UNKNOWN, Why.UNREADABLE, id="cut off"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nAPI I",
            End.UNKNOWN,
            Why.UNREADABLE,
            id="chunk cut off",
        ),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", End.UNKNOWN, Why.UNREADABLE, id="not HTTP"),
        pytest.param(
            http("200 OK", b"\x1f\x8b\x08", "Content-Encoding: gzip"), End.UNKNOWN, Why.UNREADABLE, id="compressed"
        ),
        pytest.param(http("200 OK", b"x" * (MAX_BODY + 1)), End.UNKNOWN, Why.UNREADABLE, id="too long"),
        pytest.param(http("200 OK", b"x" * MAX_BODY), End.REMOVED, Why.CONFIRMED, id="as long as it may be"),
        pytest.param(http("503 Down", b"", "Retry-After: 30"), End.NOT_SENT, Why.BUSY, id="busy"),
    ],
)
async def test_what_comes_back(raw: bytes, end: End, why: Why) -> None:
    async with serving(answering(raw)) as account:
        answer = await remove(account)
    assert (answer.end, answer.why) == (end, why)


async def test_no_answer_in_time() -> None:
    async with serving(answering(b"", then_hang=True)) as account:
        answer = await remove(account, patience=0.1)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.NO_ANSWER)


async def test_the_time_limit_holds_for_the_body_too() -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nAPI", then_hang=True)) as account:
        answer = await remove(account, patience=0.1)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.NO_ANSWER)


async def test_nobody_listens() -> None:
    async with serving(answering(b"")) as account:
        pass
    answer = await remove(account)
    assert (answer.end, answer.why) == (End.NOT_SENT, Why.NO_CONNECTION)


async def test_a_name_that_is_not_found() -> None:
    answer = await remove(Account(URL("https://cad.invalid"), "community", KEY))
    assert (answer.end, answer.why) == (End.NOT_SENT, Why.NO_CONNECTION)


async def test_a_redirect_is_not_followed_and_the_key_stays_here() -> None:
    strangers: list[bytes] = []

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        strangers.append(await reader.read(1))
        writer.write(http("200 OK", b"API ID(s) set!"))

    async with serving(stranger) as other:
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            async with serving(answering(http(status, b"", f"Location: {other.url}/"))) as account:
                answer = await remove(account)
            assert (answer.end, answer.why) == (End.REJECTED, Why.WRONG_URL)
    assert strangers == []


async def test_a_certificate_that_nobody_trusts(tls: ssl.SSLContext) -> None:
    async with serving(answering(http("200 OK", b"API ID(s) set!")), tls) as account:
        answer = await remove(account)
    assert (answer.end, answer.why) == (End.NOT_SENT, Why.CERTIFICATE)


async def test_a_bug_in_understanding_is_told_as_unknown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Answer:
        raise KeyError

    monkeypatch.setattr("bot.cad.v1.understand_removal", broken)
    async with serving(answering(http("200 OK", b"API ID(s) set!"))) as account:
        answer = await remove(account)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.OUR_BUG)
    assert "a bug in this bot" in caplog.text


async def test_whoever_gives_up_does_not_take_the_request_back() -> None:
    cad = LoopbackCad(seconds={CALL: 0.05})
    async with cad.serving() as account, CadClient(account) as client:
        asking = asyncio.create_task(client.remove_911(CALL))
        while not cad.requests:
            await asyncio.sleep(0.001)
        asking.cancel()
        await client.drain(5)
        assert CALL not in cad.calls


async def test_draining_lets_what_is_on_the_wire_end_and_takes_no_more() -> None:
    cad = LoopbackCad(seconds={CALL: 0.1})
    async with cad.serving() as account, CadClient(account) as client:
        asking = asyncio.create_task(client.remove_911(CALL))
        while not cad.requests:
            await asyncio.sleep(0.001)
        await client.drain(5)
        assert (await asking).end is End.REMOVED
        late = await client.remove_911(CallRef(1, 301))
        assert (late.end, late.why) == (End.NOT_SENT, Why.CLOSING)
        assert len(cad.requests) == 1


async def test_draining_ends_and_says_unknown_of_what_did_not() -> None:
    async with serving(answering(b"", then_hang=True)) as account, CadClient(account) as client:
        asking = asyncio.create_task(client.remove_911(CALL))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await client.drain(0.05)
        answer = await asking
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.NO_ANSWER)


async def test_what_waits_when_draining_begins_was_not_sent() -> None:
    cad = LoopbackCad()
    async with cad.serving() as account, CadClient(account) as client:
        asking = asyncio.create_task(client.remove_911(CALL))
        await asyncio.sleep(0)
        await client.drain(5)
        assert (await asking).end is End.NOT_SENT
    assert cad.requests == []
