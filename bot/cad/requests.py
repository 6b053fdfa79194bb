"""A request to the CAD, and the response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class RequestKind(IntEnum):
    """A kind of request: the CAD limits and refuses requests by kind. Among lookups, the lower number goes first."""

    REMOVE = 0
    CREATE = 1
    CALLS = 2
    SERVERS = 3
    VERSION = 4

    @property
    def is_write(self) -> bool:
        """True if it changes something in the CAD. Writes go before lookups."""
        return self <= RequestKind.CREATE


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. `path` is plain ASCII. The body can hold the key, so it is not in the `repr`."""

    kind: RequestKind
    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. `body` is None if it could not be used: it was compressed or too long.

    `retry_after` is the seconds to wait, or None if there was no valid `Retry-After`.
    """

    status: int
    media_type: str = ""
    body: bytes | None = field(default=b"", repr=False)
    retry_after: float | None = None
