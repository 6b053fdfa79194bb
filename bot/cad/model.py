"""What is said to the CAD and what comes back, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from yarl import URL

MAX_ID = 2**31 - 1
"""The largest id: the CAD's ids are 32-bit integers that begin at 1."""


@dataclass(frozen=True, slots=True)
class CallRef:
    """One 911 call: its number, and the CAD server that it is on."""

    server_id: int
    call_id: int

    def __str__(self) -> str:
        return f"call {self.call_id} on server {self.server_id}"


@dataclass(frozen=True, slots=True)
class Account:
    """Which CAD, and as whom. The key opens everything that the community has there."""

    url: URL
    community_id: str
    key: str = field(repr=False)


class Kind(IntEnum):
    """A kind of request, as the CAD limits and refuses it. The lower goes first: removals before look-ups."""

    REMOVE = 0
    CALLS = 1
    VERSION = 2


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a dialect builds it. The body holds the key, so it has no place in a `repr`."""

    kind: Kind
    method: str
    path: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over the wire.

    `content` is None where the body could not be used: compressed, or too large.
    `retry_after` is the advice in seconds, or None where there was none that could be read.
    """

    status: int
    media_type: str = ""
    content: bytes | None = field(default=b"", repr=False)
    retry_after: float | None = None


class Plan(IntEnum):
    """The plan of a community's CAD, by the number with which the answer to GET_VERSION begins."""

    FREE = 0
    STARTER = 1
    STANDARD = 2
    PLUS = 3
    PRO = 4
    SONORAN_ONE = 6

    @property
    def lists_calls(self) -> bool:
        """Say whether GET_CALLS is part of it."""
        return self >= Plan.PLUS


class End(Enum):
    """How a removal ended. Nothing but REMOVED may ever be told as a success."""

    REMOVED = "removed"
    GONE = "already gone"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


class Why(Enum):
    """What made it end so; each has words of its own."""

    CONFIRMED = auto()
    # already gone
    NO_SUCH_CALL = auto()
    NOT_LISTED = auto()
    REMOVED_BEFORE = auto()
    # rejected: somebody has to mend something
    WRONG_URL = auto()
    REQUEST_TYPE = auto()
    COMMUNITY_ID = auto()
    API_OFF = auto()
    ENDPOINT_OFF = auto()
    API_KEY = auto()
    PLAN = auto()
    FORBIDDEN = auto()
    OTHER_REFUSAL = auto()
    # not sent: it can be tried again
    NO_CONNECTION = auto()
    CERTIFICATE = auto()
    BUSY = auto()
    LINE_FULL = auto()
    BREAKER = auto()
    CLOSING = auto()
    JOURNAL = auto()
    # unknown: sent, and no usable answer
    NO_ANSWER = auto()
    CONNECTION_LOST = auto()
    SERVER_ERROR = auto()
    UNREADABLE = auto()
    STOPPED = auto()
    # not sent, or unknown: as the journal showed after a restart
    RESTARTED = auto()
    OUR_BUG = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to.

    `said` is the CAD's own text: unbounded and not to be trusted, but without our secrets.
    `status` is the HTTP status, or None where no answer came.
    `retry_after` is the CAD's advice in seconds, or None.
    `at` is a time of day in seconds since the epoch, where the `why` has one: when it can be tried again, when the
    call was seen, when the breaker opened. `because` is what opened it.
    """

    end: End
    why: Why
    said: str = ""
    status: int | None = None
    retry_after: float | None = None
    at: float | None = None
    because: Why | None = None

    @property
    def done(self) -> bool:
        """Say whether the CAD did what was asked; a look-up that was answered is done too."""
        return self.end is End.REMOVED


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in the line: how many go before, and when their turn should be (seconds since 1970)."""

    ahead: int
    at: float
