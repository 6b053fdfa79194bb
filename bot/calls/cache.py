"""The cache of open 911 calls and of servers. It sends nothing until a command needs newer data."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Container, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Generic, Self, TypeVar

from bot.cad.client import CadClient
from bot.cad.models import CallRef, EmergencyCall, ServerList
from bot.cad.request_queue import MAX_WAIT
from bot.cad.results import Outcome, Reason, Result
from bot.calls.search import index_texts
from bot.clock import Clock
from bot.tasks import BackgroundTasks

log = logging.getLogger(__name__)
S = TypeVar("S")

CALLS_MAX_AGE = 15.0
"""Seconds for which a server's calls are used, and until a failed list is requested again. Also the age up to which a
list of servers is used if it lacks a server that somebody asks for: that server may be new."""
SERVERS_MAX_AGE = 600.0
"""Seconds for which the list of servers is used otherwise."""
REFRESH_WAIT = 1.5
"""Seconds that a command waits for newer data. Autocomplete has 3 in all, and can't be deferred."""
MAX_CACHED_SERVERS = 100
"""Servers whose calls are cached: members may type any id."""


@dataclass(frozen=True, slots=True)
class CallsSnapshot:
    """Open calls as last listed, in the CAD's order.

    Attributes:
        calls: the calls, of one server or of all.
        listed_at: when the oldest of the lists was requested, in seconds since 1970; None before the first.
        error: why there is nothing newer, if that is known. NOT_SENT with PLAN: the community has no Plus.
        complete: False if some of what the CAD listed could not be read.
        pruned: True if a call was taken out because it was removed after it was listed.
    """

    calls: tuple[EmergencyCall, ...] = ()
    listed_at: float | None = None
    error: Result | None = None
    complete: bool = True
    pruned: bool = False

    @property
    def plan_too_low(self) -> bool:
        """Say whether the community's plan does not include the list."""
        return self.error is not None and Reason.PLAN in (self.error.reason, self.error.breaker_reason)

    def without(self, refs: Container[CallRef]) -> CallsSnapshot:
        """Return a copy without calls that were removed since."""
        calls = tuple(call for call in self.calls if call.ref not in refs)
        return replace(self, calls=calls, pruned=self.pruned or len(calls) < len(self.calls))


@dataclass(frozen=True, slots=True)
class ServersSnapshot:
    """The servers as last listed, and the error as for calls. NOT_SENT with PLAN: the plan is below Standard."""

    listed: ServerList
    error: Result | None = None

    def proves_missing(self, server_id: int) -> bool:
        """Return True if the CAD had no such server at `listed.listed_at`.

        If the list can't be refreshed, it proves nothing: the CAD may be asked for the server all the same.
        """
        return self.error is None and self.listed.proves_missing(server_id)


@dataclass(eq=False, slots=True)
class _Cached(Generic[S]):
    """A snapshot, how to refresh it, and when that was last tried, by the monotonic clock."""

    snapshot: S
    fetch: Callable[[_Cached[S]], Coroutine[None, None, None]]
    requested_at: float = float("-inf")


class _Refresher:
    """Refreshes cached lists one at a time, the stalest first. Callers that need the same list share one request."""

    def __init__(self, name: str, tasks: BackgroundTasks, clock: Clock) -> None:
        self._name = name
        self._tasks = tasks
        self._clock = clock
        self.pending: dict[_Cached[Any], asyncio.Event] = {}

    def request(self, cached: _Cached[Any], max_age: float) -> asyncio.Event | None:
        """Refresh a list that is older than `max_age` seconds. Return the event that ends its refresh, if any."""
        if cached not in self.pending and self._clock.monotonic() >= cached.requested_at + max_age:
            if not self.pending:
                self._tasks.spawn(self._run)
            self.pending[cached] = asyncio.Event()
        return self.pending.get(cached)

    async def _run(self) -> None:
        try:
            while self.pending:
                cached = min(self.pending, key=lambda one: one.requested_at)
                cached.requested_at = self._clock.monotonic()
                try:
                    await cached.fetch(cached)
                except Exception:
                    log.exception("a bug in this bot: the list of %s was not refreshed", self._name)
                self.pending.pop(cached).set()
        finally:  # after a cancellation, nobody waits in vain, and the next request starts anew
            for refreshed in self.pending.values():
                refreshed.set()
            self.pending.clear()


class CallCache:
    """Open calls and servers, from memory. Open it before Discord, close it after.

    It requests one list of calls at a time, so it never holds more than one position in the queue, where writes
    overtake it. A command waits `refresh_wait` seconds for newer data, then gets what is cached.
    """

    def __init__(self, cad: CadClient, refresh_wait: float = REFRESH_WAIT) -> None:
        self._cad = cad
        self._clock = cad.clock
        self._refresh_wait = refresh_wait
        self._tasks = BackgroundTasks()
        self._by_server: dict[int, _Cached[CallsSnapshot]] = {}
        # Why there is no newer list of servers. The list itself is the client's, who fetches it for others too.
        self._servers_error = _Cached[Result | None](None, self._fetch_servers)
        self._calls_refresher = _Refresher("open calls", self._tasks, self._clock)
        self._servers_refresher = _Refresher("servers", self._tasks, self._clock)
        # When each call was removed: a list that was requested earlier does not bring it back. The order is counted: a
        # clock that ticks every 16 ms, as on Windows, can't tell which of two came first.
        self._removed: dict[CallRef, tuple[int, float]] = {}
        self._steps = count()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._tasks.close()

    # For commands, which only wait for plain futures. Nothing is raised.

    async def calls(self, server_id: int | None = None, wait: float | None = None) -> CallsSnapshot:
        """Return the open calls of a server, or of every server that the CAD lists. `wait` replaces `refresh_wait`."""
        refreshed = partial(self._refreshed_calls, server_id, self._refresh_wait if wait is None else wait)
        return await self._tasks.run(refreshed, self._cached_calls(server_id))

    async def calls_by_server(self, wait: float) -> dict[int, CallsSnapshot]:
        """Return the open calls of every server that the CAD lists, by the server's id; empty if it lists none.

        If the plan includes no list, its refusal stands for all servers, under the id 0.
        """
        every = await self.calls(None, wait)
        if every.plan_too_low:
            return {0: every}
        return {server.id: self._cached_calls(server.id) for server in self.cached_servers.listed.servers}

    async def servers(self, wanted: int | None = None) -> ServersSnapshot:
        """Return the community's servers; `wanted` is the id of one that somebody asks for."""
        refreshed = partial(self._refreshed_servers, self._refresh_wait, wanted)
        return await self._tasks.run(refreshed, self.cached_servers)

    @property
    def cached_servers(self) -> ServersSnapshot:
        """The community's servers as last listed. Sends nothing."""
        return ServersSnapshot(self._cad.last_servers, self._servers_error.snapshot)

    def find(self, ref: CallRef) -> EmergencyCall | None:
        """Return a call as last listed, however long ago; None if it is not in the cache."""
        return next((call for call in self._snapshot(ref.server_id).calls if call.ref == ref), None)

    def elsewhere(self, ref: CallRef) -> tuple[EmergencyCall, float] | None:
        """Return an open call with the same number on another server, and when it was listed. Sends nothing."""
        for server_id, cached in sorted(self._by_server.items()):
            call = self.find(CallRef(server_id, ref.call_id))
            if call is not None and server_id != ref.server_id and cached.snapshot.listed_at is not None:
                return call, cached.snapshot.listed_at
        return None

    def seen_open(self, ref: CallRef, seconds: float) -> bool:
        """Return True if the CAD listed a call as open in the last `seconds` seconds, and it was not removed since."""
        listed_at = self._snapshot(ref.server_id).listed_at
        return listed_at is not None and listed_at > self._clock.wall() - seconds and self.find(ref) is not None

    def mark_removed(self, ref: CallRef) -> None:
        """Take a call out of the cache: it was removed, or the CAD says that it is gone."""
        now = self._clock.monotonic()
        kept = {old: (step, at) for old, (step, at) in self._removed.items() if at > now - MAX_WAIT}
        self._removed = kept | {ref: (next(self._steps), now)}
        if cached := self._by_server.get(ref.server_id):
            cached.snapshot = cached.snapshot.without({ref})

    def mark_stale(self, server_id: int) -> None:
        """Let the next command that needs a server's calls refresh them: a call may have been created."""
        if cached := self._by_server.get(server_id):
            cached.requested_at = float("-inf")

    # In background tasks.

    async def _refreshed_calls(self, server_id: int | None, wait: float) -> CallsSnapshot:
        if not self._plan_too_low:
            end = asyncio.get_running_loop().time() + wait
            if server_id is None or self.cached_servers.proves_missing(server_id):
                await self._refreshed_servers(wait, server_id)
            servers = self.cached_servers
            wanted = [server.id for server in servers.listed.servers]
            if server_id is not None:
                wanted = [] if servers.proves_missing(server_id) else [server_id]
            refreshes = [event for one in wanted if (event := self._request_calls(one))]
            await _wait_for_all(refreshes, end)
        return self._cached_calls(server_id)

    def _cached_calls(self, server_id: int | None) -> CallsSnapshot:
        if self._plan_too_low:
            return CallsSnapshot(error=Result(Outcome.NOT_SENT, Reason.PLAN))
        if server_id is not None:
            snapshot, servers = self._snapshot(server_id), self.cached_servers
            if snapshot.listed_at is None and servers.proves_missing(server_id):
                listed_at = servers.listed.listed_at
                return CallsSnapshot(error=Result(Outcome.NOT_SENT, Reason.NO_SUCH_SERVER, listed_at=listed_at))
            return snapshot
        every = [cached.snapshot for cached in self._by_server.values()]
        return CallsSnapshot(
            tuple(call for snapshot in every for call in snapshot.calls),
            min((snapshot.listed_at for snapshot in every if snapshot.listed_at is not None), default=None),
            next((snapshot.error for snapshot in every if snapshot.error), None) or self._servers_error.snapshot,
            all(snapshot.complete for snapshot in every),
            any(snapshot.pruned for snapshot in every),
        )

    def _snapshot(self, server_id: int) -> CallsSnapshot:
        cached = self._by_server.get(server_id)
        return CallsSnapshot() if cached is None else cached.snapshot

    @property
    def _plan_too_low(self) -> bool:
        return self._cad.plan is not None and not self._cad.plan.lists_calls

    def _request_calls(self, server_id: int) -> asyncio.Event | None:
        """Refresh a server's calls if they are due. A full cache drops the stalest server first."""
        if server_id not in self._by_server:
            if len(self._by_server) >= MAX_CACHED_SERVERS:
                idle = [one for one, kept in self._by_server.items() if kept not in self._calls_refresher.pending]
                if not idle:
                    return None
                del self._by_server[min(idle, key=lambda one: self._by_server[one].requested_at)]
            self._by_server[server_id] = _Cached(CallsSnapshot(), partial(self._fetch_calls, server_id))
        return self._calls_refresher.request(self._by_server[server_id], CALLS_MAX_AGE)

    async def _fetch_calls(self, server_id: int, cached: _Cached[CallsSnapshot]) -> None:
        requested, listed_at = next(self._steps), self._clock.wall()
        listed = await self._cad.open_calls(server_id)
        if isinstance(listed, Result):
            failed = replace(cached.snapshot, error=listed)
            if listed.reason is Reason.NO_SUCH_SERVER:
                failed = CallsSnapshot(error=replace(listed, listed_at=listed_at))
            cached.snapshot = CallsSnapshot(error=listed) if failed.plan_too_low else failed
            return
        now = datetime.fromtimestamp(self._clock.wall(), UTC)
        calls = tuple(_not_ahead(call, now) for call in listed.calls)
        for call in calls:
            index_texts(call)
            await asyncio.sleep(0)  # autocomplete waits for one of them at most
        removed = {ref for ref, (step, _) in self._removed.items() if step > requested}
        cached.snapshot = CallsSnapshot(calls, listed_at, complete=listed.complete).without(removed)

    async def _refreshed_servers(self, wait: float, wanted: int | None = None) -> ServersSnapshot:
        """Refresh the list if it is too old, sooner if it lacks the server with the id `wanted`."""
        servers = self.cached_servers
        soon = servers.error or (wanted is not None and servers.proves_missing(wanted))
        max_age = CALLS_MAX_AGE if soon else SERVERS_MAX_AGE
        if refresh := self._servers_refresher.request(self._servers_error, max_age):
            await _wait_for_all([refresh], asyncio.get_running_loop().time() + wait)
        return self.cached_servers

    async def _fetch_servers(self, cached: _Cached[Result | None]) -> None:
        listed = await self._cad.servers()
        cached.snapshot = listed if isinstance(listed, Result) else None


def _not_ahead(call: EmergencyCall, now: datetime) -> EmergencyCall:
    """Limit a call's update time to now: the CAD's clock may be ahead, and nobody should read "in 2 minutes"."""
    return replace(call, updated=now) if call.updated is not None and call.updated > now else call


async def _wait_for_all(events: list[asyncio.Event], end: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(end):
            for event in events:
                await event.wait()
