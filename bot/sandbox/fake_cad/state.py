"""The state of the fake CAD: its calls, servers, plan and faults, and what the API can do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from typing import cast

from bot.cad.models import CallRef, Plan


@dataclass(frozen=True, slots=True)
class FakeCall:
    """An open 911 call in the CAD. `minutes` is its age when the CAD starts."""

    ref: CallRef
    caller: str
    location: str
    description: str
    minutes: float = 0
    emergency: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


_EXAMPLES = (
    FakeCall(
        CallRef(1, 301), "Marcus Bell", "Vespucci Blvd / Alta St", "Two cars, one on its roof, driver trapped.", 14
    ),
    FakeCall(CallRef(1, 302), "Ana Ortega", "24/7, Grove Street", "Man with a shotgun, cashier on the floor.", 11),
    FakeCall(CallRef(1, 303), "Tommy Vale", "Pillbox Hill Garage", "Engine fire on level 2, smoke on the stairs.", 9),
    FakeCall(CallRef(1, 304), "J. Whitfield", "Del Perro Pier", "Line stays open, nobody speaks. Prank?", 6),
    FakeCall(CallRef(2, 11), "Rosa Maria de la Fuente-Kowalczyk", "Sandy Shores Airfield", "Small plane down.", 5),
    FakeCall(CallRef(2, 12), "Unknown caller", "Route 68, Harmony", "Truck across both lanes, no lights.", 2),
)


@dataclass
class FakeCadState:
    """One community's CAD. Its attributes may be changed while it runs.

    Attributes:
        dispatch_calls: the titles of the open dispatch calls, which are not 911 calls.
        servers: the names of the community's servers, by id.
        delays: seconds before the CAD removes a call and responds. With infinity it removes the call at once and
            never responds.
        delays_by_kind: seconds before it handles a kind of request, such as GET_CALLS; infinity means never.
        canned: a status and a text with which it responds to every request, or None.
        requests: the path and the JSON body (or None) of every request that arrived.
        kinds: the kind of each of those requests, by v1's name in v2 too; None if it has none.
        limits_per_minute: v2's rate limits by kind, such as `v2.PUBLISHED_LIMITS`; none by default.
        minute_seconds: the length of that minute.
        sends_retry_after: whether a 429 has a Retry-After header.
        rate_limited: how many requests got a 429.
        recent_requests: the monotonic times of the last minute's requests, by kind.
    """

    community_id: str = "sandbox-community"
    key: str = field(default="sandbox-key-opens-nothing", repr=False)
    api_enabled: bool = True
    plan: Plan = Plan.STANDARD
    calls: dict[CallRef, FakeCall] = field(default_factory=lambda: {call.ref: call for call in _EXAMPLES})
    dispatch_calls: dict[CallRef, str] = field(default_factory=lambda: {CallRef(1, 42): "10-50 AT ALTA STREET"})
    servers: Mapping[int, str] = field(default_factory=lambda: {1: "Los Santos", 2: "Blaine County"})
    delays: dict[CallRef, float] = field(default_factory=dict[CallRef, float])
    delays_by_kind: dict[str, float] = field(default_factory=dict[str, float])
    canned: tuple[int, str] | None = None
    requests: list[tuple[str, object]] = field(default_factory=list[tuple[str, object]], repr=False)
    kinds: list[str | None] = field(default_factory=list[str | None])
    limits_per_minute: Mapping[str, int] = field(default_factory=dict[str, int])
    minute_seconds: float = 60.0
    sends_retry_after: bool = True
    rate_limited: int = 0
    recent_requests: dict[str, list[float]] = field(default_factory=dict[str, list[float]], repr=False)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _numbers: dict[int, int] = field(default_factory=dict[int, int])

    def requests_of(self, kind: str) -> list[object]:
        """Return the bodies of the requests of one kind, such as REMOVE_911, that arrived."""
        return [body for (_, body), arrived in zip(self.requests, self.kinds, strict=True) if arrived == kind]

    async def remove(self, ref: CallRef) -> bool:
        """Remove a call after its delay; return False if there is no such call."""
        seconds = self.delays.get(ref, 0)
        if seconds == inf:
            self.calls.pop(ref, None)
        await delay(seconds)
        return self.calls.pop(ref, None) is not None

    def create(self, server_id: int, fields: Mapping[str, object]) -> FakeCall | None:
        """Create a call under the server's next number; return None if a field is missing or has the wrong type."""
        texts = [fields.get(name) for name in ("caller", "location", "description")]
        emergency, metadata = fields.get("isEmergency"), fields.get("metaData", {})
        # Metadata that is no object counts as one with an invalid value.
        attached = cast("dict[str, object]", metadata) if isinstance(metadata, dict) else {"": None}
        if type(emergency) is not bool or not all(isinstance(text, str) for text in [*texts, *attached.values()]):
            return None
        taken = [ref.call_id for ref in self.calls if ref.server_id == server_id]
        number = self._numbers[server_id] = max(self._numbers.get(server_id, 0), *taken, 0) + 1
        minutes = (self.started - datetime.now(UTC)) / timedelta(minutes=1)
        words, notes = cast("list[str]", texts), cast("dict[str, str]", attached)
        call = FakeCall(CallRef(server_id, number), *words, minutes=minutes, emergency=emergency, metadata=notes)
        self.calls[call.ref] = call
        return call

    def open_calls(self, server_id: int, which: object) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """Return the open dispatch calls and 911 calls; `which` is 0 for the former, 1 for the latter, 100 for both."""
        titles = [(ref, title) for ref, title in self.dispatch_calls.items() if ref.server_id == server_id]
        dispatches: list[dict[str, object]] = [{"callId": ref.call_id, "title": title} for ref, title in titles]
        calls = [self.call_json(call) for ref, call in self.calls.items() if ref.server_id == server_id]
        return dispatches if which != 1 else [], calls if which != 0 else []

    def call_json(self, call: FakeCall) -> dict[str, object]:
        """Return a call as both versions of the API show it."""
        return {
            "callId": call.ref.call_id,
            "isEmergency": call.emergency,
            "caller": call.caller,
            "location": call.location,
            "description": call.description,
            "metaData": dict(call.metadata),
            "updated": (self.started - timedelta(minutes=call.minutes)).isoformat(),
        }

    def servers_json(self) -> dict[str, object]:
        """Return the servers as both versions of the API show them."""
        return {"servers": [{"id": number, "name": name, "description": ""} for number, name in self.servers.items()]}


async def delay(seconds: float) -> None:
    """Wait for that many seconds, which may be infinite."""
    if seconds == inf:
        await asyncio.Event().wait()
    await asyncio.sleep(seconds)


def fields_of(value: object) -> dict[str, object]:
    """Return a JSON object's fields; any other value has none."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
