"""What is said to the CAD and what comes back, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum, auto

from yarl import URL

MAX_ID = 2**31 - 1
"""The largest id: the CAD's ids are 32-bit integers that begin at 1."""


def an_id(value: object) -> int | None:
    """Return an id of the CAD's, or None for what can't be one; JSON's true is an int to Python."""
    return value if type(value) is int and 1 <= value <= MAX_ID else None


@dataclass(frozen=True, slots=True)
class CallRef:
    """One 911 call: its number, and the CAD server that it is on."""

    server_id: int
    call_id: int

    def __str__(self) -> str:
        return f"call {self.call_id} on server {self.server_id}"


@dataclass(frozen=True, slots=True)
class EmergencyCall:
    """An open 911 call. What is said in it is players' text: unbounded, not to be trusted, and nothing for a log.

    `emergency` is False for a civil call. `metadata` is whatever the community's resources attached to it, and
    `updated` the time that the CAD gives for it, if any.
    """

    ref: CallRef
    emergency: bool = True
    caller: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, hash=False)
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenCalls:
    """The open 911 calls of a server, as far as they could be read; `whole` where that was all of them."""

    calls: tuple[EmergencyCall, ...]
    whole: bool = True

    def lack(self, ref: CallRef) -> bool:
        """Say whether they prove that a call is not open; a list that could not be read whole proves nothing."""
        return self.whole and all(call.ref != ref for call in self.calls)


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the community. Its name is the community's text, of any length."""

    id: int
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Servers:
    """The community's servers, as far as they could be read; `whole` where that was all of them."""

    servers: tuple[Server, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """Which CAD, and as whom. The key opens everything that the community has there."""

    url: URL
    community_id: str
    key: str = field(repr=False)


class Kind(IntEnum):
    """A kind of request, as the CAD limits and refuses it. Of the look-ups the lower goes first."""

    REMOVE = 0
    CREATE = 1
    CALLS = 2
    SERVERS = 3
    VERSION = 4

    @property
    def changes(self) -> bool:
        """Say whether it changes something at the CAD; such a request goes before those that only look."""
        return self <= Kind.CREATE


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a dialect builds it: `path` is plain ASCII. Its body can hold the key, so it is in no `repr`."""

    kind: Kind
    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    query: Mapping[str, str] | None = None


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
    """The plan of a community's CAD, by the number that v1 gives it."""

    FREE = 0
    STARTER = 1
    STANDARD = 2
    PLUS = 3
    PRO = 4
    SONORAN_ONE = 6

    @property
    def lists_calls(self) -> bool:
        """Say whether the list of calls is part of it."""
        return self >= Plan.PLUS

    @property
    def lists_servers(self) -> bool:
        """Say whether the list of servers is part of it."""
        return self >= Plan.STANDARD


@dataclass(frozen=True, slots=True)
class Version:
    """The plan, and how the CAD put it: `PLUS` is 3 in v1's numbers, and 2 in the vendor's example for v2."""

    plan: Plan
    said: str


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
    NO_SUCH_SERVER = auto()
    FORBIDDEN = auto()
    OTHER_REFUSAL = auto()
    # not sent: it can be tried again
    NO_CONNECTION = auto()
    CERTIFICATE = auto()
    BUSY = auto()
    LINE_FULL = auto()
    PLAN_UNKNOWN = auto()
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
    `reference` is under which the CAD's own people find the request, where it gave one: letters, digits and `.:|_-`.
    `at` is a time of day in seconds since the epoch, where the `why` has one: when it can be tried again, when the
    call was seen, when the servers were listed, when the breaker opened. `because` is what opened it.
    `created` is the number of the call that was created, where that was asked for and done.
    """

    end: End
    why: Why
    said: str = ""
    status: int | None = None
    retry_after: float | None = None
    reference: str = ""
    at: float | None = None
    because: Why | None = None
    created: int | None = None

    @property
    def done(self) -> bool:
        """Say whether the CAD did what was asked; a look-up that was answered is done too."""
        return self.end is End.REMOVED


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in the line: how many go before, and when their turn should be (seconds since 1970)."""

    ahead: int
    at: float
