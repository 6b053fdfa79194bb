"""The CAD's data: calls, servers, plans, and the account that the bot uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from yarl import URL

MAX_ID = 2**31 - 1
"""The largest id. The CAD's ids are 32-bit integers that begin at 1."""


def valid_id(value: object) -> int | None:
    """Return the value if it can be an id in the CAD, else None. JSON's `true` is an `int` in Python, but no id."""
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
    """An open 911 call. Its texts come from players: of any length, untrusted, and never for the log.

    `emergency` is False for a civil call. `metadata` is what the community's resources attached to the call, and
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
    """A server's open 911 calls; `complete` is False if an item of the list could not be parsed."""

    calls: tuple[EmergencyCall, ...]
    complete: bool = True

    def proves_absent(self, ref: CallRef) -> bool:
        """Return True if the list proves that a call is not open. An incomplete list proves nothing."""
        return self.complete and all(call.ref != ref for call in self.calls)


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the community. The community chose its name, which can have any length."""

    id: int
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ServerList:
    """The community's servers; `complete` is False if an item of the list could not be parsed.

    `listed_at` is when the list was requested, in seconds since 1970; None if none was read yet.
    """

    servers: tuple[Server, ...] = ()
    complete: bool = True
    listed_at: float | None = None

    def proves_missing(self, server_id: int) -> bool:
        """Return True if the list proves that there was no such server. An incomplete or empty list proves nothing."""
        return self.complete and bool(self.servers) and all(server.id != server_id for server in self.servers)


@dataclass(frozen=True, slots=True)
class Account:
    """The CAD, the community and its API key, which gives full access to the community's data."""

    url: URL
    community_id: str
    key: str = field(repr=False)


class Plan(IntEnum):
    """The plan of a community's CAD, by its number in v1."""

    FREE = 0
    STARTER = 1
    STANDARD = 2
    PLUS = 3
    PRO = 4
    SONORAN_ONE = 6

    @property
    def lists_calls(self) -> bool:
        """True if the plan includes the list of open calls."""
        return self >= Plan.PLUS

    @property
    def lists_servers(self) -> bool:
        """True if the plan includes the list of servers."""
        return self >= Plan.STANDARD


@dataclass(frozen=True, slots=True)
class PlanInfo:
    """The plan, and the CAD's text for it: the numbers disagree. PLUS is 3 in v1, and 2 in the vendor's v2 example."""

    plan: Plan
    text: str
