"""Recovery: finishes requests that an earlier run left unfinished."""

from __future__ import annotations

import logging

from bot.cad.client import CadClient
from bot.cad.results import Outcome, Reason, Result
from bot.journal.database import JournalError
from bot.journal.entries import CREATE, Entry
from bot.journal.store import Journal

log = logging.getLogger(__name__)


async def finish_unsent(journal: Journal, unfinished: list[Entry]) -> list[Entry]:
    """Record an outcome for each request that needs no answer of the CAD; return the entries of the others.

    A request that was not sent ends as not sent. A re-creation that was sent ends as unknown: the new call's number is
    not known, so no list helps.
    """
    left: list[Entry] = []
    for entry in unfinished:
        if entry.sent_at is None:
            await _finish(journal, entry, Result(Outcome.NOT_SENT, Reason.RESTARTED))
        elif entry.action == CREATE:
            await _finish(journal, entry, Result(Outcome.UNKNOWN, Reason.RESTARTED))
        else:
            left.append(entry)
    return left


async def finish_sent(journal: Journal, cad: CadClient, server_id: int, entries: list[Entry]) -> None:
    """Record an outcome for removals that were sent on one server. Nothing is sent a second time.

    The list of open calls decides, if the plan includes it.
    """
    requested_at = cad.clock.wall()
    listed = await cad.open_calls(server_id)
    if isinstance(listed, Result) and listed.reason is Reason.CLOSING:
        return  # the bot is stopping: the next start recovers them
    for entry in entries:
        result = Result(Outcome.UNKNOWN, Reason.RESTARTED)
        if not isinstance(listed, Result):
            if listed.proves_absent(entry.ref):
                result = Result(Outcome.GONE, Reason.NOT_LISTED)
            elif any(call.ref == entry.ref for call in listed.calls):
                result = Result(Outcome.UNKNOWN, Reason.RESTARTED, seen_open_at=requested_at)
        await _finish(journal, entry, result)


async def _finish(journal: Journal, entry: Entry, result: Result) -> None:
    try:
        await journal.mark_ended(entry.request, result)
    except JournalError as error:
        log.error("%s: the journal can't be written (%s). The outcome is recorded once it can be", entry.ref, error)
    log.warning("%s was left unfinished by an earlier run. Outcome: %s", entry.ref, result.outcome.value)
