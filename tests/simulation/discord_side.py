"""Discord: what people do there, its HTTP API as far as the bot uses it, and what people see."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.gateway import ADMIN_ROLE, AUDIT, Gateway
from tests.simulation.loop import START, SimulatedLoop
from tests.simulation.reading import is_open
from tests.simulation.wire import Answer, broken, carry, refused
from tests.support.fake_discord import BOT, GUILD, ROLE, FakeDiscord, interaction, message_json

if TYPE_CHECKING:
    from tests.simulation.world import World

TOKEN_SECONDS, ACK_SECONDS, NONCE_SECONDS, LIMIT = 900.0, 3.0, 300.0, 300.0
"""Discord's own times, and the seconds for which aiohttp waits."""
COMMAND = str(10**17 + 50)
"""The id of every command: names tell them apart."""
BUTTON, SELECT = 2, 3
_ERRORS = {
    "500": Answer(500, "Internal Server Error"),
    "403": Answer.of({"code": 50001, "message": "Missing Access"}, 403),
    "404": Answer(404, "<html>Not found</html>", "text/html"),
    "odd": Answer(200, "<html>Checking your browser</html>", "text/html"),
}
"""Answers without an effect, by the fault's kind."""


@dataclass(eq=False)
class Message:
    """A reply, as its reader sees it."""

    id: int
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def text(self) -> str:
        return "\n".join([self.content, *(embed.get("description") or "" for embed in self.embeds)]).strip()

    def items(self, kind: int) -> list[dict[str, Any]]:
        """Return the buttons or selects that can be used."""
        every = [item for row in self.components for item in row["components"]]
        return [item for item in every if item["type"] == kind and not item.get("disabled")]


@dataclass(eq=False)
class Interaction:
    """What a person did in Discord, and how the bot answered it. Times are the loop's."""

    number: int
    who: str
    kind: str
    about: str
    created: float
    allowed: bool
    message: Message
    delivered: float | None = None  # the last time
    acknowledged: float | None = None
    choices: list[Any] | None = None
    owed: str | None = None  # what must not stay: a pending text, or "" for "thinking"; None if nothing more is to come
    texts: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    @property
    def token(self) -> str:
        return f"interaction-token-{self.number}"


class Discord:
    """One guild, its people and the bot."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gateway = Gateway(world)
        self.interactions: dict[str, Interaction] = {}
        self.roles: dict[str, set[str]] = {}
        self.audit_posts: list[tuple[float, str]] = []
        self._number = 0
        self._rest = FakeDiscord()
        self._rest.guilds = {GUILD: self.gateway.guild}

    # People.

    def interact(
        self, who: str, kind: str, about: str, data: dict[str, Any], message: Message | None = None
    ) -> Interaction:
        """Let a person do something."""
        world = self.world
        self._number += 1
        held = self.roles[who]
        message = message or Message(10**17 + 1000 + self._number)
        allowed = (ADMIN_ROLE if about in ("history", "status") else ROLE) in held
        one = Interaction(self._number, who, kind, about, world.loop.now, allowed, message)
        self.interactions[one.token] = one
        world.tell(who, f"{kind} {about}" + ("" if allowed else " (without the role)"))
        payload = self._payload(one, data, sorted(held))
        fault = world.fault("gateway", "interaction", self._number)
        late = world.chance.of("late", self._number).uniform(0.5, 8.0) if fault == "late" else 0.02
        for delay in (late, late + 0.4)[: 2 if fault == "twice" else 1]:
            world.loop.after(delay, self._deliver, one, payload)
        return one

    def _deliver(self, one: Interaction, payload: dict[str, Any]) -> None:
        if self.gateway.send("INTERACTION_CREATE", payload):
            one.delivered = self.world.loop.now
        self.world.mark("click" if one.kind == "click" else "interaction")

    def _payload(self, one: Interaction, data: dict[str, Any], roles: list[str]) -> dict[str, Any]:
        milliseconds = int((START + one.created - SimulatedLoop.FIRST) * 1000) - 1_420_070_400_000
        kind = {"command": 2, "menu": 2, "autocomplete": 4, "click": 3}[one.kind]
        number = (milliseconds << 22) + one.number
        payload = interaction(number, kind, one.token, data, (user_id(one.who), one.who), roles)
        return payload | ({"message": self.json(one.message)} if kind == 3 else {})

    def json(self, shown: Message) -> dict[str, Any]:
        """Return a message as Discord's API has it."""
        parts = {"content": shown.content, "embeds": shown.embeds, "components": shown.components}
        return {**message_json(""), "flags": 64, "id": str(shown.id), **parts}

    # HTTP.

    async def exchange(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        """Carry one request, with whatever goes wrong."""
        world = self.world
        path = url.partition("discord.com/api/v10/")[2].partition("?")[0].strip("/").split("/")
        what, take = self._route(method, path)
        body = options.get("data")
        body: Any = json.loads(body) if isinstance(body, (str, bytes)) else (body and {"content": "(a file)"}) or {}
        shown: Any = (body.get("data") or body) if isinstance(body, dict) else {}
        world.oracle.on_sent(f"{url} {body}", path[2] if what in ("ack", "edit") else "", shown.get("content") or "")
        chance = world.chance.next("discord", what, path[-1] if what == "other" else path[1:3])
        fault = world.fault(what, *path[1:3])
        there, back = chance.uniform(0.01, 0.08), chance.uniform(0.01, 0.08)
        if fault:
            world.tell("discord", f"{what}: {fault}")
        if what in ("ack", "edit", "audit"):
            world.mark(what)
        if fault == "slow":
            there += chance.uniform(0.5, 9.0)
        if fault == "lost":
            error = refused() if chance.random() < 0.5 else broken()
            return await carry(world.loop, there, 0.0, lambda: error, LIMIT)
        if fault == "hang":
            return await carry(world.loop, there, 0.0, lambda: None, LIMIT)
        if fault not in ("", "slow", "answer lost"):
            no = _ERRORS[fault] if fault in _ERRORS else _slow_down(chance)
            return await carry(world.loop, there + back, 0.0, lambda: no, LIMIT)

        def arrive() -> Answer | Exception:
            answer = take(method, path, body)
            return broken() if fault == "answer lost" else answer

        return await carry(world.loop, there, back, arrive, LIMIT)

    def _route(self, method: str, path: list[str]) -> tuple[str, Callable[..., Answer]]:
        if path[-1] == "callback":
            return "ack", self._acknowledge
        if path[0] == "webhooks":
            return "edit", self._edit
        is_post = method == "POST" and path[0] == "channels"
        return ("audit", self._audit) if is_post else ("other", self._other)

    def _acknowledge(self, _: str, path: list[str], body: dict[str, Any]) -> Answer:
        one, now = self.interactions[path[2]], self.world.loop.now
        if one.acknowledged is not None:
            return _error(400, 40060, "Interaction has already been acknowledged.")
        if now > one.created + ACK_SECONDS:
            return _error(404, 10062, "Unknown interaction")
        one.acknowledged, kind, data = now, body["type"], body.get("data") or {}
        if kind == 8:
            one.choices = data["choices"]
        else:
            if kind in (4, 5) and one.kind == "click":  # a new reply, below the one that was clicked
                one.message = Message(10**17 + 900_000 + one.number)
            if kind in (4, 7):  # the others show nothing yet
                self._show(one, data)
            if kind == 5 or (kind == 7 and is_open(one.message.text)):
                one.owed = one.message.text
        self.world.oracle.on_acknowledged(one, (data.get("flags") or 0) if kind in (4, 5) else None)
        about = {"id": "1", "type": 2, "response_message_id": str(one.message.id)}
        return Answer.of({"interaction": about, "resource": {"type": kind, "message": self.json(one.message)}})

    def _edit(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        one = self.interactions[path[2]]
        if self.world.loop.now > one.created + TOKEN_SECONDS:
            return _error(401, 50027, "Invalid Webhook Token")
        if one.acknowledged is None:
            return _error(404, 10015, "Unknown Webhook")
        if method == "PATCH":
            self._show(one, body)
        return Answer.of(self.json(one.message))

    def _show(self, one: Interaction, data: dict[str, Any]) -> None:
        shown, before = one.message, one.message.text
        shown.content = data.get("content", shown.content) or ""
        shown.embeds = data.get("embeds", shown.embeds) or []
        shown.components = data.get("components", shown.components) or []
        if shown.text != before:
            self.world.tell(one.who, "reads: " + shown.text.replace("\n", " / "))
        one.texts.append((self.world.loop.now, shown.text))
        self.world.oracle.on_shown(one, shown.text, before)

    def _audit(self, _: str, __: list[str], body: dict[str, Any]) -> Answer:
        nonce, embed, now = str(body["nonce"]), body["embeds"][0], self.world.loop.now
        if not any(other == nonce and at > now - NONCE_SECONDS for at, other in self.audit_posts):
            self.audit_posts.append((now, nonce))
            self.world.tell("audit", f"{embed['title']} / {embed['description']}")
        return Answer.of({**message_json(""), "id": str(10**17 + len(self.audit_posts)), "channel_id": AUDIT})

    def _other(self, method: str, path: list[str], body: Any) -> Answer:
        if method == "PUT":
            defaults = {"application_id": BOT, "version": "1", "default_member_permissions": None, "description": ""}
            return Answer.of([{**defaults, "type": 1, **one, "id": COMMAND} for one in body])
        return Answer.of(self._rest._get("/".join(path)))


def _error(status: int, code: int, message: str) -> Answer:
    return Answer.of({"code": code, "message": message}, status)


def _slow_down(chance: random.Random) -> Answer:
    seconds = chance.choice((0.5, 3.0, 20.0))
    return Answer.of({"retry_after": seconds, "global": False, "message": "slow"}, 429, Via="1.1 google")


def user_id(who: str) -> str:
    """Return a person's id at Discord."""
    return str(10**17 + 5000 + sum(map(ord, who)))
