"""Lines of the journal as values: who asked, what is on record, and which lines are meant."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.cad.model import Answer, CallRef, End, Why

REMOVE, CREATE = "remove", "create"
"""What can be asked for."""
CREATED, REFUSED = "created", "refused"
"""The outcomes of a call that was created again, and of an attempt by somebody who may not; the others are `End`'s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked, from where and in which way: Discord's ids, and the interaction's token."""

    user_id: int
    guild_id: int
    channel_id: int | None
    way: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal, as its columns are called."""

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
        """Name the call. Somebody who was refused may have named none: then the ids are 0."""
        return CallRef(self.server_id or 0, self.call_id or 0)

    @property
    def answer(self) -> Answer | None:
        """Return how it ended, as far as the journal knows; None for an open entry and a refused attempt."""
        if self.outcome is None or self.why is None or self.outcome == REFUSED:
            return None
        if self.outcome == CREATED:
            return Answer(End.REMOVED, Why[self.why], status=self.status, created=int(self.reference or 0))
        return Answer(End(self.outcome), Why[self.why], status=self.status, reference=self.reference or "")


def end_of(answer: Answer) -> dict[str, str | int | None]:
    """Return an answer as columns: what `Entry.answer` reads."""
    reference = answer.reference if answer.created is None else str(answer.created)
    return {
        "outcome": answer.end.value if answer.created is None else CREATED,
        "why": answer.why.name,
        "status": answer.status,
        "reference": reference or None,
    }


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are meant; None: all."""

    call_id: int | None = None
    user_id: int | None = None
    outcome: str | None = None


def page_query(wanted: Filter, before: int | None, most: int) -> tuple[str, dict[str, object]]:
    """Build the statement behind a page of history; each of its forms is answered from an index."""
    given: dict[str, object] = {
        name: value for name in ("call_id", "user_id", "outcome") if (value := getattr(wanted, name)) is not None
    }
    # Call, then person, then outcome: the first says most. The + keeps SQLite from using another's index.
    conditions = [f"{'+' if place else ''}{name} = :{name}" for place, name in enumerate(given)]
    if before is not None:
        conditions.append("number < :before")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    # The names in it are those three.
    return f"SELECT * FROM entries {where}ORDER BY number DESC LIMIT :most", {**given, "before": before, "most": most}  # noqa: S608
