"""The fake CAD's HTTP server. It answers both versions of the API at once, on this machine only."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from bot.cad.models import Account
from bot.sandbox.fake_cad import v1, v2
from bot.sandbox.fake_cad.state import FakeCadState, delay


@dataclass
class FakeCad(FakeCadState):
    """One community's CAD, served on the loopback interface."""

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[Account]:
        """Serve, and yield the account to connect with. Port 0 means any free port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._respond)
        # Requests that are never answered would delay the shutdown by a minute.
        self._runner = runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            host, bound_port = runner.addresses[0][:2]
            yield Account(URL.build(scheme="http", host=host, port=bound_port), self.community_id, self.key)
        finally:
            await runner.cleanup()

    async def go_down(self) -> None:
        """Close every connection and accept no more."""
        await self._runner.cleanup()

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            body: object = json.loads(await request.read())
        except (ValueError, RecursionError):
            body = None
        is_v2 = request.path.startswith("/v2/")
        kind = v2.kind_of(request) if is_v2 else v1.kind_of(body)
        self.requests.append((request.path, body))
        self.kinds.append(kind)
        if kind is not None:
            await delay(self.delays_by_kind.get(kind, 0))
        if self.canned is not None:
            status, text = self.canned
            return web.Response(status=status, text=text)
        return await (v2 if is_v2 else v1).respond(self, request, body)
