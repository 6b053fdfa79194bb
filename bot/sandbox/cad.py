"""A loopback CAD with real state, for the sandbox and the tests. It answers as the vendor's page says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web
from yarl import URL

from bot.cad.model import MAX_ID, Account, CallRef, Plan

GREETING = "Sonoran CAD: Backend Service Reached"
REMOVED = "API ID(s) set!"
"""The page's own example of a success."""


@dataclass(frozen=True, slots=True)
class Call:
    """An open 911 call, as the CAD knows it. `minutes` is its age when the CAD starts."""

    ref: CallRef
    caller: str
    location: str
    description: str
    minutes: int


_EXAMPLES = (
    Call(CallRef(1, 301), "Marcus Bell", "Vespucci Blvd / Alta St", "Two cars, one on its roof, driver trapped.", 14),
    Call(CallRef(1, 302), "Ana Ortega", "24/7, Grove Street", "Man with a shotgun, cashier on the floor.", 11),
    Call(CallRef(1, 303), "Tommy Vale", "Pillbox Hill Garage", "Engine fire on level 2, smoke on the stairs.", 9),
    Call(CallRef(1, 304), "J. Whitfield", "Del Perro Pier", "Line stays open, nobody speaks. Prank?", 6),
    Call(CallRef(2, 11), "Rosa Maria de la Fuente-Kowalczyk", "Sandy Shores Airfield", "Small plane down.", 2),
    Call(CallRef(2, 12), "Unknown caller", "Route 68, Harmony", "Truck across both lanes, no lights.", 5),
)


def _example_calls() -> dict[CallRef, Call]:
    return {call.ref: call for call in _EXAMPLES}


@dataclass
class LoopbackCad:
    """One community's CAD. What stands in its attributes may be changed while it runs.

    Attributes:
        calls: the open calls.
        servers: the ids and names of the community's servers.
        seconds: how long the CAD takes to answer for a call; infinity for a call that it does carry out and
            never answers.
        requests: every request that arrived: its path, and its body where that is JSON.
    """

    community_id: str = "sandbox-community"
    key: str = field(default="sandbox-key-opens-nothing", repr=False)
    api_enabled: bool = True
    plan: Plan = Plan.STANDARD
    calls: dict[CallRef, Call] = field(default_factory=_example_calls)
    servers: Mapping[int, str] = field(default_factory=lambda: {1: "Los Santos", 2: "Blaine County"})
    seconds: dict[CallRef, float] = field(default_factory=dict[CallRef, float])
    requests: list[tuple[str, object]] = field(default_factory=list[tuple[str, object]], repr=False)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[Account]:
        """Serve on the loopback interface, and yield what a client needs to know. Port 0: any free one."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        # Handlers of calls that are never answered would hold the shutdown for a minute.
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
            host, bound = self._runner.addresses[0][:2]
            yield Account(URL.build(scheme="http", host=host, port=bound), self.community_id, self.key)
        finally:
            await self._runner.cleanup()

    def asked_for(self, kind: str) -> list[dict[str, object]]:
        """List the requests of one kind that arrived, such as REMOVE_911."""
        bodies = [cast("dict[str, object]", body) for _, body in self.requests if isinstance(body, dict)]
        return [body for body in bodies if body.get("type") == kind]

    async def go_down(self) -> None:
        """End every connection and accept no more."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            body: object = json.loads(await request.read())
        except (ValueError, RecursionError):
            body = None
        self.requests.append((request.path, body))
        kinds = {
            "/emergency/remove_911": ("REMOVE_911", Plan.STANDARD, self._remove),
            "/emergency/get_calls": ("GET_CALLS", Plan.PLUS, self._list),
            "/general/get_version": ("GET_VERSION", Plan.FREE, self._version),
        }
        if request.method != "POST" or request.path not in kinds:
            return web.Response(text=GREETING)
        kind, least_plan, carry_out = kinds[request.path]
        if refusal := self.refusal(body, kind, least_plan):
            return web.Response(status=400, text=refusal)
        return await carry_out(cast("dict[str, object]", body).get("data"))

    def refusal(self, body: object, kind: str, least_plan: Plan) -> str | None:
        """Return the text of the 400 that a request gets, or None for one that is in order.

        The order, which the vendor does not publish: JSON object with strings, type, community, API switched on,
        key, plan. Fields that nobody knows are ignored.
        """
        if not isinstance(body, dict):
            return "MALFORMED REQUEST"
        fields = cast("dict[str, object]", body)
        if not all(isinstance(fields.get(name), str) for name in ("id", "key", "type")):
            return "MALFORMED REQUEST"
        if fields["type"] != kind:
            return "INVALID REQUEST TYPE"
        if fields["id"] != self.community_id:
            return "INVALID COMMUNITY ID"
        if not self.api_enabled:
            return "API IS NOT ENABLED FOR THIS COMMUNITY"
        if fields["key"] != self.key:
            return "INVALID API KEY"
        if self.plan < least_plan:
            return f"VERSION {least_plan.name} REQUIRED"
        return None

    async def _version(self, _: object) -> web.Response:
        return web.Response(text=f"{self.plan.value} {self.plan.name}")

    async def _list(self, data: object) -> web.Response:
        match data:
            case [{"serverId": int(server)}]:
                calls = [_as_json(call) for ref, call in self.calls.items() if ref.server_id == server]
                return web.json_response({"activeCalls": [], "emergencyCalls": calls, "closedCalls": []})
            case _:
                return web.Response(status=400, text="MALFORMED REQUEST")

    async def _remove(self, data: object) -> web.Response:
        refs = _refs(data)
        if refs is None:
            return web.Response(status=400, text="MALFORMED REQUEST")
        for ref in refs:
            seconds = self.seconds.get(ref, 0)
            if seconds == float("inf"):
                self.calls.pop(ref, None)
                await asyncio.Event().wait()
            await asyncio.sleep(seconds)
            # What the CAD really answers for a call that it does not have is not known.
            if self.calls.pop(ref, None) is None:
                return web.Response(status=404, text="CALL NOT FOUND")
        return web.Response(text=REMOVED)


def _as_json(call: Call) -> dict[str, object]:
    return {
        "callId": call.ref.call_id,
        "isEmergency": True,
        "caller": call.caller,
        "location": call.location,
        "description": call.description,
    }


def _refs(data: object) -> list[CallRef] | None:
    if not isinstance(data, list) or not data:
        return None
    refs: list[CallRef] = []
    for item in cast("list[object]", data):
        if not isinstance(item, dict):
            return None
        fields = cast("dict[str, object]", item)
        server, call = fields.get("serverId"), fields.get("callId")
        # JSON's true is an int to Python, and not to the CAD.
        if type(server) is not int or type(call) is not int or not (1 <= server <= MAX_ID and 1 <= call <= MAX_ID):
            return None
        refs.append(CallRef(server, call))
    return refs
