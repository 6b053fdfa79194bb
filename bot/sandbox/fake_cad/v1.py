"""The fake CAD's v1: as the vendor documents it, or else as the vendor's own code expects it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from bot.cad.models import CallRef, Plan, valid_id
from bot.sandbox.fake_cad.state import FakeCadState, fields_of

GREETING = "Sonoran CAD: Backend Service Reached"
REMOVED = "API ID(s) set!"
"""The documentation's own example of a success."""
MALFORMED = "MALFORMED REQUEST"

_Handler = Callable[[FakeCadState, object], Awaitable[web.Response]]


def kind_of(body: object) -> str | None:
    """Return the type that a request's body names, if any."""
    kind = fields_of(body).get("type")
    return kind if isinstance(kind, str) else None


async def respond(cad: FakeCadState, request: web.Request, body: object) -> web.Response:
    """Respond to a request of v1, or to one for an unknown path."""
    if request.method != "POST" or request.path not in _PATHS:
        return web.Response(text=GREETING)
    kind, least_plan, handler = _PATHS[request.path]
    if error := refusal(cad, body, kind, least_plan):
        return web.Response(status=400, text=error)
    return await handler(cad, fields_of(body).get("data"))


def refusal(cad: FakeCadState, body: object, kind: str, least_plan: Plan) -> str | None:
    """Return the text of a 400, or None for a valid request. Unknown fields are ignored.

    The vendor does not publish the order of the checks. Here: strings, type, community, API enabled, key, plan.
    """
    fields = fields_of(body)
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


async def _version(cad: FakeCadState, _: object) -> web.Response:
    return web.Response(text=f"{cad.plan.value} {cad.plan.name}")


async def _servers(cad: FakeCadState, _: object) -> web.Response:
    return web.json_response(cad.servers_json())


async def _list(cad: FakeCadState, data: object) -> web.Response:
    fields = _only_object(data)
    if type(server_id := fields.get("serverId")) is not int:
        return web.Response(status=400, text=MALFORMED)
    dispatches, calls = cad.open_calls(server_id, fields.get("type", 100))
    return web.json_response({"activeCalls": dispatches, "emergencyCalls": calls, "closedCalls": []})


async def _create(cad: FakeCadState, data: object) -> web.Response:
    fields = _only_object(data)
    server_id = valid_id(fields.get("serverId"))
    if server_id is not None and server_id not in cad.servers:
        # The real CAD's response for an unknown server is not documented.
        return web.Response(status=404, text="SERVER NOT FOUND")
    if server_id is None or (call := cad.create(server_id, fields)) is None:
        return web.Response(status=400, text=MALFORMED)
    return web.Response(text=f"EMERGENCY CALL ADDED ID: {call.ref.call_id}")


async def _remove(cad: FakeCadState, data: object) -> web.Response:
    ids = [(valid_id(item.get("serverId")), valid_id(item.get("callId"))) for item in _objects(data)]
    refs = [CallRef(server, call) for server, call in ids if server is not None and call is not None]
    if not refs or len(refs) < len(ids):
        return web.Response(status=400, text=MALFORMED)
    for ref in refs:
        # The real CAD's response for an unknown call is not documented.
        if not await cad.remove(ref):
            return web.Response(status=404, text="CALL NOT FOUND")
    return web.Response(text=REMOVED)


def _objects(data: object) -> list[dict[str, object]]:
    return [fields_of(item) for item in cast("list[object]", data)] if isinstance(data, list) else []


def _only_object(data: object) -> dict[str, object]:
    objects = _objects(data)
    return objects[0] if len(objects) == 1 else {}


_PATHS: dict[str, tuple[str, Plan, _Handler]] = {
    "/emergency/remove_911": ("REMOVE_911", Plan.STANDARD, _remove),
    "/emergency/call_911": ("CALL_911", Plan.STANDARD, _create),
    "/emergency/get_calls": ("GET_CALLS", Plan.PLUS, _list),
    "/general/get_servers": ("GET_SERVERS", Plan.STANDARD, _servers),
    "/general/get_version": ("GET_VERSION", Plan.FREE, _version),
}
