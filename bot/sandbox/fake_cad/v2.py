"""The fake CAD's v2: routes, problem responses and the gateway's rate limits, as the vendor documents them."""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.cad.models import MAX_ID, CallRef, Plan
from bot.sandbox.fake_cad.state import FakeCadState, fields_of

PUBLISHED_LIMITS: Mapping[str, int] = {
    "REMOVE_911": 10,
    "CALL_911": 10,
    "GET_CALLS": 5,
    "GET_SERVERS": 10,
    "GET_VERSION": 10,
}
"""Requests a minute of each kind that the vendor's gateway accepts."""

_Handler = Callable[[FakeCadState, web.Request, object, list[int]], Awaitable[web.Response]]


def kind_of(request: web.Request) -> str | None:
    """Return a request's kind, by v1's name for it, or None if no route matches."""
    return next((kind for kind, (route, _, _) in _ROUTES.items() if route.fullmatch(_method_and_path(request))), None)


async def respond(cad: FakeCadState, request: web.Request, body: object) -> web.Response:
    """Respond to a request of v2. The order of the checks: key, route, rate limit, API enabled, plan, ids, server."""
    if request.headers.get("Authorization") != f"Bearer {cad.key}":
        return _problem(401, "Unauthorized", "The API key is missing or not known.")
    kind = kind_of(request)
    if kind is None:
        return _problem(404, "Not Found", "There is no such route.")
    if (wait := _rate_limit_wait(cad, kind)) is not None:
        cad.rate_limited += 1
        error = {"message": "API rate limit exceeded", "request_id": uuid.uuid4().hex}
        return web.json_response(error, status=429, headers={"Retry-After": str(wait)} if cad.sends_retry_after else {})
    route, least_plan, handler = _ROUTES[kind]
    if not cad.api_enabled:
        return _problem(400, "Bad Request", "API IS NOT ENABLED FOR THIS COMMUNITY")
    if cad.plan < least_plan:
        return _problem(402, "Payment Required", f"VERSION {least_plan.name} REQUIRED")
    match = route.fullmatch(_method_and_path(request))
    ids = [int(number) for number in match.groups()] if match else []
    if not all(1 <= number <= MAX_ID for number in ids):
        return _problem(400, "One or more validation errors occurred.", "An id is out of range.")
    if ids and ids[0] not in cad.servers:
        return _problem(404, "Not Found", f"Server {ids[0]} is not configured.")
    return await handler(cad, request, body, ids)


async def _remove(cad: FakeCadState, _: web.Request, __: object, ids: list[int]) -> web.Response:
    server_id, call_id = ids
    if not await cad.remove(CallRef(server_id, call_id)):
        return _problem(404, "Not Found", f"Call {call_id} was not found.")
    return web.json_response({"callId": call_id, "serverId": server_id})


async def _create(cad: FakeCadState, _: web.Request, body: object, ids: list[int]) -> web.Response:
    fields = fields_of(body)
    call = None if "serverId" in fields else cad.create(ids[0], fields)
    if call is None:
        return _problem(400, "One or more validation errors occurred.", "The call can't be read.")
    return web.json_response(cad.call_json(call))


async def _list(cad: FakeCadState, request: web.Request, _: object, ids: list[int]) -> web.Response:
    which = request.query.get("type", "100")
    if which not in ("0", "1", "100"):
        return _problem(400, "One or more validation errors occurred.", "The type is not known.")
    dispatches, calls = cad.open_calls(ids[0], int(which))
    return web.json_response(
        {"ActiveCalls": dispatches, "EmergencyCalls": calls, "ClosedCalls": [], "ClosedCallCount": 0}
    )


async def _servers(cad: FakeCadState, _: web.Request, __: object, ___: list[int]) -> web.Response:
    return web.json_response(cad.servers_json())


async def _version(cad: FakeCadState, _: web.Request, __: object, ___: list[int]) -> web.Response:
    # One less than v1's number, as in the vendor's example.
    return web.json_response({"version": cad.plan.value - 1, "name": cad.plan.name.replace("_", " ")})


def _method_and_path(request: web.Request) -> str:
    return f"{request.method} {request.path}"


def _rate_limit_wait(cad: FakeCadState, kind: str) -> int | None:
    """Return the seconds for Retry-After, or None if the request is within the limit; count it then."""
    now, recent = time.monotonic(), cad.recent_requests.setdefault(kind, [])
    recent[:] = [at for at in recent if at > now - cad.minute_seconds]
    if len(recent) >= cad.limits_per_minute.get(kind, len(recent) + 1):
        return math.ceil(recent[0] + cad.minute_seconds - now)
    recent.append(now)
    return None


def _problem(status: int, title: str, detail: str) -> web.Response:
    problem = {"title": title, "status": status, "detail": detail, "traceId": f"00-{uuid.uuid4().hex}-00"}
    return web.json_response(problem, status=status, content_type="application/problem+json")


_CALLS = r"/v2/emergency/servers/(-?\d+)/calls"
_ROUTES: dict[str, tuple[re.Pattern[str], Plan, _Handler]] = {
    "REMOVE_911": (re.compile(rf"DELETE {_CALLS}/911/(-?\d+)", re.ASCII), Plan.STANDARD, _remove),
    "CALL_911": (re.compile(rf"POST {_CALLS}/911", re.ASCII), Plan.STANDARD, _create),
    "GET_CALLS": (re.compile(rf"GET {_CALLS}", re.ASCII), Plan.PLUS, _list),
    "GET_SERVERS": (re.compile("GET /v2/general/servers"), Plan.STANDARD, _servers),
    "GET_VERSION": (re.compile("GET /v2/general/version"), Plan.FREE, _version),
}
