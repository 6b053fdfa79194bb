"""The journal's values: requesters, entries, and filters of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result

REMOVE, CREATE = "remove", "create"
"""The values of `action`."""
DENIED = "refused"
"""The outcome of a denied attempt. All others are values of `Outcome`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who made a request, by Discord's ids; the command or button (`way`); and the interaction's token."""

    user_id: int
    guild_id: int
    channel_id: int | None
    way: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the journal, with the names of its columns."""

    number: int
    request: str
    action: str
    asked_at: float
    sent_at: float | None
    ended_at: float | None
    outcome: str | None
    why: str | None
    status: int | None
    reference: str | None
    guild_id: int | None
    channel_id: int | None
    user_id: int | None
    way: str
    server_id: int | None
    call_id: int | None
    token: str | None = field(repr=False)
    unposted: int | None

    @property
    def ref(self) -> CallRef:
        """Return the call. A denied attempt may have no ids; they are 0 then."""
        return CallRef(self.server_id or 0, self.call_id or 0)

    @property
    def result(self) -> Result | None:
        """Return the recorded result, or None for an unfinished entry and a denied attempt."""
        if self.outcome is None or self.why is None or self.outcome == DENIED:
            return None
        outcome, reason, reference = Outcome(self.outcome), Reason[self.why], self.reference or ""
        if outcome is Outcome.CREATED:
            return Result(outcome, reason, status=self.status, new_call_id=int(reference or 0))
        return Result(outcome, reason, status=self.status, reference=reference)

    @property
    def cause(self) -> str:
        """The reason in lower case, with the HTTP status; "not ended yet" for an unfinished entry."""
        if self.outcome is None:
            return "not ended yet"
        if self.outcome == DENIED:
            return "no permission"
        reason = "" if self.why is None else self.why.lower().replace("_", " ")
        return reason + ("" if self.status is None else f" (HTTP {self.status})")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be written: a request, and the columns of its outcome if it has ended already."""

    request: str
    ref: CallRef | None
    action: str = REMOVE
    outcome: Mapping[str, str | int | None] = field(default_factory=dict[str, str | int | None])


def outcome_columns(result: Result) -> dict[str, str | int | None]:
    """Return a result as the columns from which `Entry.result` reads it back."""
    reference = result.reference if result.new_call_id is None else str(result.new_call_id)
    return {
        "outcome": result.outcome.value,
        "why": result.reason.name,
        "status": result.status,
        "reference": reference or None,
    }


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Selects entries by call, member, outcome and time (seconds since 1970). None selects all."""

    call_id: int | None = None
    user_id: int | None = None
    outcome: str | None = None
    since: float | None = None


def page_query(wanted: EntryFilter, before: int | None, limit: int) -> tuple[str, dict[str, object]]:
    """Build the query for a page of history. Each of its forms uses an index."""
    given = {name: value for name in ("call_id", "user_id", "outcome") if (value := getattr(wanted, name)) is not None}
    # `given` starts with the most selective column. A + hides the index of each later one from SQLite.
    conditions = [f"{'+' if index else ''}{name} = :{name}" for index, name in enumerate(given)]
    if wanted.since is not None:
        conditions.append("+asked_at >= :since")
    if before is not None:
        conditions.append("number < :before")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    sql = f"SELECT * FROM entries {where}ORDER BY number DESC LIMIT :limit"  # noqa: S608 - of constants alone
    return sql, {**given, "since": wanted.since, "before": before, "limit": limit}
