"""The client over real HTTP: what arrives at the other side, and what each way of failing is called."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
import struct
import tracemalloc

import pytest
from yarl import URL

from bot.cad import v1, v2
from bot.cad.client import CadClient
from bot.cad.dialect import Dialect
from bot.cad.model import Account, Answer, CallRef, End, Why
from bot.cad.wire import MAX_BODY
from bot.sandbox.cad import LoopbackCad
from tests.clocks import JumpClock
from tests.conftest import KEY
from tests.faults import answering, http, read_request, serving
from tests.removing import removed

CALL = CallRef(1, 302)


async def remove(account: Account, patience: float = 5.0) -> Answer:
    async with CadClient(account, patience=patience, clock=JumpClock()) as client:
        return await removed(client, CALL)


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


PAGE = b"<!DOCTYPE html><html><title>502</title><body>cloudflare</body></html>"
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("raw", "end", "why"),
    [
        pytest.param(http("200 OK", b"API ID(s) set!"), End.REMOVED, Why.CONFIRMED, id="removed"),
        pytest.param(http("200 OK"), End.REMOVED, Why.CONFIRMED, id="200, empty"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", End.REMOVED, Why.CONFIRMED, id="204"),
        pytest.param(http("200 OK", b"x" * MAX_BODY), End.REMOVED, Why.CONFIRMED, id="as long as it may be"),
        pytest.param(http("200 OK", b"\xff\xfe\xfd"), End.REMOVED, Why.CONFIRMED, id="invalid UTF-8"),
        pytest.param(http("200 OK", b"Backend Service Reached"), End.REJECTED, Why.WRONG_URL, id="greeting"),
        pytest.param(http("200 OK", b"INVALID API KEY"), End.REJECTED, Why.API_KEY, id="200 with a documented error"),
        pytest.param(http("200 OK", PAGE, "Content-Type: text/html"), End.UNKNOWN, Why.UNREADABLE, id="200, a page"),
        pytest.param(
            http("200 OK", b"{", "Content-Type: application/json"), End.UNKNOWN, Why.UNREADABLE, id="JSON that is none"
        ),
        pytest.param(http("400 Bad", b"INVALID COMMUNITY ID"), End.REJECTED, Why.COMMUNITY_ID, id="400 documented"),
        pytest.param(http("400 Bad", b"WHAT?"), End.REJECTED, Why.OTHER_REFUSAL, id="400 unknown"),
        pytest.param(
            http("400 Bad", b'{"e": 1}', "Content-Type: application/json"), End.REJECTED, Why.OTHER_REFUSAL, id="JSON"
        ),
        pytest.param(http("400 Bad"), End.REJECTED, Why.OTHER_REFUSAL, id="400 empty"),
        pytest.param(http("401 No"), End.REJECTED, Why.API_KEY, id="401"),
        pytest.param(http("402 Pay"), End.REJECTED, Why.PLAN, id="402"),
        pytest.param(http("403 No"), End.REJECTED, Why.FORBIDDEN, id="403"),
        pytest.param(http("404 No"), End.GONE, Why.NO_SUCH_CALL, id="404"),
        pytest.param(http("408 Slow"), End.UNKNOWN, Why.SERVER_ERROR, id="408"),
        pytest.param(http("409 Conflict"), End.REJECTED, Why.OTHER_REFUSAL, id="409"),
        pytest.param(http("418 Teapot"), End.REJECTED, Why.OTHER_REFUSAL, id="418"),
        pytest.param(http("429 Busy"), End.NOT_SENT, Why.BUSY, id="429"),
        pytest.param(http("500 Oops"), End.UNKNOWN, Why.SERVER_ERROR, id="500"),
        pytest.param(http("502 Bad", PAGE, "Content-Type: text/html"), End.UNKNOWN, Why.SERVER_ERROR, id="502, page"),
        pytest.param(http("503 Down", b"", "Retry-After: 30"), End.NOT_SENT, Why.BUSY, id="503 with advice"),
        pytest.param(http("503 Down"), End.UNKNOWN, Why.SERVER_ERROR, id="503"),
        pytest.param(b"", End.UNKNOWN, Why.CONNECTION_LOST, id="closed without a word"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nAPI", End.UNKNOWN, Why.UNREADABLE, id="cut off"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nAPI I",
            End.UNKNOWN, Why.UNREADABLE, id="a chunk cut off",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", End.UNKNOWN, Why.UNREADABLE, id="no chunk"
        ),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", End.UNKNOWN, Why.UNREADABLE, id="not HTTP"),
        pytest.param(http("200 OK", b"x" * (MAX_BODY + 1)), End.UNKNOWN, Why.UNREADABLE, id="too long"),
        pytest.param(http("200 OK", b"", "X-Long: " + "x" * 1_000_000), End.UNKNOWN, Why.UNREADABLE, id="1 MB header"),
        pytest.param(http("200 OK", GZIP, "Content-Encoding: gzip"), End.UNKNOWN, Why.UNREADABLE, id="gzip"),
        pytest.param(
            http("200 OK", b"x", "Content-Encoding: identity", "Content-Encoding: gzip"),
            End.UNKNOWN, Why.UNREADABLE, id="gzip, said second",
        ),
        pytest.param(http("200 OK", b"x", "Content-Encoding: br"), End.UNKNOWN, Why.UNREADABLE, id="brotli"),
        pytest.param(http("400 Bad", GZIP, "Content-Encoding: gzip"), End.REJECTED, Why.OTHER_REFUSAL, id="400, gzip"),
    ],
)  # fmt: skip
async def test_what_comes_back(raw: bytes, end: End, why: Why) -> None:
    async with serving(answering(raw)) as account:
        answer = await remove(account)
    assert (answer.end, answer.why) == (end, why)


@pytest.mark.parametrize("when", ["accepted", "asked", "in the middle of the body"])
async def test_a_reset(when: str) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if when != "accepted":
            await read_request(reader)
        if when == "in the middle of the body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nAPI")
            await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(play) as account:
        answer = await remove(account)
    assert answer.end is End.UNKNOWN
    assert answer.why in (Why.CONNECTION_LOST, Why.UNREADABLE)


async def test_one_byte_at_a_time_for_ever() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", itertools.repeat(65)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)

    async with serving(play) as account:
        answer = await remove(account, patience=0.5)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.NO_ANSWER)


async def test_a_body_without_end_costs_little_memory() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with serving(play) as account:
        await remove(account)
        tracemalloc.start()
        answer = await remove(account)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.UNREADABLE)
    assert peak < 16 * 2**20


async def test_a_late_answer_is_never_read_as_the_next_ones() -> None:
    """At the real pace: after each answer a stray 200 comes on the same connection."""
    asked: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await read_request(reader))[0])
        writer.write(http("200 OK" if len(asked) == 1 else "418 Teapot"))
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(http("200 OK", b"API ID(s) set!"))
        await writer.drain()
        await reader.read()

    async with serving(play) as account, CadClient(account) as client:
        assert (await removed(client, CALL)).end is End.REMOVED
        assert (await removed(client, CallRef(1, 303))).end is End.REJECTED
    assert len(asked) == 2


@pytest.mark.parametrize("dialect", [v1, v2])
async def test_a_stray_answer_on_a_connection_that_is_used_again_at_once_is_not_the_next_ones(dialect: Dialect) -> None:
    """The first answer comes so late that the pace has passed meanwhile, and then comes once more."""
    asked: list[str] = []
    strayed = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await read_request(reader))[0])
        if len(asked) > 1:
            writer.write(http("418 Teapot"))
            await writer.drain()
            return
        for _ in range(2):
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)  # both at once are noticed by aiohttp itself
        strayed.set()
        await reader.read()

    async with serving(play) as account, CadClient(account, dialect, clock=JumpClock()) as client:
        assert (await removed(client, CALL)).end is End.REMOVED
        await strayed.wait()
        assert (await removed(client, CallRef(1, 303))).end is End.REJECTED
    assert len(asked) == 2


async def test_no_cookie_is_kept() -> None:
    cookies: list[str | None] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            cookies.append((await read_request(reader))[1].get("cookie"))
            writer.write(http("200 OK", b"", "Set-Cookie: session=1"))

    async with serving(play) as account:
        named = Account(account.url.with_host("localhost"), account.community_id, account.key)
        async with CadClient(named, clock=JumpClock()) as client:
            for number in (1, 2):
                await removed(client, CallRef(1, number))
    assert cookies == [None, None]


async def test_a_connection_that_was_closed_while_it_was_idle_is_not_used_again() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http("200 OK", b"API ID(s) set!"))

    async with serving(play) as account, CadClient(account, clock=JumpClock()) as client:
        for number in (1, 2, 3):
            assert (await removed(client, CallRef(1, number))).end is End.REMOVED
            await asyncio.sleep(0.02)


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
        elsewhere = (other.url, other.url.with_host("localhost"))
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            for url in elsewhere:
                async with serving(answering(http(status, b"", f"Location: {url}"))) as account:
                    answer = await remove(account)
                assert (answer.end, answer.why) == (End.REJECTED, Why.WRONG_URL)
    assert strangers == []


async def test_a_redirect_in_a_circle_ends_at_once() -> None:
    asked: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await read_request(reader))[0])
        writer.write(http("302 Found", b"", "Location: /emergency/remove_911"))

    async with serving(play) as account:
        assert (await remove(account)).why is Why.WRONG_URL
    assert len(asked) == 1


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
        asking = asyncio.create_task(removed(client, CALL))
        while not cad.requests:
            await asyncio.sleep(0.001)
        asking.cancel()
        await client.drain(5)
        assert CALL not in cad.calls


async def test_draining_lets_what_is_on_the_wire_end_and_takes_no_more() -> None:
    cad = LoopbackCad(seconds={CALL: 0.1})
    async with cad.serving() as account, CadClient(account) as client:
        asking = asyncio.create_task(removed(client, CALL))
        while not cad.requests:
            await asyncio.sleep(0.001)
        await client.drain(5)
        assert (await asking).end is End.REMOVED
        late = await removed(client, CallRef(1, 301))
        assert (late.end, late.why) == (End.NOT_SENT, Why.CLOSING)
        assert len(cad.requests) == 1


async def test_draining_ends_and_says_unknown_of_what_did_not() -> None:
    arrived = asyncio.Event()

    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    async with serving(play) as account, CadClient(account) as client:
        asking = asyncio.create_task(removed(client, CALL))
        await arrived.wait()
        await client.drain(0.05)
        answer = await asking
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.STOPPED)


async def test_what_waits_when_draining_begins_was_not_sent() -> None:
    cad = LoopbackCad()
    async with cad.serving() as account, CadClient(account) as client:
        asking = asyncio.create_task(removed(client, CALL))
        await asyncio.sleep(0)
        await client.drain(5)
        assert (await asking).end is End.NOT_SENT
    assert cad.requests == []
