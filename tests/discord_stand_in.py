"""As much of Discord, over real HTTP and a real websocket on this machine, as a bot needs to log in and be READY."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from aiohttp import WSMsgType, web

BOT, GUILD, ROLE, CHANNEL, USER = (str(10**17 + number) for number in range(1, 6))


class StandIn:
    """Discord, for one bot in one guild. `sent` is each REST request of the bot: method, path, body.

    With `refuse_with`, the gateway ends every log-in with that close code. What stands in the other attributes may be
    changed: the application, the guilds by their ids, the bot's own roles, what is registered, the clock, the status
    that a path answers with, and how many edits meet a connection that breaks.
    """

    def __init__(self, refuse_with: int | None = None) -> None:
        self._refuse_with = refuse_with
        self.application: dict[str, object] = {"bot_public": False}
        self.guilds: dict[str, dict[str, Any]] = {GUILD: guild(GUILD, "Los Santos", _role(ROLE, "Dispatcher"))}
        self.my_roles: list[str] = []
        self.registered: list[str] = []
        self.clock = time.time
        self.failing: dict[str, tuple[int, int]] = {}
        self.breaking = 0
        self.sent: list[tuple[str, str, Any]] = []
        self.identified = asyncio.Event()
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

    async def command(self, name: str, **options: int) -> None:
        """Let a dispatcher use a command."""
        given = [{"name": option, "type": 4, "value": value} for option, value in options.items()]
        user = {"id": USER, "username": "dana", "discriminator": "0", "avatar": None, "global_name": None}
        member = {"user": user, "roles": [ROLE], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False}
        await self._dispatch(
            "INTERACTION_CREATE",
            {
                "id": str(int(BOT) + 100),
                "application_id": BOT,
                "type": 2,
                "token": "interaction-token",
                "version": 1,
                "guild_id": GUILD,
                "channel_id": CHANNEL,
                "channel": {"id": CHANNEL, "type": 0},
                "member": {**member, "permissions": "0", "flags": 0},
                "data": {"id": str(int(BOT) + 50), "name": name, "type": 1, "guild_id": GUILD, "options": given},
                "entitlements": [],
                "attachment_size_limit": 1000,
            },
        )

    async def _dispatch(self, event: str, data: dict[str, Any]) -> None:
        await self._sockets[-1].send_json({"op": 0, "s": 1, "t": event, "d": data})

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"op": 10, "s": None, "t": None, "d": {"heartbeat_interval": 40_000}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            match message.json()["op"]:
                case 1:
                    await socket.send_json({"op": 11, "s": None, "t": None, "d": None})
                case 2 if self._refuse_with is not None:
                    await socket.close(code=self._refuse_with)
                case 2:
                    await self._ready()
                case _:
                    pass
        return socket

    async def _ready(self) -> None:
        me = {"id": BOT, "username": "911 desk", "discriminator": "0", "avatar": None, "bot": True, "flags": 0}
        guilds = [{"id": number, "unavailable": True} for number in self.guilds]
        session = {"session_id": "s", "resume_gateway_url": "ws://127.0.0.1:9/"}
        await self._dispatch(
            "READY", {"v": 10, "user": me, "guilds": guilds, "application": {"id": BOT, "flags": 0}, **session}
        )
        for one in self.guilds.values():
            await self._dispatch("GUILD_CREATE", one)
        self.identified.set()

    async def _rest(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body and request.content_type == "application/json" else None
        if request.method == "PATCH" and self.breaking and request.transport is not None:
            self.breaking -= 1
            request.transport.abort()
            return web.Response()
        self.sent.append((request.method, request.path, body))
        status, code = next((how for path, how in self.failing.items() if path in request.path), (0, 0))
        if status:
            return _json({"message": "as the test wants it", "code": code}, status, self.clock())
        if request.method == "GET":
            return _json(self._get(request.path), 200, self.clock())
        me = _ME
        if request.method == "PUT":
            # A message command comes with a description too, an empty one.
            fixed = {"application_id": BOT, "version": "1", "default_member_permissions": None, "description": ""}
            return _json([{**fixed, "type": 1, **one, "id": str(int(BOT) + 50)} for one in body or []])
        if request.path.endswith("/callback"):
            return _json({"interaction": {"id": request.path.split("/")[-3], "type": 2}})
        author = {"id": CHANNEL, "channel_id": CHANNEL, "author": me, "content": (body or {}).get("content", "")}
        lists = {name: [] for name in ("embeds", "attachments", "mentions", "mention_roles", "components")}
        times = {"timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None}
        return _json({**author, **lists, **times, "type": 0, "pinned": False, "tts": False, "mention_everyone": False})

    def _get(self, path: str) -> object:
        match path.strip("/").split("/"):
            case ["users", "@me"]:
                return _ME
            case ["oauth2", "applications", "@me"]:
                about = {"description": "", "bot_require_code_grant": False, "verify_key": "", "flags": 0}
                return {
                    "id": BOT,
                    "name": "911 desk",
                    "icon": None,
                    "owner": _ME,
                    "team": None,
                    **about,
                    **self.application,
                }
            case ["users", "@me", "guilds"]:
                return [{"id": one["id"], "name": one["name"]} for one in self.guilds.values()]
            case ["guilds", number]:
                return {key: value for key, value in self.guilds[number].items() if key != "channels"}
            case ["guilds", _, "members", _]:
                joined = {"joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}
                return {"user": _ME, "roles": self.my_roles, **joined}
            case ["channels", number]:
                found = [
                    {**channel, "guild_id": one["id"]}
                    for one in self.guilds.values()
                    for channel in one["channels"]
                    if channel["id"] == number
                ]
                return found[0]
            case ["applications", _, "guilds", _, "commands"]:
                return [{"name": name} for name in self.registered]
            case _:
                return []


_ME = {"id": BOT, "username": "911 desk", "discriminator": "0", "avatar": None, "bot": True}
_GUILD = {
    "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
    "nsfw_level": 0, "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US", "afk_timeout": 0,
    "system_channel_flags": 0, "large": False, "icon": None, "splash": None, "banner": None, "description": None,
}  # fmt: skip


def guild(number: str, name: str, *roles: dict[str, object], everyone: int = 0) -> dict[str, Any]:
    """A guild with a channel; `everyone` is what its @everyone may."""
    text = {"id": CHANNEL, "type": 0, "name": "dispatch", "position": 0, "permission_overwrites": []}
    empty = ("members", "threads", "presences", "voice_states", "stage_instances", "guild_scheduled_events")
    return {
        "id": number, "name": name, "owner_id": USER, "unavailable": False, "channels": [text], "member_count": 2,
        "roles": [_role(number, "@everyone", everyone), *roles], **_GUILD,
        **{name: [] for name in (*empty, "emojis", "stickers", "features", "soundboard_sounds")},
    }  # fmt: skip


def _role(number: str, name: str, may: int = 0) -> dict[str, object]:
    flags = {"hoist": False, "managed": False, "mentionable": False, "flags": 0}
    return {"id": number, "name": name, "permissions": str(may), "position": 0, "color": 0, "colors": {}, **flags}


def _json(body: object, status: int = 200, now: float | None = None) -> web.Response:
    # Without the charset, by which discord.py would not know it as JSON.
    headers = {"Content-Type": "application/json", "Date": formatdate(now, usegmt=True)}
    return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
