"""The part of Discord that a bot needs to log in and be READY, over real HTTP and a real websocket on this machine."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from aiohttp import WSMsgType, web

BOT, GUILD, ROLE, CHANNEL, USER = (str(10**17 + number) for number in range(1, 6))

_COMMAND = str(int(BOT) + 100)


class FakeDiscord:
    """Discord, for one bot in one guild.

    With `refuse_with`, the gateway closes every log-in with that code. The attributes may be changed.

    Attributes:
        application: fields of the bot's application.
        guilds: the bot's guilds, by id.
        my_roles: ids of the bot's own roles.
        registered: names of the registered commands.
        global_commands: commands that are registered globally: name, id and type.
        clock: the time in the Date header.
        failing: the status and error code for requests whose path contains the key.
        breaking: how many of the next edits are not answered: the connection breaks.
        callbacks: what happens to the next acknowledgements: "lost" before Discord has it, "taken" and then the
            connection breaks, or "slow": the answer takes 1.5 s.
        odd: the body, no JSON, that answers each request whose path contains the key; an empty one never comes.
        shown: the text of the message that the bot sent or edited last.
        sent: method, path and body of each REST request from the bot.
        identified: set after a log-in.
        gateway: how the gateway answers: empty (as it should), an HTTP status, "silent" (no handshake), "no hello",
            "no ready" or "garbage".
        resumes: what follows a RESUME: "resumed", "invalid" (session), or nothing.
        resume_url: where sessions are resumed; None: here.
        attempts: what the bot tried at the gateway: connect, identify, resume.
    """

    def __init__(self, refuse_with: int | None = None) -> None:
        self._refuse_with = refuse_with
        self.application: dict[str, object] = {"bot_public": False}
        self.guilds: dict[str, dict[str, Any]] = {GUILD: guild(GUILD, "Los Santos", role(ROLE, "Dispatcher"))}
        self.my_roles: list[str] = []
        self.registered: list[str] = []
        self.global_commands: list[dict[str, object]] = []
        self.clock = time.time
        self.failing: dict[str, tuple[int, int]] = {}
        self.breaking = 0
        self.callbacks: list[str] = []
        self.odd: dict[str, str] = {}
        self.shown = ""
        self._acknowledged: set[str] = set()
        self.sent: list[tuple[str, str, Any]] = []
        self.identified = asyncio.Event()
        self.gateway = ""
        self.resumes = "resumed"
        self.resume_url: str | None = "ws://127.0.0.1:9/"
        self.attempts: list[str] = []
        self._sockets: list[web.WebSocketResponse] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/gateway", self._gateway)
        app.router.add_route("*", "/{path:.*}", self._rest)
        runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            for socket in self._sockets:
                await socket.close()
            await runner.cleanup()

    async def command(self, name: str, *, number: int = 0, **options: int) -> None:
        """Use a command as a dispatcher. Each number is an interaction of its own."""
        filled_in = [{"name": option, "type": 4, "value": value} for option, value in options.items()]
        data = {"id": str(int(BOT) + 50), "name": name, "type": 1, "guild_id": GUILD, "options": filled_in}
        token = f"interaction-token-{number}" if number else "interaction-token"
        await self._dispatch("INTERACTION_CREATE", interaction(int(_COMMAND) + number, 2, token, data))

    def acknowledge_elsewhere(self) -> None:
        """Let another copy of the bot acknowledge the next command first."""
        self._acknowledged.add(_COMMAND)

    async def _dispatch(self, event: str, data: dict[str, Any]) -> None:
        await self._sockets[-1].send_json({"op": 0, "s": 1, "t": event, "d": data})

    async def drop(self, code: int = 1001) -> None:
        """Close every connection to the gateway."""
        for socket in self._sockets:
            await socket.close(code=code)
        self._sockets.clear()

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        self.attempts.append("connect")
        if self.gateway.isdecimal():
            return web.Response(status=int(self.gateway), headers={"Retry-After": "7"})
        if self.gateway == "silent":
            await asyncio.Event().wait()
        socket = web.WebSocketResponse()
        socket.headers["Date"] = formatdate(self.clock(), usegmt=True)
        await socket.prepare(request)
        self._sockets.append(socket)
        if self.gateway != "no hello":
            await socket.send_json({"op": 10, "s": None, "t": None, "d": {"heartbeat_interval": 40_000}})
        here = str(request.url.with_scheme("ws").with_query(None))
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            await self._gateway_request(socket, message.json()["op"], here)
        return socket

    async def _gateway_request(self, socket: web.WebSocketResponse, op: int, here: str) -> None:
        if op == 1:
            await socket.send_json({"op": 11, "s": None, "t": None, "d": None})
        elif op == 2:
            self.attempts.append("identify")
            await self._log_in(socket, here)
        elif op == 6:
            self.attempts.append("resume")
            if self.resumes == "resumed":
                await socket.send_json({"op": 0, "s": 9, "t": "RESUMED", "d": {}})
            elif self.resumes == "invalid":
                await socket.send_json({"op": 9, "s": None, "t": None, "d": False})

    async def _log_in(self, socket: web.WebSocketResponse, here: str) -> None:
        if self._refuse_with is not None:
            await socket.close(code=self._refuse_with)
        elif self.gateway == "garbage":
            await socket.send_str("<html>no JSON</html>")
        elif self.gateway != "no ready":
            await self._ready(here)

    async def _ready(self, here: str) -> None:
        me = {"id": BOT, "username": "remove911", "discriminator": "0", "avatar": None, "bot": True, "flags": 0}
        guilds = [{"id": number, "unavailable": True} for number in self.guilds]
        session = {"session_id": "s", "resume_gateway_url": self.resume_url or here}
        await self._dispatch(
            "READY", {"v": 10, "user": me, "guilds": guilds, "application": {"id": BOT, "flags": 0}, **session}
        )
        for data in self.guilds.values():
            await self._dispatch("GUILD_CREATE", data)
        self.identified.set()

    async def _rest(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body and request.content_type == "application/json" else None
        if request.method == "PATCH" and self.breaking and request.transport is not None:
            self.breaking -= 1
            request.transport.abort()
            return web.Response()
        if request.path.endswith("/callback") and self.callbacks[:1] == ["slow"]:
            self.callbacks.pop(0)
            await asyncio.sleep(1.5)
        if request.path.endswith("/callback") and (failed := self._acknowledge(request)) is not None:
            return failed
        self.sent.append((request.method, request.path, body))
        for path, text in self.odd.items():
            if path in request.path:
                return web.Response(text=text) if text else await asyncio.Future()
        status, code = next((failure for path, failure in self.failing.items() if path in request.path), (0, 0))
        if status:
            return _json({"message": "injected by the test", "code": code}, status, self.clock())
        if request.method == "GET":
            return self._found(request)
        if request.method == "PUT":
            return self._put(request.path, body or [])
        if request.path.endswith("/callback"):
            return _json({"interaction": {"id": request.path.split("/")[-3], "type": 2}})
        self.shown = (body or {}).get("content", "")
        return _json(message_json(self.shown))

    def _acknowledge(self, request: web.Request) -> web.Response | None:
        fate = self.callbacks.pop(0) if self.callbacks else ""
        number = request.path.split("/")[-3]
        if fate == "lost":
            pass
        elif number in self._acknowledged:
            return _json({"message": "Interaction has already been acknowledged.", "code": 40060}, 400)
        else:
            self._acknowledged.add(number)
        if fate and request.transport is not None:
            request.transport.abort()
            return web.Response()
        return None

    def _found(self, request: web.Request) -> web.Response:
        try:
            found = self._get(request.path)
        except LookupError:
            return _json({"message": "Unknown", "code": 10004}, 404, self.clock())
        if isinstance(found, list) and "limit" in request.query:
            found = found[: int(request.query["limit"])]
        return _json(found, 200, self.clock())

    def _put(self, path: str, body: list[dict[str, Any]]) -> web.Response:
        if "/guilds/" not in path:
            if any(one["type"] == 4 and one not in body for one in self.global_commands):
                return _json({"message": "You cannot remove this app's Entry Point command", "code": 50240}, 400)
            self.global_commands = body
        # Discord returns a message command with an empty description.
        defaults = {"application_id": BOT, "version": "1", "default_member_permissions": None, "description": ""}
        return _json([{**defaults, "type": 1, **command, "id": str(int(BOT) + 50)} for command in body])

    def _get(self, path: str) -> object:
        match path.strip("/").split("/"):
            case ["users", "@me"]:
                return ME
            case ["oauth2", "applications", "@me"]:
                about = {"id": BOT, "name": "remove911", "icon": None, "owner": ME, "team": None, "description": ""}
                flags = {"bot_require_code_grant": False, "verify_key": "", "flags": 0}
                return {**about, **flags, **self.application}
            case ["users", "@me", "guilds"]:
                return [{"id": data["id"], "name": data["name"]} for data in self.guilds.values()]
            case ["guilds", number]:
                return {key: value for key, value in self.guilds[number].items() if key != "channels"}
            case ["guilds", _, "members", _]:
                joined = {"joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}
                return {"user": ME, "roles": self.my_roles, **joined}
            case ["channels", number]:
                found = [
                    {**channel, "guild_id": data["id"]}
                    for data in self.guilds.values()
                    for channel in (*data["channels"], *data["threads"])
                    if channel["id"] == number
                ]
                return found[0]
            case ["webhooks", *_]:
                return message_json(self.shown)
            case ["applications", _, "commands"]:
                return self.global_commands
            case ["applications", _, "guilds", _, "commands"]:
                return [{"name": name} for name in self.registered]
            case _:
                return []


ME = {"id": BOT, "username": "remove911", "discriminator": "0", "avatar": None, "bot": True}
_GUILD = {
    "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
    "nsfw_level": 0, "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US", "afk_timeout": 0,
    "system_channel_flags": 0, "large": False, "icon": None, "splash": None, "banner": None, "description": None,
}  # fmt: skip


def guild(number: str, name: str, *roles: dict[str, object], everyone: int = 0) -> dict[str, Any]:
    """Return a guild with one channel; `everyone` holds the permissions of @everyone."""
    text = {"id": CHANNEL, "type": 0, "name": "dispatch", "position": 0, "permission_overwrites": []}
    empty = ("members", "threads", "presences", "voice_states", "stage_instances", "guild_scheduled_events")
    return {
        "id": number, "name": name, "owner_id": USER, "unavailable": False, "channels": [text], "member_count": 2,
        "roles": [role(number, "@everyone", everyone), *roles], **_GUILD,
        **{name: [] for name in (*empty, "emojis", "stickers", "features", "soundboard_sounds")},
    }  # fmt: skip


def interaction(
    number: int,
    kind: int,
    token: str,
    data: object,
    who: tuple[str, str] = (USER, "dana"),
    held: Sequence[str] = (ROLE,),
) -> dict[str, Any]:
    """Return what the gateway says of a command or a click."""
    user = {"id": who[0], "username": who[1], "discriminator": "0", "avatar": None, "global_name": None}
    member = {"user": user, "roles": list(held), "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False}
    return {
        "id": str(number), "application_id": BOT, "type": kind, "token": token, "version": 1, "guild_id": GUILD,
        "channel_id": CHANNEL, "channel": {"id": CHANNEL, "type": 0}, "entitlements": [], "data": data,
        "member": {**member, "mute": False, "permissions": "0", "flags": 0}, "attachment_size_limit": 1_000_000,
    }  # fmt: skip


def role(number: str, name: str, permissions: int = 0) -> dict[str, object]:
    flags = {"hoist": False, "managed": False, "mentionable": False, "flags": 0}
    look = {"position": 0, "color": 0, "colors": {}}
    return {"id": number, "name": name, "permissions": str(permissions), **look, **flags}


def message_json(text: str) -> dict[str, object]:
    lists = {name: [] for name in ("embeds", "attachments", "mentions", "mention_roles", "components")}
    times = {"timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None}
    flags = {"type": 0, "pinned": False, "tts": False, "mention_everyone": False}
    return {"id": CHANNEL, "channel_id": CHANNEL, "author": ME, "content": text, **lists, **times, **flags}


def _json(body: object, status: int = 200, now: float | None = None) -> web.Response:
    # No charset in the content type: discord.py would not recognize it as JSON.
    headers = {"Content-Type": "application/json", "Date": formatdate(now, usegmt=True)}
    return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
