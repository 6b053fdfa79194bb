"""The client over real HTTP: what arrives at the CAD, and the outcome of each response and each failure."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.cad import v1, v2
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import Account, CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.cad.transport import MAX_BODY, parse_retry_after
from tests.support.cad import remove_and_wait
from tests.support.clocks import InstantClock
from tests.support.faulty_server import http, read_request, responding, serve
from tests.support.simulation import KEY

CALL = CallRef(1, 302)


async def remove(account: Account, timeout: float = 5.0) -> Result:
    async with CadClient(account, timeout=timeout, clock=InstantClock()) as client:
        return await remove_and_wait(client, CALL)


async def test_removal_request_as_it_arrives() -> None:
    seen: list[tuple[str, dict[str, str], bytes]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(http("200 OK", b"API ID(s) set!"))

    async with serve(play) as account:
        behind_a_proxy = Account(account.url / "sonoran/cad", account.community_id, account.key)
        assert (await remove(behind_a_proxy)).outcome is Outcome.REMOVED
    ((request_line, headers, body),) = seen
    assert request_line == "POST /sonoran/cad/emergency/remove_911 HTTP/1.1"
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
    ("raw", "outcome", "reason"),
    [
        pytest.param(http("200 OK", b"API ID(s) set!"), Outcome.REMOVED, Reason.CONFIRMED, id="removed"),
        pytest.param(http("200 OK"), Outcome.REMOVED, Reason.CONFIRMED, id="200, empty"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", Outcome.REMOVED, Reason.CONFIRMED, id="204"),
        pytest.param(
            http("200 OK", b"API ID(s) set!".ljust(MAX_BODY)), Outcome.REMOVED, Reason.CONFIRMED, id="longest body"
        ),
        pytest.param(http("200 OK", b"\xff\xfe\xfd"), Outcome.UNKNOWN, Reason.UNCLEAR, id="invalid UTF-8"),
        pytest.param(http("200 OK", b"Backend Service Reached"), Outcome.REJECTED, Reason.WRONG_URL, id="greeting"),
        pytest.param(
            http("200 OK", b"INVALID API KEY"), Outcome.REJECTED, Reason.API_KEY, id="200 with a documented error"
        ),
        pytest.param(
            http("200 OK", PAGE, "Content-Type: text/html"), Outcome.UNKNOWN, Reason.UNREADABLE, id="200, web page"
        ),
        pytest.param(
            http("200 OK", b"{", "Content-Type: application/json"),
            Outcome.UNKNOWN,
            Reason.UNREADABLE,
            id="invalid JSON",
        ),
        pytest.param(
            http("400 Bad", b"INVALID COMMUNITY ID"), Outcome.REJECTED, Reason.COMMUNITY_ID, id="400 documented"
        ),
        pytest.param(http("400 Bad", b"WHAT?"), Outcome.REJECTED, Reason.OTHER_REFUSAL, id="400 unknown"),
        pytest.param(
            http("400 Bad", b'{"e": 1}', "Content-Type: application/json"),
            Outcome.REJECTED,
            Reason.OTHER_REFUSAL,
            id="JSON",
        ),
        pytest.param(http("400 Bad"), Outcome.REJECTED, Reason.OTHER_REFUSAL, id="400 empty"),
        pytest.param(http("401 No"), Outcome.REJECTED, Reason.API_KEY, id="401"),
        pytest.param(http("402 Pay"), Outcome.REJECTED, Reason.PLAN, id="402"),
        pytest.param(http("403 No"), Outcome.REJECTED, Reason.FORBIDDEN, id="403"),
        pytest.param(http("404 No", b"CALL NOT FOUND"), Outcome.GONE, Reason.NO_SUCH_CALL, id="404"),
        pytest.param(http("408 Slow"), Outcome.UNKNOWN, Reason.SERVER_ERROR, id="408"),
        pytest.param(http("409 Conflict"), Outcome.REJECTED, Reason.OTHER_REFUSAL, id="409"),
        pytest.param(http("418 Teapot"), Outcome.REJECTED, Reason.OTHER_REFUSAL, id="418"),
        pytest.param(http("429 Busy"), Outcome.NOT_SENT, Reason.BUSY, id="429"),
        pytest.param(http("500 Oops"), Outcome.UNKNOWN, Reason.SERVER_ERROR, id="500"),
        pytest.param(
            http("502 Bad", PAGE, "Content-Type: text/html"), Outcome.UNKNOWN, Reason.SERVER_ERROR, id="502, web page"
        ),
        pytest.param(
            http("503 Down", b"", "Retry-After: 30"), Outcome.UNKNOWN, Reason.SERVER_ERROR, id="503 with Retry-After"
        ),
        pytest.param(http("503 Down"), Outcome.UNKNOWN, Reason.SERVER_ERROR, id="503"),
        pytest.param(b"", Outcome.UNKNOWN, Reason.CONNECTION_LOST, id="closed without response"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nAPI", Outcome.UNKNOWN, Reason.UNREADABLE, id="cut off"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nAPI I",
            Outcome.UNKNOWN,
            Reason.UNREADABLE,
            id="chunk cut off",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            Outcome.UNKNOWN,
            Reason.UNREADABLE,
            id="invalid chunk",
        ),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", Outcome.UNKNOWN, Reason.UNREADABLE, id="not HTTP"),
        pytest.param(http("200 OK", b"x" * (MAX_BODY + 1)), Outcome.UNKNOWN, Reason.UNREADABLE, id="too long"),
        pytest.param(
            http("200 OK", b"", "X-Long: " + "x" * 1_000_000), Outcome.UNKNOWN, Reason.UNREADABLE, id="1 MB header"
        ),
        pytest.param(http("200 OK", GZIP, "Content-Encoding: gzip"), Outcome.UNKNOWN, Reason.UNREADABLE, id="gzip"),
        pytest.param(
            http("200 OK", b"x", "Content-Encoding: identity", "Content-Encoding: gzip"),
            Outcome.UNKNOWN,
            Reason.UNREADABLE,
            id="gzip in a second header",
        ),
        pytest.param(http("200 OK", b"x", "Content-Encoding: br"), Outcome.UNKNOWN, Reason.UNREADABLE, id="brotli"),
        pytest.param(
            http("400 Bad", GZIP, "Content-Encoding: gzip"), Outcome.REJECTED, Reason.OTHER_REFUSAL, id="400, gzip"
        ),
    ],
)
async def test_response_and_resulting_outcome(raw: bytes, outcome: Outcome, reason: Reason) -> None:
    async with serve(responding(raw)) as account:
        result = await remove(account)
    assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize("when", ["connected", "requested", "in the middle of the body"])
async def test_connection_reset_is_unknown(when: str) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if when != "connected":
            await read_request(reader)
        if when == "in the middle of the body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nAPI")
            await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serve(play) as account:
        result = await remove(account)
    assert result.outcome is Outcome.UNKNOWN
    assert result.reason in (Reason.CONNECTION_LOST, Reason.UNREADABLE)


async def test_endless_slow_body_times_out() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", itertools.repeat(65)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)

    async with serve(play) as account:
        result = await remove(account, timeout=0.5)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.NO_ANSWER)


async def test_endless_body_uses_little_memory() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with serve(play) as account:
        await remove(account)
        tracemalloc.start()
        result = await remove(account)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.UNREADABLE)
    assert peak < 16 * 2**20


async def test_late_stray_response_is_not_read_as_the_next_one() -> None:
    """At v1's real interval: after each response, a stray 200 comes on the same connection."""
    requests: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await read_request(reader))[0])
        writer.write(http("200 OK" if len(requests) == 1 else "418 Teapot"))
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(http("200 OK", b"API ID(s) set!"))
        await writer.drain()
        await reader.read()

    async with serve(play) as account, CadClient(account) as client:
        assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
        assert (await remove_and_wait(client, CallRef(1, 303))).outcome is Outcome.REJECTED
    assert len(requests) == 2


@pytest.mark.parametrize("api", [v1, v2])
async def test_stray_response_on_a_connection_that_is_reused_at_once_is_not_read_as_the_next_one(api: CadApi) -> None:
    """The next request goes at once, on a connection on which the first response came twice."""
    requests: list[str] = []
    stray_sent = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await read_request(reader))[0])
        if len(requests) > 1:
            writer.write(http("418 Teapot"))
            await writer.drain()
            return
        for _ in range(2):
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)  # aiohttp itself notices both at once
        stray_sent.set()
        await reader.read()

    async with serve(play) as account, CadClient(account, api, clock=InstantClock()) as client:
        assert (await remove_and_wait(client, CALL)).outcome is Outcome.REMOVED
        await stray_sent.wait()
        assert (await remove_and_wait(client, CallRef(1, 303))).outcome is Outcome.REJECTED
    assert len(requests) == 2


async def test_cookies_are_not_kept() -> None:
    cookies: list[str | None] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            cookies.append((await read_request(reader))[1].get("cookie"))
            writer.write(http("200 OK", b"", "Set-Cookie: session=1"))

    async with serve(play) as account:
        named = Account(account.url.with_host("localhost"), account.community_id, account.key)
        async with CadClient(named, clock=InstantClock()) as client:
            for number in (1, 2):
                await remove_and_wait(client, CallRef(1, number))
    assert cookies == [None, None]


async def test_connection_closed_while_idle_is_not_reused() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http("200 OK", b"API ID(s) set!"))

    async with serve(play) as account, CadClient(account, clock=InstantClock()) as client:
        for number in (1, 2, 3):
            assert (await remove_and_wait(client, CallRef(1, number))).outcome is Outcome.REMOVED
            await asyncio.sleep(0.02)


async def test_timeout_without_response_is_unknown() -> None:
    async with serve(responding(b"", then_hang=True)) as account:
        result = await remove(account, timeout=0.1)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.NO_ANSWER)


async def test_timeout_covers_the_body() -> None:
    async with serve(responding(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nAPI", then_hang=True)) as account:
        result = await remove(account, timeout=0.1)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.NO_ANSWER)


async def test_refused_connection_is_not_sent() -> None:
    async with serve(responding(b"")) as account:
        pass
    result = await remove(account)
    assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.NO_CONNECTION)


async def test_unknown_host_name_is_not_sent() -> None:
    result = await remove(Account(URL("https://cad.invalid"), "community", KEY))
    assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.NO_CONNECTION)


async def test_redirect_is_not_followed_and_the_key_is_not_sent_elsewhere() -> None:
    received: list[bytes] = []

    async def other_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(1))
        writer.write(http("200 OK", b"API ID(s) set!"))

    async with serve(other_server) as other:
        elsewhere = (other.url, other.url.with_host("localhost"))
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            for url in elsewhere:
                async with serve(responding(http(status, b"", f"Location: {url}"))) as account:
                    result = await remove(account)
                assert (result.outcome, result.reason) == (Outcome.REJECTED, Reason.WRONG_URL)
    assert received == []


async def test_redirect_loop_ends_after_one_request() -> None:
    requests: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await read_request(reader))[0])
        writer.write(http("302 Found", b"", "Location: /emergency/remove_911"))

    async with serve(play) as account:
        assert (await remove(account)).reason is Reason.WRONG_URL
    assert len(requests) == 1


async def test_untrusted_certificate_is_not_sent(tls: ssl.SSLContext) -> None:
    async with serve(responding(http("200 OK", b"API ID(s) set!")), tls) as account:
        result = await remove(account)
    assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.CERTIFICATE)


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        (None, None, None),
        ("5", None, 5.0),
        ("0", None, 0.0),
        ("1.5", None, 1.5),
        ("86400", None, 86400.0),
        ("-5", None, None),
        ("inf", None, None),
        ("nan", None, None),
        ("soon", None, None),
        ("", None, None),
        ("9" * 400, None, None),
        ("٥", None, None),
        ("Mon, 23 Nov 2026 10:00:30 GMT", "Mon, 23 Nov 2026 10:00:00 GMT", 30.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", "Mon, 23 Nov 2026 10:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 10:00:30 -0000", "Mon, 23 Nov 2026 10:00:00 GMT", 30.0),
        ("Mon, 99 Nov 2026 10:00:30 GMT", "Mon, 23 Nov 2026 10:00:00 GMT", None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", "garbage", None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", None, None),
    ],
)
def test_retry_after_in_seconds(header: str | None, date: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, date) == seconds


@given(header=st.text(), date=st.none() | st.text())
def test_no_retry_after_raises(header: str, date: str | None) -> None:
    seconds = parse_retry_after(header, date)
    assert seconds is None or seconds >= 0
