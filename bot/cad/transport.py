"""One HTTP exchange with the CAD: a request, and its response or the way it failed."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from bot import __version__
from bot.cad.models import Account
from bot.cad.requests import HttpRequest, HttpResponse
from bot.cad.results import Outcome, Reason, Result
from bot.proxy import proxy_for
from bot.redaction import REDACTED, contains_secret

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0
"""Seconds of an exchange that connecting may take."""
MAX_BODY = 1 << 20
"""Bytes of a body that are read. The CAD's longest list is far shorter."""
MAX_CAD_TEXT = 10_000
"""Characters of the CAD's text that are kept."""

_HEADERS = {
    "Accept-Encoding": "identity",  # a compressed body could unpack to any size
    "User-Agent": f"remove911/{__version__}",
}
_JSON = {"Content-Type": "application/json"}


class _ConnectionLostError(aiohttp.ClientError):
    """The connection broke after the request was sent."""


class _SendOnceResponse(aiohttp.ClientResponse):
    """Prevents aiohttp from sending a GET or DELETE again by itself when the connection breaks before the response.

    The second DELETE would get a 404 for the call that the first one removed, and would bypass the queue. aiohttp
    sends again only after the errors that are caught here.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        try:
            return await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _ConnectionLostError from error


class _CleanConnector(aiohttp.TCPConnector):
    """Closes a connection with an unread stray response: the next request would take it for its own."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or len(connection.protocol) == 0:
                return connection
            connection.close()


class Transport:
    """An HTTP session with the CAD. `timeout` is the seconds for one exchange, to the last byte of the response."""

    def __init__(self, account: Account, headers: Mapping[str, str], timeout: float) -> None:
        self._account = account
        self._headers = {**_HEADERS, **headers}
        self._prefix = account.url.path.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(CONNECT_TIMEOUT, timeout))

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            # Shorter than the interval between requests of v1: an idle connection may just be closing at the other end.
            connector=_CleanConnector(keepalive_timeout=0.5),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            response_class=_SendOnceResponse,
            timeout=self._timeout,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def send(self, request: HttpRequest) -> HttpResponse | Result:
        """Send a request once; return the response, or the result if there was no usable one."""
        proxy = proxy_for(self._account.url)
        try:
            async with self._session.request(
                request.method,
                self._account.url.with_path(f"{self._prefix}/{request.path}", encoded=True),
                params=request.query,
                data=request.body,
                headers=None if request.body is None else _JSON,
                proxy=None if proxy is None else proxy.url,
                allow_redirects=False,  # a redirect would send the key to another host
            ) as response:
                return HttpResponse(
                    response.status,
                    response.content_type.lower(),
                    await _read_body(response),
                    parse_retry_after(response.headers.get("Retry-After"), response.headers.get("Date")),
                )
        except aiohttp.ClientSSLError as error:
            return _failed(request, error, Outcome.NOT_SENT, Reason.CERTIFICATE)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            return _failed(request, error, Outcome.NOT_SENT, Reason.NO_CONNECTION)
        except TimeoutError as error:
            return _failed(request, error, Outcome.UNKNOWN, Reason.NO_ANSWER)
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            return _failed(request, error, Outcome.UNKNOWN, Reason.UNREADABLE)
        except (aiohttp.ClientError, OSError) as error:
            return _failed(request, error.__cause__ or error, Outcome.UNKNOWN, Reason.CONNECTION_LOST)

    def redact(self, text: str) -> str:
        """Return text that the CAD sent, cut to `MAX_CAD_TEXT`, or a placeholder if it contains the key."""
        return REDACTED if contains_secret(text[: 2 * MAX_CAD_TEXT], self._account.key) else text[:MAX_CAD_TEXT]


def parse_retry_after(retry_after: str | None, date: str | None) -> float | None:
    """Return the seconds (at least 0) that a `Retry-After` header asks to wait, or None if it is missing or invalid.

    The header contains seconds or an HTTP date, which only the response's own `Date` makes into seconds.
    """
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", retry_after):
        return float(retry_after)
    then, now = _parse_date(retry_after), _parse_date(date)
    return None if then is None or now is None else max(0.0, (then - now).total_seconds())


def _parse_date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _failed(request: HttpRequest, error: BaseException, outcome: Outcome, reason: Reason) -> Result:
    # Only the error's type: its text can contain what the other end sent.
    log.warning("%s %s failed (%s): %s", request.method, request.path, type(error).__name__, outcome.value)
    return Result(outcome, reason)


async def _read_body(response: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, or None if it is compressed or longer than `MAX_BODY`."""
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
