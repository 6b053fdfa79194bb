"""Discord's gateway: connections of the bot, and the events that it gets or misses."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.simulation.loop import Process
from tests.simulation.wire import refused
from tests.support.fake_discord import BOT, GUILD, ME, ROLE, guild, role

if TYPE_CHECKING:
    from tests.simulation.world import World

ADMIN_ROLE, AUDIT = str(10**17 + 8), str(10**17 + 9)


class Socket:
    """One gateway connection of the bot."""

    def __init__(self, gateway: Gateway, process: Process) -> None:
        self._gateway, self.process = gateway, process
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self.closed, self.close_code, self.ready = False, None, False
        self.put({"op": 11})  # instead of HELLO, which would start discord.py's thread for heartbeats

    def put(self, event: dict[str, Any]) -> None:
        text = json.dumps({"s": None, "t": None, "d": None, **event})
        message = SimpleNamespace(type=aiohttp.WSMsgType.TEXT, data=text)
        self._gateway.world.loop.after(0.02, self._events.put_nowait, message)

    def event(self, name: str, data: dict[str, Any]) -> None:
        self.put({"op": 0, "s": 1, "t": name, "d": data})

    def break_off(self) -> None:
        self.close_code = 1006
        self._events.put_nowait(SimpleNamespace(type=aiohttp.WSMsgType.CLOSED, data=None))
        self.ready = False

    async def receive(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - heartbeats would come in time
        return await self._events.get()

    async def send_str(self, data: str) -> None:
        if self.closed:
            raise ConnectionResetError("Cannot write to closing transport")
        op = json.loads(data)["op"]
        if op == 2:
            self._gateway.identified(self)
        elif op == 6:
            self._gateway.resumed(self)

    async def close(self, *, code: int = 1000) -> None:
        self.closed, self.close_code, self.ready = True, self.close_code or code, False


class Gateway:
    """The events of one guild, for as many connections as there are."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sockets: list[Socket] = []
        self._missed: list[tuple[str, dict[str, Any]]] = []
        roles = role(ROLE, "Dispatcher"), role(ADMIN_ROLE, "Admin")
        self.guild = guild(GUILD, "Los Santos", *roles, everyone=1 << 10 | 1 << 11 | 1 << 14)
        self.guild["channels"].append({**self.guild["channels"][0], "id": AUDIT, "name": "audit"})

    def send(self, name: str, data: dict[str, Any]) -> bool:
        """Send an event to all that are connected; return False if nobody is. Who comes back gets it then."""
        ready = [socket for socket in self.sockets if socket.ready and not socket.process.dead]
        for socket in ready:
            socket.event(name, data)
        if not ready and self.sockets:
            self._missed.append((name, data))
        return bool(ready)

    def connect(self, process: Process) -> Socket:
        """Take a connection."""
        if self.world.fault("gateway", "connect") in ("away", "new session"):
            raise refused()
        self.sockets = [socket for socket in self.sockets if socket.process is not process]
        self.sockets.append(socket := Socket(self, process))
        return socket

    def identified(self, socket: Socket) -> None:
        """Answer a log-in."""
        session = {"session_id": "s", "resume_gateway_url": "wss://gateway.discord.gg/"}
        guilds = [{"id": GUILD, "unavailable": True}]
        about = {"user": {**ME, "flags": 0}, "application": {"id": BOT, "flags": 0}}
        socket.event("READY", {"v": 10, "guilds": guilds, **about, **session})
        socket.event("GUILD_CREATE", self.guild)
        socket.ready = True
        self._missed.clear()

    def resumed(self, socket: Socket) -> None:
        """Answer a connection that goes on after a break, with all that it missed."""
        if self.world.fault("gateway", "resume") == "new session":
            socket.put({"op": 9, "d": False})
            return
        for name, data in self._missed:
            socket.event(name, data)
        self._missed.clear()
        socket.event("RESUMED", {})
        socket.ready = True

    def break_off(self) -> None:
        """Break all connections."""
        for socket in self.sockets:
            socket.break_off()

    def forget(self, process: Process) -> None:
        """Drop a process that has ended, and what it missed."""
        self.sockets = [socket for socket in self.sockets if socket.process is not process]
        self._missed.clear()
