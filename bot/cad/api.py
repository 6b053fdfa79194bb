"""What each version of the CAD's API provides: requests, each with the parser of its response. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bot.cad.models import Account, CallRef, EmergencyCall, OpenCalls, PlanInfo, ServerList
from bot.cad.request_queue import RateLimits
from bot.cad.requests import HttpRequest, HttpResponse
from bot.cad.results import Result

T = TypeVar("T")

Redact = Callable[[str], str]
"""Removes the bot's secrets from text that the CAD sent, which can repeat them."""


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[T]):
    """A request, and a parser for its response. The parser knows the requested call and server."""

    http: HttpRequest
    parse: Callable[[HttpResponse, Redact], T | Result]


class CadApi(Protocol):
    """One version of the API: the modules `v1` and `v2`. It sends nothing, waits for nothing and reads no clock."""

    RATE_LIMITS: RateLimits
    """How many requests the bot sends to the CAD, and how fast."""

    def headers(self, account: Account, /) -> Mapping[str, str]:
        """Return the headers that every request has."""
        ...

    def remove_911(self, account: Account, ref: CallRef, /) -> ApiRequest[Result]:
        """Build the request that removes a call."""
        ...

    def create_911(self, account: Account, call: EmergencyCall, /) -> ApiRequest[Result]:
        """Build the request that creates a call like this one on its server. The result has the new call's number."""
        ...

    def get_calls(self, account: Account, server_id: int, /) -> ApiRequest[OpenCalls]:
        """Build the request for a server's open 911 calls."""
        ...

    def get_servers(self, account: Account, /) -> ApiRequest[ServerList]:
        """Build the request for the community's servers."""
        ...

    def get_version(self, account: Account, /) -> ApiRequest[PlanInfo]:
        """Build the request for the community's plan."""
        ...
