"""One exchange with the CAD over HTTP: what goes out, what comes back, and what each way of failing is called."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from bot import __version__
from bot.cad.model import Account, Answer, End, Reply, Request, Why
from bot.hiding import WITHHELD, holds

log = logging.getLogger(__name__)

CONNECT_PATIENCE = 5.0
"""Seconds of an exchange that may go into connecting."""
MAX_BODY = 1 << 20
"""Bytes of an answer that are read; the CAD's longest list is far below it."""

MOST_SAID = 10_000
"""Characters of the CAD's text that are kept."""

_HEADERS = {
    "Accept-Encoding": "identity",  # a compressed body could unpack to any size
    "User-Agent": f"remove911/{__version__}",
}


_JSON = {"Content-Type": "application/json"}


class _ConnectionLostError(aiohttp.ClientError):
    """The connection broke after the request had gone out."""


class _OnlyAnswer(aiohttp.ClientResponse):
    """The answer to a request that goes out once.

    aiohttp sends a GET or DELETE again by itself where the connection breaks before the answer. A second DELETE would
    be told "not there" of what the first removed, and neither would be in the line. It repeats for these errors alone.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        try:
            return await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _ConnectionLostError from error


class _Connector(aiohttp.TCPConnector):
    """Connections for requests, none of which holds an answer already: it would be read as the next request's."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or len(connection.protocol) == 0:
                return connection
            connection.close()


class Wire:
    """A session with the CAD.

    Args:
        account: which CAD, and as whom.
        headers: what the dialect sends with every request.
        patience: seconds for a whole exchange, from connecting to the last byte of the answer.
    """

    def __init__(self, account: Account, headers: Mapping[str, str], patience: float) -> None:
        self._account = account
        self._headers = {**_HEADERS, **headers}
        self._prefix = account.url.path.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=patience, connect=min(CONNECT_PATIENCE, patience))

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            # Shorter than the pace: a connection is seldom used again, and none that the other side is just closing.
            connector=_Connector(keepalive_timeout=0.5),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            response_class=_OnlyAnswer,
            timeout=self._timeout,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def exchange(self, request: Request) -> Reply | Answer:
        """Send a request; return what came back, or what to tell where nothing usable did."""
        try:
            async with self._session.request(
                request.method,
                self._account.url.with_path(f"{self._prefix}/{request.path}", encoded=True),
                params=request.query,
                data=request.body,
                headers=None if request.body is None else _JSON,
                allow_redirects=False,  # a redirect would carry the key to another place
            ) as response:
                return Reply(
                    response.status,
                    response.content_type.lower(),
                    await _read(response),
                    seconds_to_wait(response.headers.get("Retry-After"), response.headers.get("Date")),
                )
        except aiohttp.ClientSSLError as error:
            return _failed(request, error, End.NOT_SENT, Why.CERTIFICATE)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return _failed(request, error, End.NOT_SENT, Why.NO_CONNECTION)
        except TimeoutError as error:
            return _failed(request, error, End.UNKNOWN, Why.NO_ANSWER)
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            return _failed(request, error, End.UNKNOWN, Why.UNREADABLE)
        except (aiohttp.ClientError, OSError) as error:
            return _failed(request, error.__cause__ or error, End.UNKNOWN, Why.CONNECTION_LOST)

    def hide(self, text: str) -> str:
        """Return a text that the CAD sent, its beginning at least, or withhold it where it repeats the key."""
        return WITHHELD if holds(text[: 2 * MOST_SAID], self._account.key) else text[:MOST_SAID]


def seconds_to_wait(retry_after: str | None, date: str | None) -> float | None:
    """Read a `Retry-After` header: seconds, or an HTTP date, which is seen from the answer's own `Date`.

    Returns:
        Seconds, at least 0; None where there is no advice, or none that can be read.
    """
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", retry_after):
        return float(retry_after)
    then = _moment(retry_after)
    if then is None:
        return None
    return max(0.0, (then - (_moment(date) or datetime.now(UTC))).total_seconds())


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _failed(request: Request, error: BaseException, end: End, why: Why) -> Answer:
    # The type only: an error's text can hold what the other side sent.
    log.warning("%s %s: %s (%s)", request.method, request.path, end.value, type(error).__name__)
    return Answer(end, why)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, or None where it is compressed or longer than `MAX_BODY`."""
    for name in ("Content-Encoding", "Transfer-Encoding"):
        for encoding in response.headers.getall(name, ()):
            if encoding.strip().lower() not in ("identity", "chunked"):
                return None
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
