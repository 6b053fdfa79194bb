"""How a removal or a re-creation ended."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.cad.models import CallRef, EmergencyCall, Server
from bot.cad.results import Outcome, Result
from bot.journal.entries import CREATE, REMOVE, Requester
from bot.text import clean, truncate

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemovalResult:
    """How a removal or a re-creation ended, ready to be put into words.

    `removed_by` is the user for whom the bot removed the call before, if known. `call` is as last listed.
    `queue_seconds` were spent in the queue; None if nothing was queued. `request` is the request's id in the journal,
    the same for all members who shared it; empty if it has none. `elsewhere` is an open call of the same number on
    another server, and when it was listed. `servers` are those that the CAD listed, if one of them may have been meant.
    """

    ref: CallRef
    result: Result
    removed_by: int | None = None
    action: str = REMOVE
    call: EmergencyCall | None = None
    queue_seconds: float | None = None
    request: str = ""
    elsewhere: tuple[EmergencyCall, float] | None = None
    servers: tuple[Server, ...] = ()


def log_result(removal: RemovalResult, requester: Requester, seconds: float) -> None:
    """Log how a removal or a re-creation ended, and after how long: as a warning if a person should look at it."""
    result = removal.result
    look = result.outcome in (Outcome.REJECTED, Outcome.UNKNOWN)
    log.log(
        logging.WARNING if look else logging.INFO,
        "%s%s: %s (%s), asked by user %s in guild %s, %.2f s%s%s",
        removal.ref,
        " again" if removal.action == CREATE else "",
        result.outcome.value,
        result.cause,
        requester.user_id,
        requester.guild_id,
        seconds,
        "" if removal.queue_seconds is None else f", {removal.queue_seconds:.2f} s of it queued",
        f"; the CAD's text: {truncate(clean(result.cad_text), 300)}" if result.cad_text else "",
    )
