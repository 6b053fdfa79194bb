"""Stops asking a CAD that refused for a reason which only a person can mend. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.cad.model import Answer, End, Kind, Why

_EVERYTHING = (Why.REQUEST_TYPE, Why.COMMUNITY_ID, Why.API_OFF, Why.API_KEY)
_ITS_KIND = (Why.ENDPOINT_OFF, Why.PLAN, Why.FORBIDDEN)


class Breaker:
    """Open after such a refusal, for everything or for one kind of request, until it is closed by hand.

    A community that keeps sending what is refused gets its whole API blacklisted, game server included.
    """

    def __init__(self) -> None:
        self._open: dict[Kind, Answer] = {}

    def heed(self, kind: Kind, answer: Answer, at: float) -> bool:
        """Take note of an answer; True where it opened the breaker.

        Args:
            kind: what was asked for.
            answer: what came of it.
            at: the time of day, in seconds since the epoch.
        """
        kinds = tuple(Kind) if answer.why in _EVERYTHING else (kind,) if answer.why in _ITS_KIND else ()
        if not kinds:
            return False
        refusal = replace(answer, end=End.NOT_SENT, why=Why.BREAKER, because=answer.why, at=at)
        for one in kinds:
            self._open.setdefault(one, refusal)
        return True

    def refusal(self, kind: Kind) -> Answer | None:
        """Return what whoever asks is told, or None where the way is free."""
        return self._open.get(kind)

    def close(self) -> None:
        """Let everything be tried again."""
        self._open.clear()
