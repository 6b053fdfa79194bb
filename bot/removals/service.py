"""Removes and re-creates calls. Every command and button does it through `RemovalService`."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.cad.client import CadClient, OnWait
from bot.cad.models import CallRef, EmergencyCall, valid_id
from bot.cad.operation import Operation
from bot.cad.results import Outcome, Reason, Result
from bot.calls.cache import CallCache
from bot.journal.database import JournalError
from bot.journal.entries import CREATE, Entry, NewEntry, Requester, outcome_columns
from bot.journal.store import Journal
from bot.removals.errors import AlreadyRecreated, InvalidId
from bot.removals.replies import OpenReplies
from bot.removals.result import RemovalResult, log_result

log = logging.getLogger(__name__)
T = TypeVar("T", bound=Hashable)

REMEMBER_SECONDS = 600.0
"""Seconds for which a removal is remembered. If it is requested again in that time, nothing is sent."""
RECORD_SECONDS = 30.0
"""Seconds after which a request that the journal does not take is refused. Recovery ends an entry that comes later."""
RECREATE_SECONDS = 600.0
"""Seconds for which a removed call can be re-created."""


class _JournalRecorder:
    """Records a request's progress in the journal, for every entry that shares the request."""

    def __init__(self, ref: CallRef, journal: Journal, live: set[str]) -> None:
        self.request = secrets.token_hex(8)
        self._ref = ref
        self._journal = journal
        self._live = live

    async def before_send(self) -> bool:
        """Record that the request is about to be sent. Return False if that fails."""
        try:
            await self._journal.mark_sent(self.request)
        except JournalError as error:
            log.error("%s: nothing is sent, because the journal can't be written (%s)", self._ref, error)
            return False
        return True

    async def finished(self, result: Result, /) -> None:
        """Record the result."""
        try:
            if result.reason is not Reason.STOPPED:  # else the next start may find out more
                await self._journal.mark_ended(self.request, result)
        except JournalError as error:
            log.error(
                "%s ended as %s (%s), but the journal can't be written (%s). Its entry is unfinished until it can be",
                self._ref,
                result.outcome.value.upper(),
                result.cause,
                error,
            )
        finally:
            self._live.discard(self.request)


class _SharedRemoval(_JournalRecorder):
    """One removal, shared by all members who request it while it is in progress. `call` is as last listed."""

    def __init__(self, ref: CallRef, journal: Journal, live: set[str], cache: CallCache) -> None:
        super().__init__(ref, journal, live)
        self._cache = cache
        self.call = cache.find(ref)
        self.known_open = cache.seen_open(ref, REMEMBER_SECONDS)
        self.operation: Operation | None = None

    @property
    def in_progress(self) -> bool:
        """True until callers have the result."""
        return self.operation is not None and self.operation.result is None

    async def finished(self, result: Result, /) -> None:
        """Record the result."""
        if result.is_gone:
            self._cache.mark_removed(self._ref)
        await super().finished(result)


@dataclass(frozen=True, slots=True)
class StartedRemoval:
    """A removal that was requested. `pending` is its operation, or its result if it ended at once.

    `requested_at` is by the monotonic clock.
    """

    ref: CallRef
    requester: Requester
    requested_at: float
    pending: Operation | RemovalResult
    call: EmergencyCall | None = None
    request: str = ""


class RemovalService:
    """Removes and re-creates calls. Every request is in the journal before anything is sent.

    Attributes:
        replies: the replies of this run that members still wait for.
    """

    def __init__(self, cad: CadClient, journal: Journal, cache: CallCache) -> None:
        self.replies = OpenReplies(journal, cad.clock)
        self._cad = cad
        self._clock = cad.clock
        self._journal = journal
        self._cache = cache
        # The requests of this run that have not ended.
        self._live: set[str] = set()
        # Held from looking a request up to starting it. Otherwise a member could read "nothing was sent" while another
        # member's request for the same call is about to be sent.
        self._recording = asyncio.Lock()
        # Further requests for a call that is being removed share that removal.
        self._in_progress: dict[CallRef, _SharedRemoval] = {}
        # Which members were told that the bot had already removed a call, and when. If they ask again, they mean it.
        self._told: dict[tuple[int, CallRef], float] = {}
        # The removals whose call was re-created, and when. All members who shared one have the button.
        self._recreated: dict[str, float] = {}

    async def remove(self, ref: CallRef, requester: Requester, on_wait: OnWait | None = None) -> RemovalResult:
        """Remove a call and return how that ended: `start` and `wait_for` in one.

        Raises:
            InvalidId: an id is outside the CAD's range; nothing was sent.
        """
        (started,) = await self.start([ref], requester)
        return await self.wait_for(started, on_wait)

    async def start(self, refs: Sequence[CallRef], requester: Requester) -> list[StartedRemoval]:
        """Record removals in the journal, all or none, and start them.

        Raises:
            InvalidId: an id is outside the CAD's range; nothing was sent.
        """
        for ref in refs:
            validate_id("call_id", ref.call_id)
            validate_id("server_id", ref.server_id)
        plans: dict[CallRef, _SharedRemoval | RemovalResult] = {}
        try:
            async with asyncio.timeout(RECORD_SECONDS), self._recording:
                for ref in refs:
                    plans[ref] = await self._plan(ref, requester)
                recorded = await self._record(requester, *(_new_entry(ref, plan) for ref, plan in plans.items()))
                return [self._started(ref, requester, plans[ref], recorded=recorded) for ref in refs]
        except TimeoutError:
            log.error("%s: no new request is sent, because the journal hangs", ", ".join(map(str, refs)))
        for ref in refs:
            plans.setdefault(ref, self._shared(ref) or self._fresh(ref))
        return [self._started(ref, requester, plans[ref], recorded=False) for ref in refs]

    async def wait_for(self, started: StartedRemoval, on_wait: OnWait | None = None) -> RemovalResult:
        """Wait for a removal. `on_wait` is called as by `CadClient.wait_for`."""
        removal = started.pending
        if isinstance(removal, Operation):
            result = await self._cad.wait_for(removal, on_wait)
            removal = RemovalResult(
                started.ref, result, call=started.call, queue_seconds=removal.queue_seconds, request=started.request
            )
        log_result(removal, started.requester, self._clock.monotonic() - started.requested_at)
        return self._with_hint(removal)

    def _with_hint(self, removal: RemovalResult) -> RemovalResult:
        """Add what the cache knows if the server may be wrong."""
        if removal.result.reason in (Reason.NO_SUCH_CALL, Reason.NOT_LISTED, Reason.NO_SUCH_SERVER):
            elsewhere, servers = self._cache.elsewhere(removal.ref), self._cache.cached_servers.listed.servers
            return replace(removal, servers=servers, elsewhere=elsewhere)
        return removal

    async def recreate(
        self, removed: RemovalResult, requester: Requester, on_wait: OnWait | None = None
    ) -> RemovalResult:
        """Create the call of a removal again, with a new number. Once at most, whatever the CAD answers.

        Raises:
            AlreadyRecreated: it was re-created before, or an attempt was made.
            ValueError: the call's text is not known.
        """
        if removed.call is None:
            raise ValueError("a call without its text can't be created again")
        requested_at = self._clock.monotonic()
        self._forget_older(self._recreated, REMEMBER_SECONDS + RECREATE_SECONDS)
        if removed.request in self._recreated:
            raise AlreadyRecreated
        self._recreated[removed.request] = self._clock.monotonic()
        recorder = _JournalRecorder(removed.ref, self._journal, self._live)
        try:
            async with asyncio.timeout(RECORD_SECONDS), self._recording:
                if not await self._record(requester, NewEntry(recorder.request, removed.ref, CREATE)):
                    return RemovalResult(removed.ref, Result(Outcome.NOT_SENT, Reason.JOURNAL), action=CREATE)
                self._live.add(recorder.request)
                creation = self._cad.start_creation(removed.call, recorder)
        except TimeoutError:
            log.error("%s is not re-created, because the journal hangs", removed.ref)
            return RemovalResult(removed.ref, Result(Outcome.NOT_SENT, Reason.JOURNAL), action=CREATE)
        recreation = RemovalResult(removed.ref, await self._cad.wait_for(creation, on_wait), action=CREATE)
        self._cache.mark_stale(removed.ref.server_id)
        log_result(recreation, requester, self._clock.monotonic() - requested_at)
        return recreation

    async def left_unfinished(self) -> list[Entry]:
        """Return the entries that an earlier run, or a cancelled command, left unfinished.

        Raises:
            JournalError: the journal can't be read.
        """
        async with self._recording:
            live = frozenset(self._live)  # before the read: a request may end meanwhile
            return [entry for entry in await self._journal.unfinished() if entry.request not in live]

    def _shared(self, ref: CallRef) -> _SharedRemoval | None:
        self._in_progress = {ref: one for ref, one in self._in_progress.items() if one.in_progress}
        return self._in_progress.get(ref)

    def _fresh(self, ref: CallRef) -> _SharedRemoval:
        return _SharedRemoval(ref, self._journal, self._live, self._cache)

    async def _plan(self, ref: CallRef, requester: Requester) -> _SharedRemoval | RemovalResult:
        """Return the removal to share or to start, or the result if the bot removed this call a moment ago."""
        if (shared := self._shared(ref)) is not None:
            return shared
        before = await self.removed_before(ref, requester.user_id)
        if before is None:
            self._told.pop((requester.user_id, ref), None)
            return self._fresh(ref)
        return before

    async def removed_before(self, ref: CallRef, user_id: int, since: float = 0.0) -> RemovalResult | None:
        """Return how the bot removed a call a moment ago, or after `since`.

        Each member is told once. Asking again then starts a removal.
        """
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                before = await self._journal.removed_since(ref, max(since, self._clock.wall() - REMEMBER_SECONDS))
        except (JournalError, TimeoutError):
            return None  # then nothing can be recorded either
        self._forget_older(self._told, REMEMBER_SECONDS)
        # A newer list that has the call is right: the CAD may have given its number to a new call.
        if before is None or self._cache.find(ref) is not None or (user_id, ref) in self._told:
            return None
        self._told[user_id, ref] = self._clock.monotonic()
        unconfirmed = before.outcome == Outcome.GONE_UNCONFIRMED.value
        reason = Reason.UNCONFIRMED_BEFORE if unconfirmed else Reason.REMOVED_BEFORE
        return RemovalResult(ref, Result(Outcome.GONE, reason, removed_at=before.ended_at), before.user_id)

    async def _record(self, requester: Requester, *new: NewEntry) -> bool:
        try:
            await self._journal.record(requester, *new)
        except JournalError as error:
            calls = ", ".join(str(one.ref) for one in new)
            log.error("%s: no new request is sent, because the journal can't be written (%s)", calls, error)
            return False
        return True

    def _started(
        self, ref: CallRef, requester: Requester, plan: _SharedRemoval | RemovalResult, *, recorded: bool
    ) -> StartedRemoval:
        if isinstance(plan, RemovalResult):
            return StartedRemoval(ref, requester, self._clock.monotonic(), plan)
        if plan.operation is None:
            if not recorded:
                refused = RemovalResult(ref, Result(Outcome.NOT_SENT, Reason.JOURNAL))
                return StartedRemoval(ref, requester, self._clock.monotonic(), refused)
            self._live.add(plan.request)
            self._in_progress[ref] = plan
            plan.operation = self._cad.start_removal(ref, plan, known_open=plan.known_open)
        # A removal in progress is on record: its result is shared even if this member's own entry could not be written.
        return StartedRemoval(ref, requester, self._clock.monotonic(), plan.operation, plan.call, plan.request)

    def _forget_older(self, times: dict[T, float], seconds: float) -> None:
        for key in [key for key, at in times.items() if at <= self._clock.monotonic() - seconds]:
            del times[key]


def _new_entry(ref: CallRef, plan: _SharedRemoval | RemovalResult) -> NewEntry:
    if isinstance(plan, _SharedRemoval):
        return NewEntry(plan.request, ref)
    return NewEntry(secrets.token_hex(8), ref, outcome=outcome_columns(plan.result))


def validate_id(option: str, value: int) -> None:
    """Raise `InvalidId` for an id that the CAD can't have assigned.

    discord.py does not check the range of an option's value. Malformed requests can get the community's key blocked.
    """
    if valid_id(value) is None:
        raise InvalidId(option, value)
