"""What is known of open 911 calls and of servers: from memory, and asked for anew only when somebody wants it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Container
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Self

from bot.cad.client import CadClient
from bot.cad.line import LONGEST
from bot.cad.model import Answer, CallRef, EmergencyCall, End, Server, Why
from bot.jobs import Jobs
from bot.picker import fold

log = logging.getLogger(__name__)

CALLS_EVERY = 15.0
"""Seconds between two lists of a server's calls, whoever asks and whatever came of the first."""
SERVERS_EVERY = 600.0
"""Seconds for which the list of servers is good."""
PATIENCE = 1.5
"""Seconds that somebody waits for something newer: autocomplete has 3 in all, and can't be deferred."""
MOST_SERVERS = 100
"""Servers whose calls are remembered: people may type any number."""


@dataclass(frozen=True, slots=True)
class SeenCalls:
    """Open calls as last seen, in the CAD's order.

    `at` is the time of day at which the CAD was asked, of the oldest list among them; None where there is none yet.
    `trouble` is why there is nothing newer, where that is known. NOT_SENT with PLAN: the community has no Plus.
    `whole` is False where some of what the CAD listed could not be read, and `less` is True where some was removed
    since it was listed.
    """

    calls: tuple[EmergencyCall, ...] = ()
    at: float | None = None
    trouble: Answer | None = None
    whole: bool = True
    less: bool = False

    @property
    def no_plus(self) -> bool:
        """Say whether the community's plan lacks the list."""
        return self.trouble is not None and Why.PLAN in (self.trouble.why, self.trouble.because)

    @property
    def no_list(self) -> bool:
        """Say whether there is no list at all: the plan lacks it, or the CAD has no such server."""
        return self.no_plus or (self.trouble is not None and self.trouble.why is Why.NO_SUCH_SERVER)

    def without(self, refs: Container[CallRef]) -> SeenCalls:
        """Take out what was removed since."""
        calls = tuple(call for call in self.calls if call.ref not in refs)
        return replace(self, calls=calls, less=self.less or len(calls) < len(self.calls))


@dataclass(frozen=True, slots=True)
class SeenServers:
    """The servers as last seen, with the trouble as for calls. NOT_SENT with PLAN: not even Standard is there."""

    servers: tuple[Server, ...] = ()
    trouble: Answer | None = None


@dataclass(slots=True)
class _Sheet:
    """What is known of one server's calls. `tried` is when they were last asked for, by the monotonic clock."""

    seen: SeenCalls = field(default_factory=SeenCalls)
    tried: float = float("-inf")
    # Is there while a list is wanted or on its way; whoever wants one too waits for the same.
    coming: asyncio.Event | None = None


@dataclass(slots=True)
class _Servers:
    seen: SeenServers = field(default_factory=SeenServers)
    tried: float = float("-inf")
    coming: asyncio.Task[None] | None = None


class Board:
    """Open it before Discord, close it after: its timers belong to nobody's command.

    One list of calls is asked for at a time, so that the board never holds more than one place in the line, and
    there everything that changes something goes first.

    Args:
        cad: the client that it asks.
        patience: seconds after which whoever asks gets what is known.
    """

    def __init__(self, cad: CadClient, patience: float = PATIENCE) -> None:
        self._cad = cad
        self._patience = patience
        self._jobs = Jobs()
        self._sheets: dict[int, _Sheet] = {}
        self._servers = _Servers()
        self._fetching: asyncio.Task[None] | None = None
        # When a call was removed: no list that was asked for before that brings it back.
        self._removed: dict[CallRef, float] = {}

    async def __aenter__(self) -> Self:
        self._jobs.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in (self._fetching, self._servers.coming):
            if task is not None:
                task.cancel()
        await self._jobs.close()

    # For commands: plain futures, resolved in good time with what is known. Nothing is raised.

    async def calls(self, server_id: int | None = None) -> SeenCalls:
        """Return the open calls of a server, or of all that the CAD lists."""
        return await self._jobs.do(partial(self._see_calls, server_id), self._known_calls(server_id))

    async def servers(self) -> SeenServers:
        """Return the community's servers."""
        return await self._jobs.do(self._see_servers, self._servers.seen)

    @property
    def known_servers(self) -> tuple[Server, ...]:
        """The community's servers as last seen, at once and without asking."""
        return self._servers.seen.servers

    def call(self, ref: CallRef) -> EmergencyCall | None:
        """Return a call as last seen, however long ago; None where it is not on the board."""
        sheet = self._sheets.get(ref.server_id, _Sheet())
        return next((call for call in sheet.seen.calls if call.ref == ref), None)

    def removed(self, ref: CallRef) -> None:
        """Take a call off the board: it was removed, or is not there."""
        now = monotonic()
        self._removed = {old: at for old, at in self._removed.items() if at > now - LONGEST} | {ref: now}
        if sheet := self._sheets.get(ref.server_id):
            sheet.seen = sheet.seen.without({ref})

    def created(self, server_id: int) -> None:
        """Have a server's calls asked for anew as soon as anybody wants them: there may be one more."""
        if sheet := self._sheets.get(server_id):
            sheet.tried = float("-inf")

    # In jobs.

    async def _see_calls(self, server_id: int | None) -> SeenCalls:
        if not self._off:
            ends = monotonic() + self._patience
            listed = self._servers.seen
            if server_id is None:
                listed = await self._see_servers()
            numbers = [one.id for one in listed.servers] if server_id is None or listed.servers else [server_id]
            wanted = [number for number in numbers if server_id in (None, number)]
            coming = [event for number in wanted if (event := self._want(number))]
            await _all_of(coming, ends - monotonic())
        return self._known_calls(server_id)

    def _known_calls(self, server_id: int | None) -> SeenCalls:
        if self._off:
            return SeenCalls(trouble=Answer(End.NOT_SENT, Why.PLAN))
        if server_id is not None:
            seen = self._sheets.get(server_id, _Sheet()).seen
            if seen.at is None and self.known_servers and server_id not in {one.id for one in self.known_servers}:
                return SeenCalls(trouble=Answer(End.NOT_SENT, Why.NO_SUCH_SERVER))  # and so it is not asked for
            return seen
        every = [sheet.seen for sheet in self._sheets.values()]
        return SeenCalls(
            tuple(call for seen in every for call in seen.calls),
            min((seen.at for seen in every if seen.at is not None), default=None),
            next((seen.trouble for seen in every if seen.trouble), None) or self._servers.seen.trouble,
            all(seen.whole for seen in every),
            any(seen.less for seen in every),
        )

    @property
    def _off(self) -> bool:
        return self._cad.plan is not None and not self._cad.plan.lists_calls

    def _want(self, server_id: int) -> asyncio.Event | None:
        """Have a server's calls asked for where that is due; return what says when they have come."""
        sheet = self._sheets.get(server_id)
        if sheet is None:
            if len(self._sheets) >= MOST_SERVERS:
                idle = [one for one, kept in self._sheets.items() if kept.coming is None]
                if not idle:
                    return None
                del self._sheets[min(idle, key=lambda one: self._sheets[one].tried)]
            sheet = self._sheets[server_id] = _Sheet()
        if sheet.coming is None and monotonic() >= sheet.tried + CALLS_EVERY:
            sheet.coming = asyncio.Event()
            if self._fetching is None or self._fetching.done():
                self._fetching = asyncio.create_task(self._fetch_calls(), name="board-calls")
        return sheet.coming

    async def _fetch_calls(self) -> None:
        """Ask for what is wanted, one server after the other, the stalest first."""
        while wanted := [number for number, sheet in self._sheets.items() if sheet.coming is not None]:
            server_id = min(wanted, key=lambda number: self._sheets[number].tried)
            sheet = self._sheets[server_id]
            asked, at = monotonic(), time.time()
            sheet.tried = asked
            try:
                listed = await self._cad.calls(server_id)
                if isinstance(listed, Answer):
                    failed = replace(sheet.seen, trouble=listed)
                    # Where there is no list any more, what it once held is none.
                    sheet.seen = SeenCalls(trouble=listed) if failed.no_list else failed
                    continue
                for call in listed.calls:
                    fold(call)
                    await asyncio.sleep(0)  # nobody who types waits for more than one of them
                since = {ref for ref, gone in self._removed.items() if gone >= asked}
                sheet.seen = SeenCalls(listed.calls, at, whole=listed.whole).without(since)
            except Exception:
                log.exception("the board's list of calls: a bug in this bot")
            finally:
                if sheet.coming is not None:
                    sheet.coming.set()
                sheet.coming = None

    async def _see_servers(self) -> SeenServers:
        servers, now = self._servers, monotonic()
        every = CALLS_EVERY if servers.seen.trouble else SERVERS_EVERY
        if servers.coming is None and now >= servers.tried + every:
            servers.tried = now
            servers.coming = asyncio.create_task(self._fetch_servers(), name="board-servers")
        if servers.coming is not None:
            await asyncio.wait([servers.coming], timeout=self._patience)
        return servers.seen

    async def _fetch_servers(self) -> None:
        servers = self._servers
        try:
            listed = await self._cad.servers()
            if isinstance(listed, Answer):
                servers.seen = replace(servers.seen, trouble=listed)
            else:
                servers.seen = SeenServers(listed)
        except Exception:
            log.exception("the board's list of servers: a bug in this bot")
        finally:
            servers.coming = None


async def _all_of(events: list[asyncio.Event], seconds: float) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    if waits:
        _, late = await asyncio.wait(waits, timeout=max(seconds, 0))
        for wait in late:
            wait.cancel()
