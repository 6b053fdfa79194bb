"""The one way to the CAD: a session, a worker, time limits. I/O and nothing else."""

from __future__ import annotations

import asyncio
import html
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import quote, quote_plus

import aiohttp

from bot import __version__
from bot.cad import v1
from bot.cad.model import Account, Answer, CallRef, End, Reply, Request, Why

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20
"""Bytes of an answer that are read; the CAD's longest list is far below it."""

_HEADERS = {
    "Accept-Encoding": "identity",  # a compressed body could unpack to any size
    "Content-Type": "application/json",
    "User-Agent": f"remove911/{__version__}",
}


@dataclass(eq=False, slots=True)
class _Ticket:
    """A request on its way, and where its answer will be."""

    request: Request
    understand: Callable[[Reply], Answer]
    answer: asyncio.Future[Answer] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future(), repr=False
    )

    def settle(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class CadClient:
    """Speaks to the CAD for the whole bot. Open it before Discord, close it after.

    Requests are sent by a worker of its own, so that one goes on when whoever asked is cancelled, and no time
    limit runs in a command's task.

    Args:
        account: which CAD, and as whom.
        patience: seconds for a whole exchange, from connecting to the last byte of the answer.
        connect_patience: seconds of those for connecting.
    """

    def __init__(self, account: Account, *, patience: float = 10.0, connect_patience: float = 5.0) -> None:
        self._account = account
        self._timeout = aiohttp.ClientTimeout(total=patience, connect=min(connect_patience, patience))
        self._line: asyncio.Queue[_Ticket] = asyncio.Queue()
        self._on_the_wire: set[asyncio.Task[None]] = set()
        self._closing = False

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=self._timeout,
        )
        self._worker = asyncio.create_task(self._work(), name="cad-worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(0)
        self._worker.cancel()
        await asyncio.wait([self._worker])
        await self._session.close()

    async def remove_911(self, ref: CallRef) -> Answer:
        """Ask the CAD to remove a call. Every ending is an `Answer`; nothing is raised but cancellation."""
        return await self._ask(
            v1.remove_911(self._account, ref), lambda reply: v1.understand_removal(reply, self._hide)
        )

    async def drain(self, limit: float) -> None:
        """Take no more requests, and give those on the wire `limit` seconds to end.

        What has not ended by then is settled as unknown: it was sent, and nobody waits for its answer.
        """
        self._closing = True
        while not self._line.empty():
            self._line.get_nowait().settle(Answer(End.NOT_SENT, Why.CLOSING))
        if self._on_the_wire:
            _, late = await asyncio.wait(self._on_the_wire, timeout=limit)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _ask(self, request: Request, understand: Callable[[Reply], Answer]) -> Answer:
        if self._closing:
            return Answer(End.NOT_SENT, Why.CLOSING)
        ticket = _Ticket(request, understand)
        self._line.put_nowait(ticket)
        return await asyncio.shield(ticket.answer)

    async def _work(self) -> None:
        while True:
            ticket = await self._line.get()
            task = asyncio.create_task(self._carry_out(ticket), name="cad-exchange")
            self._on_the_wire.add(task)
            task.add_done_callback(self._on_the_wire.discard)

    async def _carry_out(self, ticket: _Ticket) -> None:
        try:
            answer = await self._exchange(ticket)
        except asyncio.CancelledError:
            answer = Answer(End.UNKNOWN, Why.NO_ANSWER)
        except Exception:
            log.exception("%s %s: a bug in this bot", ticket.request.method, ticket.request.path)
            answer = Answer(End.UNKNOWN, Why.OUR_BUG)
        ticket.settle(answer)

    async def _exchange(self, ticket: _Ticket) -> Answer:
        request = ticket.request
        try:
            async with self._session.request(
                request.method,
                self._account.url / request.path,
                data=request.body,
                allow_redirects=False,  # a redirect would carry the key to another place
            ) as response:
                reply = Reply(
                    response.status,
                    response.content_type.lower(),
                    await _read(response),
                    response.headers.get("Retry-After"),
                )
        except aiohttp.ClientSSLError as error:
            return self._failed(request, error, End.NOT_SENT, Why.CERTIFICATE)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return self._failed(request, error, End.NOT_SENT, Why.NO_CONNECTION)
        except TimeoutError as error:
            return self._failed(request, error, End.UNKNOWN, Why.NO_ANSWER)
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            return self._failed(request, error, End.UNKNOWN, Why.UNREADABLE)
        except (aiohttp.ClientError, OSError) as error:
            return self._failed(request, error, End.UNKNOWN, Why.CONNECTION_LOST)
        return ticket.understand(reply)

    def _failed(self, request: Request, error: Exception, end: End, why: Why) -> Answer:
        # The type only: an error's text can hold what the other side sent.
        log.warning("%s %s: %s (%s)", request.method, request.path, end.value, type(error).__name__)
        return Answer(end, why)

    def _hide(self, text: str) -> str:
        key = self._account.key
        for form in (key, json.dumps(key)[1:-1], quote(key, safe=""), quote_plus(key), html.escape(key)):
            text = text.replace(form, "[key]")
        return text


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, or None where it is compressed or longer than `MAX_BODY`."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return None
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
