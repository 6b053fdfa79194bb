"""How the loopback CAD speaks v2: routes, problems, and the gateway's limits, as the vendor documents them."""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, cast

from aiohttp import web

from bot.cad.model import MAX_ID, CallRef, Plan

if TYPE_CHECKING:
    from bot.sandbox.cad import LoopbackCad

PUBLISHED: Mapping[str, int] = {
    "REMOVE_911": 10,
    "CALL_911": 10,
    "GET_CALLS": 5,
    "GET_SERVERS": 10,
    "GET_VERSION": 10,
}
"""Requests a minute that it takes of each kind, where its limits are switched on."""

_Act = Callable[["LoopbackCad", web.Request, object, list[int]], Awaitable[web.Response]]


def kind_of(request: web.Request) -> str | None:
    """Return what a request asks for, by v1's name for it, or None where no route is like that."""
    return next((kind for kind, (route, _, _) in _ROUTES.items() if route.fullmatch(_line(request))), None)


async def answer(cad: LoopbackCad, request: web.Request, body: object) -> web.Response:
    """Answer a request of v2. The order of its checks: key, limits, route, API switched on, plan, ids, server."""
    if request.headers.get("Authorization") != f"Bearer {cad.key}":
        return _problem(401, "Unauthorized", "The API key is missing or not known.")
    kind = kind_of(request)
    if kind is None:
        return _problem(404, "Not Found", "There is no such route.")
    if (wait := _too_many(cad, kind)) is not None:
        cad.turned_away += 1
        told = {"message": "API rate limit exceeded", "request_id": uuid.uuid4().hex}
        return web.json_response(told, status=429, headers={"Retry-After": str(wait)} if cad.advises else {})
    route, least_plan, carry_out = _ROUTES[kind]
    if not cad.api_enabled:
        return _problem(400, "Bad Request", "API IS NOT ENABLED FOR THIS COMMUNITY")
    if cad.plan < least_plan:
        return _problem(402, "Payment Required", f"VERSION {least_plan.name} REQUIRED")
    found = route.fullmatch(_line(request))
    ids = [int(number) for number in found.groups()] if found else []
    if not all(1 <= number <= MAX_ID for number in ids):
        return _problem(400, "One or more validation errors occurred.", "An id is out of range.")
    if ids and ids[0] not in cad.servers:
        return _problem(404, "Not Found", f"Server {ids[0]} is not configured.")
    return await carry_out(cad, request, body, ids)


async def _remove(cad: LoopbackCad, _: web.Request, __: object, ids: list[int]) -> web.Response:
    server_id, call_id = ids
    if not await cad.remove(CallRef(server_id, call_id)):
        return _problem(404, "Not Found", f"Call {call_id} was not found.")
    return web.json_response({"callId": call_id, "serverId": server_id})


async def _create(cad: LoopbackCad, _: web.Request, body: object, ids: list[int]) -> web.Response:
    fields = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    call = None if "serverId" in fields else cad.create(ids[0], fields)
    if call is None:
        return _problem(400, "One or more validation errors occurred.", "The call can't be read.")
    return web.json_response(cad.as_json(call))


async def _list(cad: LoopbackCad, request: web.Request, _: object, ids: list[int]) -> web.Response:
    which = request.query.get("type", "100")
    if which not in ("0", "1", "100"):
        return _problem(400, "One or more validation errors occurred.", "The type is not known.")
    dispatches, calls = cad.open_calls(ids[0], int(which))
    return web.json_response(
        {"ActiveCalls": dispatches, "EmergencyCalls": calls, "ClosedCalls": [], "ClosedCallCount": 0}
    )


async def _servers(cad: LoopbackCad, _: web.Request, __: object, ___: list[int]) -> web.Response:
    return web.json_response(cad.listed_servers())


async def _version(cad: LoopbackCad, _: web.Request, __: object, ___: list[int]) -> web.Response:
    # One less than v1's number, as in the vendor's example.
    return web.json_response({"version": cad.plan.value - 1, "name": cad.plan.name.replace("_", " ")})


def _line(request: web.Request) -> str:
    return f"{request.method} {request.path}"


def _too_many(cad: LoopbackCad, kind: str) -> int | None:
    """Return the seconds after which a request is taken again, or None where it is taken now, and counted."""
    now, lately = time.monotonic(), cad.lately.setdefault(kind, [])
    lately[:] = [at for at in lately if at > now - cad.minute]
    if len(lately) >= cad.limits.get(kind, len(lately) + 1):
        return math.ceil(lately[0] + cad.minute - now)
    lately.append(now)
    return None


def _problem(status: int, title: str, detail: str) -> web.Response:
    told = {"title": title, "status": status, "detail": detail, "traceId": f"00-{uuid.uuid4().hex}-00"}
    return web.json_response(told, status=status, content_type="application/problem+json")


_CALLS = r"/v2/emergency/servers/(-?\d+)/calls"
_ROUTES: dict[str, tuple[re.Pattern[str], Plan, _Act]] = {
    "REMOVE_911": (re.compile(rf"DELETE {_CALLS}/911/(-?\d+)", re.ASCII), Plan.STANDARD, _remove),
    "CALL_911": (re.compile(rf"POST {_CALLS}/911", re.ASCII), Plan.STANDARD, _create),
    "GET_CALLS": (re.compile(rf"GET {_CALLS}", re.ASCII), Plan.PLUS, _list),
    "GET_SERVERS": (re.compile("GET /v2/general/servers"), Plan.STANDARD, _servers),
    "GET_VERSION": (re.compile("GET /v2/general/version"), Plan.FREE, _version),
}
