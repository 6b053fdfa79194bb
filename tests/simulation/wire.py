"""HTTP as the libraries see it: a response, or one of aiohttp's own errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
from multidict import CIMultiDict

from tests.simulation.loop import SimulatedLoop, settle


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answers. A `cut` body ends before its end."""

    status: int
    body: str = ""
    media: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: bool = False

    @classmethod
    def of(cls, body: object, status: int = 200, media: str = "application/json", **headers: str) -> Answer:
        return cls(status, json.dumps(body), media, {name.replace("_", "-"): value for name, value in headers.items()})


class Response:
    """What a session's request returns."""

    def __init__(self, answer: Answer, date: str) -> None:
        self.status, self.reason, self._answer = answer.status, "", answer
        self.content_type = answer.media
        self.headers = CIMultiDict({"Content-Type": answer.media, "Date": date, **answer.headers})
        self.content = self
        self._left = [answer.body.encode()]

    async def readany(self) -> bytes:
        if self._answer.cut:
            raise aiohttp.ClientPayloadError("Response payload is not completed")
        return self._left.pop() if self._left else b""

    async def text(self, encoding: str = "utf-8") -> str:  # noqa: ARG002 - aiohttp's signature
        return (await self.readany()).decode()


def refused() -> aiohttp.ClientConnectorError:
    """No connection came about."""
    key: Any = SimpleNamespace(host="host", port=443, ssl=True, is_ssl=True)
    return aiohttp.ClientConnectorError(key, OSError(111, "Connect call failed"))


def broken() -> aiohttp.ServerDisconnectedError:
    """The connection broke after the request was sent."""
    return aiohttp.ServerDisconnectedError()


async def carry(
    loop: SimulatedLoop, there: float, back: float, arrive: Callable[[], Answer | Exception | None], limit: float | None
) -> Answer:
    """Carry a request that arrives after `there` seconds. What `arrive` returns is back after `back` more.

    If that is None, nothing ever comes back.
    """
    future: asyncio.Future[Answer] = loop.create_future()

    def at_the_other_side() -> None:
        outcome = arrive()
        if outcome is not None and back:
            loop.after(back, settle, future, outcome)
        elif outcome is not None:
            settle(future, outcome)

    loop.after(there, at_the_other_side)
    try:
        async with asyncio.timeout(limit):
            return await future
    except TimeoutError as error:
        raise aiohttp.ServerTimeoutError("Timeout") from error
