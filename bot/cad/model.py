"""What is said to the CAD and what comes back, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

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


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a dialect builds it. The body holds the key, so it has no place in a `repr`."""

    method: str
    path: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over the wire.

    `content` is None where the body could not be used: cut off, compressed, or too large.
    `retry_after` is the header as it came, or None.
    """

    status: int
    media_type: str = ""
    content: bytes | None = field(default=b"", repr=False)
    retry_after: str | None = None


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
    NO_SUCH_CALL = auto()
    # rejected: somebody has to mend something
    WRONG_URL = auto()
    REQUEST_TYPE = auto()
    COMMUNITY_ID = auto()
    API_OFF = auto()
    API_KEY = auto()
    PLAN = auto()
    FORBIDDEN = auto()
    OTHER_REFUSAL = auto()
    # not sent: it can be tried again
    NO_CONNECTION = auto()
    CERTIFICATE = auto()
    BUSY = auto()
    CLOSING = auto()
    # unknown: sent, and no usable answer
    NO_ANSWER = auto()
    CONNECTION_LOST = auto()
    SERVER_ERROR = auto()
    UNREADABLE = auto()
    OUR_BUG = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to.

    `said` is the CAD's own text: unbounded and not to be trusted, but without our secrets.
    `status` is the HTTP status, or None where no answer came.
    `retry_after` is the header as it came.
    """

    end: End
    why: Why
    said: str = ""
    status: int | None = None
    retry_after: str | None = None
