"""How a request to the CAD ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Outcome(Enum):
    """How an operation ended. REMOVED and CREATED are the only successes: the CAD confirmed it.

    GONE_UNCONFIRMED: the call was seen open, its removal was sent and not answered, and then the call was not there.
    """

    REMOVED = "removed"
    GONE = "already gone"
    GONE_UNCONFIRMED = "gone after our request, not confirmed"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    CREATED = "created"


class Reason(Enum):
    """Why it ended so. The journal stores these names."""

    CONFIRMED = auto()
    # already gone
    NO_SUCH_CALL = auto()
    NOT_LISTED = auto()
    REMOVED_BEFORE = auto()
    UNCONFIRMED_BEFORE = auto()
    # rejected: a person has to fix the cause
    WRONG_URL = auto()
    REQUEST_TYPE = auto()
    COMMUNITY_ID = auto()
    API_OFF = auto()
    ENDPOINT_OFF = auto()
    API_KEY = auto()
    PLAN = auto()
    NO_SUCH_SERVER = auto()
    FORBIDDEN = auto()
    OTHER_REFUSAL = auto()
    # not sent: a retry is safe
    NO_CONNECTION = auto()
    CERTIFICATE = auto()
    BUSY = auto()
    LINE_FULL = auto()
    PLAN_UNKNOWN = auto()
    BREAKER = auto()
    CLOSING = auto()
    EXPIRED = auto()
    JOURNAL = auto()
    # unknown: sent, but without a usable response
    NO_ANSWER = auto()
    CONNECTION_LOST = auto()
    SERVER_ERROR = auto()
    UNREADABLE = auto()
    UNCLEAR = auto()
    STOPPED = auto()
    # not sent or unknown
    RESTARTED = auto()  # recovered from the journal after a restart
    OUR_BUG = auto()


@dataclass(frozen=True, slots=True)
class Result:
    """How a request to the CAD ended. Times ending in `_at` are in seconds since 1970.

    Attributes:
        outcome: how it ended.
        reason: why.
        cad_text: the CAD's own text: of any length and untrusted, but without the bot's secrets.
        status: the HTTP status, or None without a response.
        retry_after: the seconds that the CAD asks to wait, or None.
        reference: the id by which the CAD's support finds the request (v2's `traceId`): letters, digits and `.:|_-`.
        new_call_id: the number of the call that was created.
        retry_at: when a retry is possible.
        seen_open_at: when the CAD listed the call as open after the removal was sent.
        removed_at: when this bot removed the call before.
        listed_at: when the CAD was asked for the list of servers that lacks this server, or for the server's calls.
        opened_at: when the circuit breaker opened, because of `breaker_reason`.
    """

    outcome: Outcome
    reason: Reason
    cad_text: str = ""
    status: int | None = None
    retry_after: float | None = None
    reference: str = ""
    new_call_id: int | None = None
    retry_at: float | None = None
    seen_open_at: float | None = None
    removed_at: float | None = None
    listed_at: float | None = None
    opened_at: float | None = None
    breaker_reason: Reason | None = None

    @property
    def succeeded(self) -> bool:
        """True if the CAD did what was requested."""
        return self.outcome in (Outcome.REMOVED, Outcome.CREATED)

    @property
    def is_gone(self) -> bool:
        """True if the call that was to be removed is not open any more, for whatever reason."""
        return self.outcome in (Outcome.REMOVED, Outcome.GONE, Outcome.GONE_UNCONFIRMED)

    @property
    def cause(self) -> str:
        """The reason, the HTTP status and the CAD's reference, for a log line."""
        status = "" if self.status is None else f", HTTP {self.status}"
        reference = f", reference {self.reference}" if self.reference else ""
        return self.reason.name.lower().replace("_", " ") + status + reference


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """A position in the queue: how many requests go before, and when the slot is expected (seconds since 1970)."""

    ahead: int
    expected_at: float
