"""How the loopback CAD speaks v1: as the vendor's pages say, and where they are silent, as its own code expects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from aiohttp import web

from bot.cad.model import CallRef, Plan, an_id

if TYPE_CHECKING:
    from bot.sandbox.cad import LoopbackCad

GREETING = "Sonoran CAD: Backend Service Reached"
REMOVED = "API ID(s) set!"
"""The page's own example of a success."""
MALFORMED = "MALFORMED REQUEST"

_Act = Callable[["LoopbackCad", object], Awaitable[web.Response]]


def kind_of(body: object) -> str | None:
    """Return the type of a request, or None where its body names none."""
    kind = cast("dict[str, object]", body).get("type") if isinstance(body, dict) else None
    return kind if isinstance(kind, str) else None


async def answer(cad: LoopbackCad, request: web.Request, body: object) -> web.Response:
    """Answer a request of v1, or one at a path that nobody knows."""
    if request.method != "POST" or request.path not in _PATHS:
        return web.Response(text=GREETING)
    kind, least_plan, carry_out = _PATHS[request.path]
    if refused := refusal(cad, body, kind, least_plan):
        return web.Response(status=400, text=refused)
    return await carry_out(cad, cast("dict[str, object]", body).get("data"))


def refusal(cad: LoopbackCad, body: object, kind: str, least_plan: Plan) -> str | None:
    """Return the text of the 400 that a request gets, or None for one that is in order.

    The order, which the vendor does not publish: JSON object with strings, type, community, API switched on,
    key, plan. Fields that nobody knows are ignored.
    """
    if not isinstance(body, dict):
        return MALFORMED
    fields = cast("dict[str, object]", body)
    if not all(isinstance(fields.get(name), str) for name in ("id", "key", "type")):
        return MALFORMED
    if fields["type"] != kind:
        return "INVALID REQUEST TYPE"
    if fields["id"] != cad.community_id:
        return "INVALID COMMUNITY ID"
    if not cad.api_enabled:
        return "API IS NOT ENABLED FOR THIS COMMUNITY"
    if fields["key"] != cad.key:
        return "INVALID API KEY"
    if cad.plan < least_plan:
        return f"VERSION {least_plan.name} REQUIRED"
    return None


async def _version(cad: LoopbackCad, _: object) -> web.Response:
    return web.Response(text=f"{cad.plan.value} {cad.plan.name}")


async def _servers(cad: LoopbackCad, _: object) -> web.Response:
    return web.json_response(cad.listed_servers())


async def _list(cad: LoopbackCad, data: object) -> web.Response:
    fields = _only_object(data)
    if type(server := fields.get("serverId")) is not int:
        return web.Response(status=400, text=MALFORMED)
    dispatches, calls = cad.open_calls(server, fields.get("type", 100))
    return web.json_response({"activeCalls": dispatches, "emergencyCalls": calls, "closedCalls": []})


async def _create(cad: LoopbackCad, data: object) -> web.Response:
    fields = _only_object(data)
    server = an_id(fields.get("serverId"))
    if server is not None and server not in cad.servers:
        # What the CAD really answers for a server that it does not have is not known.
        return web.Response(status=404, text="SERVER NOT FOUND")
    if server is None or (call := cad.create(server, fields)) is None:
        return web.Response(status=400, text=MALFORMED)
    return web.Response(text=f"EMERGENCY CALL ADDED ID: {call.ref.call_id}")


async def _remove(cad: LoopbackCad, data: object) -> web.Response:
    refs = _refs(data)
    if refs is None:
        return web.Response(status=400, text=MALFORMED)
    for ref in refs:
        # What the CAD really answers for a call that it does not have is not known.
        if not await cad.remove(ref):
            return web.Response(status=404, text="CALL NOT FOUND")
    return web.Response(text=REMOVED)


def _only_object(data: object) -> dict[str, object]:
    objects = cast("list[object]", data) if isinstance(data, list) else []
    return cast("dict[str, object]", objects[0]) if len(objects) == 1 and isinstance(objects[0], dict) else {}


def _refs(data: object) -> list[CallRef] | None:
    if not isinstance(data, list) or not data:
        return None
    refs: list[CallRef] = []
    for item in cast("list[object]", data):
        fields = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        server, call = an_id(fields.get("serverId")), an_id(fields.get("callId"))
        if server is None or call is None:
            return None
        refs.append(CallRef(server, call))
    return refs


_PATHS: dict[str, tuple[str, Plan, _Act]] = {
    "/emergency/remove_911": ("REMOVE_911", Plan.STANDARD, _remove),
    "/emergency/call_911": ("CALL_911", Plan.STANDARD, _create),
    "/emergency/get_calls": ("GET_CALLS", Plan.PLUS, _list),
    "/general/get_servers": ("GET_SERVERS", Plan.STANDARD, _servers),
    "/general/get_version": ("GET_VERSION", Plan.FREE, _version),
}
