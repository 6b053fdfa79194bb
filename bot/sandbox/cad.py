"""A loopback CAD with real state, for the sandbox and the tests. It speaks both versions of the API at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from typing import cast

from aiohttp import web
from yarl import URL

from bot.cad.model import Account, CallRef, Plan
from bot.sandbox import cad_v1, cad_v2


@dataclass(frozen=True, slots=True)
class Call:
    """An open 911 call, as the CAD knows it. `minutes` is its age when the CAD starts."""

    ref: CallRef
    caller: str
    location: str
    description: str
    minutes: int = 0
    emergency: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


_EXAMPLES = (
    Call(CallRef(1, 301), "Marcus Bell", "Vespucci Blvd / Alta St", "Two cars, one on its roof, driver trapped.", 14),
    Call(CallRef(1, 302), "Ana Ortega", "24/7, Grove Street", "Man with a shotgun, cashier on the floor.", 11),
    Call(CallRef(1, 303), "Tommy Vale", "Pillbox Hill Garage", "Engine fire on level 2, smoke on the stairs.", 9),
    Call(CallRef(1, 304), "J. Whitfield", "Del Perro Pier", "Line stays open, nobody speaks. Prank?", 6),
    Call(CallRef(2, 11), "Rosa Maria de la Fuente-Kowalczyk", "Sandy Shores Airfield", "Small plane down.", 5),
    Call(CallRef(2, 12), "Unknown caller", "Route 68, Harmony", "Truck across both lanes, no lights.", 2),
)


def _example_calls() -> dict[CallRef, Call]:
    return {call.ref: call for call in _EXAMPLES}


@dataclass
class LoopbackCad:
    """One community's CAD. What stands in its attributes may be changed while it runs.

    Attributes:
        calls: the open 911 calls.
        dispatches: the titles of the open dispatch calls, which are another thing.
        servers: the ids and names of the community's servers.
        seconds: how long the CAD takes to answer for a call; infinity for a call that it does carry out and
            never answers.
        slow: how long it takes for a kind of request, such as GET_CALLS; infinity for never.
        garble: whether it answers 200 with what nobody can read.
        requests: every request that arrived: its path, and its body where that is JSON.
        kinds: beside each of those, what it asked for: one of v1's types, in v2 too.
        limits: the requests of each kind that v2 takes in a minute, such as `cad_v2.PUBLISHED`; none by default.
        minute: the seconds of that minute.
        advises: whether a 429 says when to come again.
        turned_away: how many requests were answered with 429.
    """

    community_id: str = "sandbox-community"
    key: str = field(default="sandbox-key-opens-nothing", repr=False)
    api_enabled: bool = True
    plan: Plan = Plan.STANDARD
    calls: dict[CallRef, Call] = field(default_factory=_example_calls)
    dispatches: dict[CallRef, str] = field(default_factory=lambda: {CallRef(1, 42): "10-50 AT ALTA STREET"})
    servers: Mapping[int, str] = field(default_factory=lambda: {1: "Los Santos", 2: "Blaine County"})
    seconds: dict[CallRef, float] = field(default_factory=dict[CallRef, float])
    slow: dict[str, float] = field(default_factory=dict[str, float])
    garble: bool = False
    requests: list[tuple[str, object]] = field(default_factory=list[tuple[str, object]], repr=False)
    kinds: list[str | None] = field(default_factory=list[str | None])
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    minute: float = 60.0
    advises: bool = True
    turned_away: int = 0
    lately: dict[str, list[float]] = field(default_factory=dict[str, list[float]], repr=False)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _numbers: dict[int, int] = field(default_factory=dict[int, int])

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[Account]:
        """Serve on the loopback interface, and yield what a client needs to know. Port 0: any free one."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        # Handlers of calls that are never answered would hold the shutdown for a minute.
        self._runner = runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            host, bound = runner.addresses[0][:2]
            yield Account(URL.build(scheme="http", host=host, port=bound), self.community_id, self.key)
        finally:
            await runner.cleanup()

    def asked_for(self, kind: str) -> list[object]:
        """List the bodies of the requests of one kind that arrived, such as REMOVE_911."""
        return [body for (_, body), asked in zip(self.requests, self.kinds, strict=True) if asked == kind]

    async def go_down(self) -> None:
        """End every connection and accept no more."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            body: object = json.loads(await request.read())
        except (ValueError, RecursionError):
            body = None
        of_v2 = request.path.startswith("/v2/")
        kind = cad_v2.kind_of(request) if of_v2 else cad_v1.kind_of(body)
        self.requests.append((request.path, body))
        self.kinds.append(kind)
        if kind is not None:
            await _take(self.slow.get(kind, 0))
        if self.garble:
            return web.Response(text="<html>")
        return await (cad_v2 if of_v2 else cad_v1).answer(self, request, body)

    # What can be done, in whichever version it is asked for.

    async def remove(self, ref: CallRef) -> bool:
        """Remove a call, in its time; False where there is none."""
        seconds = self.seconds.get(ref, 0)
        if seconds == inf:
            self.calls.pop(ref, None)
        await _take(seconds)
        return self.calls.pop(ref, None) is not None

    def create(self, server_id: int, fields: Mapping[str, object]) -> Call | None:
        """Create a call under the server's next number; None where the fields are not those of a call."""
        texts = [fields.get(name) for name in ("caller", "location", "description")]
        emergency, metadata = fields.get("isEmergency"), fields.get("metaData", {})
        attached = cast("dict[str, object]", metadata) if isinstance(metadata, dict) else {"": None}
        if type(emergency) is not bool or not all(isinstance(text, str) for text in [*texts, *attached.values()]):
            return None
        taken = [ref.call_id for ref in self.calls if ref.server_id == server_id]
        number = self._numbers[server_id] = max(self._numbers.get(server_id, 0), *taken, 0) + 1
        minutes = (self.started - datetime.now(UTC)) // timedelta(minutes=1)
        words, notes = cast("list[str]", texts), cast("dict[str, str]", attached)
        call = Call(CallRef(server_id, number), *words, minutes=minutes, emergency=emergency, metadata=notes)
        self.calls[call.ref] = call
        return call

    def open_calls(self, server_id: int, which: object) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """List the open dispatch and 911 calls; `which` is 0 for the first, 1 for the second, 100 for both."""
        titles = [(ref, title) for ref, title in self.dispatches.items() if ref.server_id == server_id]
        dispatches: list[dict[str, object]] = [{"callId": ref.call_id, "title": title} for ref, title in titles]
        calls = [self.as_json(call) for ref, call in self.calls.items() if ref.server_id == server_id]
        return dispatches if which != 1 else [], calls if which != 0 else []

    def as_json(self, call: Call) -> dict[str, object]:
        """Return a call as the CAD shows it."""
        return {
            "callId": call.ref.call_id,
            "isEmergency": call.emergency,
            "caller": call.caller,
            "location": call.location,
            "description": call.description,
            "metaData": dict(call.metadata),
            "updated": (self.started - timedelta(minutes=call.minutes)).isoformat(),
        }

    def listed_servers(self) -> dict[str, object]:
        """Return the community's servers as the CAD shows them."""
        return {"servers": [{"id": number, "name": name, "description": ""} for number, name in self.servers.items()]}


async def _take(seconds: float) -> None:
    if seconds == inf:
        await asyncio.Event().wait()
    await asyncio.sleep(seconds)
