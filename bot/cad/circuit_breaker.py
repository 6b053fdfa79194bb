"""The circuit breaker: stops requests that the CAD refused for a reason that only a person can fix. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Reason, Result

_BLOCKS_ALL = (Reason.REQUEST_TYPE, Reason.COMMUNITY_ID, Reason.API_OFF, Reason.API_KEY)
_BLOCKS_KIND = (Reason.ENDPOINT_OFF, Reason.PLAN, Reason.FORBIDDEN)


class CircuitBreaker:
    """Opens, for all requests or for one kind, when the CAD refuses for a reason that only a person can fix.

    The CAD blocks a community that keeps sending refused requests, its game server included.
    """

    def __init__(self) -> None:
        self._blocked: dict[RequestKind, Result] = {}

    def record(self, kind: RequestKind, result: Result, now: float) -> bool:
        """Record a result; return True if it blocks what was not blocked. `now` is in seconds since 1970."""
        if result.reason in _BLOCKS_ALL:
            kinds = tuple(RequestKind)
        elif result.reason in _BLOCKS_KIND:
            kinds = (kind,)
        else:
            return False
        blocked = replace(
            result, outcome=Outcome.NOT_SENT, reason=Reason.BREAKER, breaker_reason=result.reason, opened_at=now
        )
        opened = not self._blocked.keys() >= set(kinds)
        self._blocked = dict.fromkeys(kinds, blocked) | self._blocked  # the first refusal stays
        return opened

    def blocked_result(self, kind: RequestKind) -> Result | None:
        """Return the result that a request of this kind gets instead of being sent, or None if it may be sent."""
        return self._blocked.get(kind)

    def reset(self) -> bool:
        """Close the breaker; return True if it was open."""
        was_open = bool(self._blocked)
        self._blocked.clear()
        return was_open
