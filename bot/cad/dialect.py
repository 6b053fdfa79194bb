"""What the engine asks of a dialect of the CAD's API: requests, each with the way its answer is understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bot.cad.line import Limits
from bot.cad.model import Account, Answer, CallRef, EmergencyCall, OpenCalls, Reply, Request, Servers, Version

T = TypeVar("T")

Hide = Callable[[str], str]
"""Takes our secrets out of the CAD's text, in case that it repeats them."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """A request, and what understands its answer: that has to know what was asked, and for which call and server."""

    request: Request
    understand: Callable[[Reply, Hide], T | Answer]


class Dialect(Protocol):
    """One version of the API: the modules `v1` and `v2`. Pure: it neither sends nor waits nor looks at a clock."""

    @property
    def LIMITS(self) -> Limits:  # noqa: N802 - a module's constant
        """How many requests the CAD takes, and how fast."""
        ...

    def headers(self, account: Account, /) -> Mapping[str, str]:
        """Return what goes with every request."""
        ...

    def remove_911(self, account: Account, ref: CallRef, /) -> Ask[Answer]:
        """Ask for the removal of a call."""
        ...

    def create_911(self, account: Account, call: EmergencyCall, /) -> Ask[Answer]:
        """Ask for a call like this one on its server; the answer to a success names the number that it got."""
        ...

    def get_calls(self, account: Account, server_id: int, /) -> Ask[OpenCalls]:
        """Ask for a server's open 911 calls."""
        ...

    def get_servers(self, account: Account, /) -> Ask[Servers]:
        """Ask for the community's servers."""
        ...

    def get_version(self, account: Account, /) -> Ask[Version]:
        """Ask for the community's plan."""
        ...
