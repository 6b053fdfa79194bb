"""The CAD and the truth: which call is open when, what reached it, and what it answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.cad.models import CallRef, Plan
from tests.simulation.loop import Process
from tests.simulation.wire import Answer, broken, carry, refused

if TYPE_CHECKING:
    from tests.simulation.world import World

KEY, COMMUNITY = "DF58F1E-FD8A-44C5-BA", "our-community"
PLAYERS_TEXT = "Alta St"
LEAST = {"REMOVE": Plan.STANDARD, "CREATE": Plan.STANDARD, "CALLS": Plan.PLUS, "SERVERS": Plan.STANDARD}
"""The plan that each kind of request needs."""
LIMITS = {"REMOVE": 10, "CREATE": 10, "CALLS": 5, "SERVERS": 10, "VERSION": 10}
_V1 = {"REMOVE_911": "REMOVE", "CALL_911": "CREATE", "GET_CALLS": "CALLS", "GET_SERVERS": "SERVERS"}
_NO_EFFECT = {
    "500": Answer(500, "Internal error"), "502": Answer(502, "<html>Bad gateway</html>", "text/html"),
    "503": Answer(503, "Unavailable"), "503 retry": Answer(503, "", headers={"Retry-After": "20"}),
    "429": Answer(429, "", headers={"Retry-After": "15"}), "429 bare": Answer(429, ""), "408": Answer(408, ""),
    "401": Answer(401, "INVALID API KEY"), "api off": Answer(400, "API IS NOT ENABLED FOR THIS COMMUNITY"),
    "plan": Answer(402, "VERSION PRO REQUIRED"), "garbage": Answer(200, "no healthy upstream"),
    "html": Answer(200, "<!doctype html><title>Just a moment</title>", "text/html"),
    "greeting": Answer(200, "Sonoran CAD: Backend Service Reached"), "no in words": Answer(200, "REQUEST FAILED"),
    "no in json": Answer.of({"success": False, "error": "TRY AGAIN"}),
    "proxy 404": Answer(404, "default backend - 404"), "bare 404": Answer.of({"error": "Not found"}, 404),
    "echo": Answer(400, f"what is {KEY}?"),
    "redirect": Answer(302, "", headers={"Location": f"https://elsewhere.example/?key={KEY}"}),
}  # fmt: skip
"""Answers without an effect, by the fault's kind. None of them says that a call was removed."""


@dataclass(eq=False)
class CadRequest:
    """A request to the CAD, and what became of it. Times are the loop's.

    Attributes:
        process: who sent it.
        kind: REMOVE, CREATE, CALLS, SERVERS or VERSION.
        ref: the call, for a creation by its old number; for a list, only its server counts.
        started: when the bot gave it to its HTTP session.
        left: when it left, or None if no connection came about.
        effect: when it took effect, or None.
        created: the number of the call that it created.
        said_yes: when an answer arrived that says so.
        refused: True once an answer arrived that can't be a yes, and it had no effect.
        wanted_later: True once the answer asked for it again, after a while.
        ended: when the bot knew as much about it as it ever will, or None. It stays None if the process is killed.
        operations: the journal's names of the operations that it was sent for.
    """

    process: Process
    kind: str
    ref: CallRef
    started: float
    left: float | None = None
    effect: float | None = None
    created: int | None = None
    said_yes: float | None = None
    refused: bool = False
    wanted_later: bool = False
    ended: float | None = None
    operations: frozenset[str] = frozenset()


class Cad:
    """One community's CAD.

    Attributes:
        open: each open call, and how often its number was opened or closed so far: two calls with one number differ.
        changes: when each call was opened and closed.
        servers: the name of each server.
        added: when each server was added, by the true time of day; not for those that were always there.
        held_back: when the CAD asked each process to send no request of a kind, and until when.
    """

    def __init__(self, world: World, api: str, level: Plan) -> None:
        self.world, self.api, self.level = world, api, level
        self.open: dict[CallRef, int] = {}
        self.changes: dict[CallRef, list[tuple[float, bool]]] = {}
        self.servers = {1: "Los Santos", 2: "Blaine County"}
        self.added: dict[int, float] = {}
        self.requests: list[CadRequest] = []
        self.held_back: dict[tuple[int, str], tuple[float, float]] = {}
        self._recent: dict[str, list[float]] = {}

    def change(self, ref: CallRef, *, is_open: bool) -> bool:
        """Open or close a call; return False if it is so already."""
        if is_open == (ref in self.open):
            return False
        history = self.changes.setdefault(ref, [])
        history.append((self.world.loop.now, is_open))
        if is_open:
            self.open[ref] = len(history)
        else:
            del self.open[ref]
        return True

    def add_server(self, number: int) -> None:
        """Add a server, whose first calls are open at once."""
        self.servers[number] = f"Server {number}"
        self.added[number] = self.world.loop.true_time()
        for call in range(1, 13):
            self.change(CallRef(number, call), is_open=True)

    def was_closed(self, ref: CallRef, since: float) -> bool:
        """Return True if a call was not open at some moment since then."""
        history = [(0.0, False), *self.changes.get(ref, [])]
        return not history[-1][1] or any(is_open and at > since for at, is_open in history)

    def was_open(self, ref: CallRef, since: float) -> bool:
        """Return True if a call was open at some moment since then."""
        history = [(0.0, False), *self.changes.get(ref, [])]
        return history[-1][1] or any(not is_open and at > since for at, is_open in history)

    async def exchange(self, process: Process, method: str, url: str, options: dict[str, Any], timeout: Any) -> Answer:
        """Carry one request, with whatever goes wrong."""
        world = self.world
        kind, ref = self._read(method, url, options)
        self.requests.append(request := CadRequest(process, kind, ref, world.loop.now))
        chance, fault = world.chance.next("cad", kind, ref), world.fault("cad", kind, ref)
        try:
            if fault in ("refused", "no connection"):
                world.tell("cad", f"no connection comes about for {kind} {ref}")
                after = chance.uniform(0.01, 0.2) if fault == "refused" else 5.0
                error = refused() if fault == "refused" else aiohttp.ConnectionTimeoutError("Connection timeout")
                return await carry(world.loop, after, 0.0, lambda: error, timeout.total)
            world.loop.after(connect := chance.uniform(0.02, 0.1), self._leave, request)
            there = connect + (chance.uniform(1.0, 14.0) if fault == "slow" else chance.uniform(0.02, 0.3))
            back, arrive = chance.uniform(0.01, 0.15), partial(self._arrive, request, fault)
            answer = await carry(world.loop, there, back, arrive, timeout.total)
            self._answered(request, answer)
            return answer
        finally:
            request.ended = world.loop.now

    def _leave(self, request: CadRequest) -> None:
        if request.process.dead or request.ended is not None:
            return  # it never left
        request.left = self.world.loop.now
        self.world.tell("bot", f"sends {request.kind} {request.ref} to the CAD")
        self.world.oracle.on_left(request)
        self.world.mark("left")

    def _arrive(self, request: CadRequest, fault: str) -> Answer | Exception | None:
        world = self.world
        if request.left is None:
            return None
        if fault in ("lost", "silent"):
            world.tell("cad", f"{request.kind} {request.ref} never arrives")
            return broken() if fault == "lost" else None
        answer = self._answer(request, fault)
        effect = "" if request.effect is None else ", and it took effect"
        world.tell("cad", f"{request.kind} {request.ref}: {fault or answer.status}{effect}")
        if request.effect is not None:
            world.mark("effect")
        return {"reset": broken(), "hang": None, "cut": replace(answer, cut=True)}.get(fault, answer)

    def _answer(self, request: CadRequest, fault: str) -> Answer:
        if fault in _NO_EFFECT:
            return _NO_EFFECT[fault]
        # A creation's number is the CAD's to give, so no yes to one can be another call's.
        if fault == "no with a number" or (fault == "yes of another call" and request.kind == "REMOVE"):
            return self._misleading(request, fault)
        if (wait := self._limited(request.kind)) is not None:
            return Answer.of({"message": "API rate limit exceeded"}, 429, Retry_After=str(wait))
        answer = self._handle(request, short=fault == "short list")
        if fault in ("500 after", "503 retry after", "html after"):
            return _NO_EFFECT[fault.removesuffix(" after")]
        if fault in ("204", "empty") and request.kind == "REMOVE" and answer.status == 200:
            return Answer(204) if fault == "204" else Answer(200, "")
        return answer

    def _answered(self, request: CadRequest, answer: Answer) -> None:
        """The bot has an answer. One that arrives while it is frozen can come too late for its time limit."""
        now = self.world.loop.now
        if answer.cut:
            return
        if answer.status == 429:
            until = now + float(answer.headers.get("Retry-After", 60.0)) - 0.5  # the bot's clocks are a little apart
            self.held_back[request.process.number, request.kind] = now, until
        request.wanted_later = "Retry-After" in answer.headers
        # A page says nothing, nor does, in v2, a 200 without the call's numbers.
        is_own = answer.media != "text/html" and (self.api == "v1" or answer.body != "")
        may_be_yes = answer.status == 204 or (answer.status == 200 and is_own)
        if request.effect is None:
            request.refused = not may_be_yes
        elif may_be_yes:
            request.said_yes = now
        self.world.mark("answered")

    def _limited(self, kind: str) -> int | None:
        """Count a request. Return for how many seconds the CAD refuses it, or None."""
        if self.api == "v1":
            return None
        now = self.world.loop.now
        recent = self._recent.setdefault(kind, [])
        recent[:] = [at for at in recent if at > now - 60.0]
        if len(recent) >= LIMITS[kind]:
            return int(recent[0] + 61 - now)
        recent.append(now)
        return None

    def _handle(self, request: CadRequest, *, short: bool) -> Answer:
        kind, ref = request.kind, request.ref
        if self.level < (least := LEAST.get(kind, Plan.FREE)):
            text = f"VERSION {least.name} REQUIRED"
            return self._no(400 if self.api == "v1" else 402, text, text)
        if kind == "VERSION":
            name = self.level.name.replace("_", " ")
            return self._yes(f"{self.level.value} {name}", {"version": 1, "name": name})
        if kind == "SERVERS":
            odd = self.world.fault("servers") == "unreadable"
            listed = [
                {"id": str(number) if odd and number != 1 else number, "name": name}
                for number, name in self.servers.items()
            ]
            return Answer.of({"servers": listed})
        if ref.server_id not in self.servers:
            return self._no(404, "SERVER NOT FOUND", f"Server {ref.server_id} is not configured.")
        if kind == "CALLS":
            calls = [call_json(one, times) for one, times in self.open.items() if one.server_id == ref.server_id]
            broken_one: list[Any] = [{"callId": "?"}] if short else []
            return Answer.of({"activeCalls": [], "emergencyCalls": calls + broken_one, "closedCalls": []})
        if kind == "CREATE":
            request.effect, request.created = self.world.loop.now, 1000 + len(self.requests)
            self.change(CallRef(ref.server_id, request.created), is_open=True)
            data = {"callId": request.created, "serverId": ref.server_id}
            return self._yes(f"EMERGENCY CALL ADDED ID: {request.created}", data)
        if ref not in self.open:
            return self._no(404, "CALL NOT FOUND", f"Call {ref.call_id} was not found.")
        request.effect = self.world.loop.now
        self.change(ref, is_open=False)
        return self._yes("API ID(s) set!", {"callId": ref.call_id, "serverId": ref.server_id})

    def _misleading(self, request: CadRequest, fault: str) -> Answer:
        """Answer without an effect, with a number that is easily taken for the one that a yes would have."""
        server, call = request.ref.server_id, request.ref.call_id
        if fault == "no with a number":
            data = {"callId": call, "serverId": server, "success": False, "error": "server offline"}
            return self._yes(f"COULD NOT ADD CALL, SERVER ID: {server} IS OFFLINE", data)
        other = server if server != call else call + 1
        return self._yes(f"CALL {other} REMOVED", {"callId": other, "serverId": server})

    def _yes(self, text: str, data: object) -> Answer:
        return Answer(200, text) if self.api == "v1" else Answer.of(data)

    def _no(self, status: int, text: str, detail: str) -> Answer:
        problem = {"title": "Not Found", "status": status, "detail": detail}
        return Answer(status, text) if self.api == "v1" else Answer.of(problem, status, "application/problem+json")

    def _read(self, method: str, url: str, options: dict[str, Any]) -> tuple[str, CallRef]:
        if self.api == "v1":
            body = json.loads(options["data"])
            data = body["data"][0] if body["data"] else {}
            return _V1.get(body["type"], "VERSION"), CallRef(data.get("serverId", 0), data.get("callId", _old(data)))
        numbers = [int(one) for one in re.findall(r"/(\d+)", url.replace("/911", ""))]
        server, call = (*numbers, 0, 0)[:2]
        if method == "DELETE":
            return "REMOVE", CallRef(server, call)
        if method == "POST":
            return "CREATE", CallRef(server, _old(json.loads(options["data"])))
        kind = "CALLS" if "/calls" in url else "SERVERS" if url.endswith("/servers") else "VERSION"
        return kind, CallRef(server, 0)


def _old(data: dict[str, Any]) -> int:
    """Return the old number of a call that is created again, which its texts name."""
    return int(data.get("caller", "0").split()[-1])


def call_json(ref: CallRef, times: int) -> dict[str, Any]:
    """Return a call as the CAD lists it."""
    texts = {"caller": f"Caller {ref.call_id}", "location": PLAYERS_TEXT, "description": f"Fire, time {times}"}
    return {"serverId": ref.server_id, "callId": ref.call_id, "isEmergency": True, **texts, "metaData": {}}
