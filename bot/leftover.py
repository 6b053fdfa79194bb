"""What was left over, by an earlier run or by Discord's silence: it gets an end, and who still waits an answer."""

from __future__ import annotations

import asyncio
import logging
from time import time
from typing import TYPE_CHECKING

from bot import words
from bot.cad.model import Answer, End, Why
from bot.entries import CREATE
from bot.journal_file import JournalError
from bot.removals import Outcome
from bot.replies import edit_later
from bot.text import cut

if TYPE_CHECKING:
    from bot.app import CadBot
    from bot.cad.client import CadClient
    from bot.entries import Entry
    from bot.journal import Journal

log = logging.getLogger(__name__)

BETWEEN_TRIES = 60.0
"""Seconds after which an answer that Discord did not take is given again."""
MOST_OF_A_MESSAGE = 2000
"""Characters that Discord takes."""


async def catch_up(bot: CadBot, cad: CadClient, left: list[Entry], newest: int) -> None:
    """End what is left open, and tell those who have not read their answer.

    Args:
        bot: edits the replies.
        cad: where is looked for what was sent.
        left: the entries that an earlier run left without an end.
        newest: what has a larger number is this run's, and its command gives the answer.
    """
    try:
        await settle(bot.journal, cad, left)
        await _answer(bot, await bot.journal.unanswered(newest))
    except JournalError as error:
        log.error("what an earlier run left over could not be ended (%s)", error)
    except Exception:
        log.exception("a bug in this bot: what an earlier run left over was not ended")


async def keep_answering(bot: CadBot) -> None:
    """Give answers again that Discord did not take, for as long as it still would."""
    while True:
        await asyncio.sleep(BETWEEN_TRIES)
        try:
            # By then the command itself has given up.
            await _answer(bot, await bot.journal.unanswered(ended_by=time() - BETWEEN_TRIES))
        except JournalError as error:
            log.warning("which answers Discord did not take can't be read from the journal (%s)", error)
        except Exception:
            log.exception("a bug in this bot: answers that Discord did not take were not given again")


async def settle(journal: Journal, cad: CadClient, left: list[Entry]) -> None:
    """Find an end for what an earlier run left without one.

    What was not sent ends as not sent, for certain. What was sent is looked for among the open calls, where the
    plan has them; it is never sent again.
    """
    for request, entry in {entry.request: entry for entry in left}.items():
        answer = Answer(End.NOT_SENT, Why.RESTARTED)
        if entry.sent_at is not None and entry.action == CREATE:
            answer = Answer(End.UNKNOWN, Why.RESTARTED)  # its number is not known, so no list tells
        elif entry.sent_at is not None:
            answer = await cad.follow(cad.begin_look_up(entry.ref))
            if answer.why in (Why.STOPPED, Why.CLOSING):
                return  # this process stops too: the next one finds out
        try:
            await journal.ended(request, answer)
        except JournalError as error:
            # It is written as soon as that can be, and the others need not wait for it.
            log.error("how %s ended, left over by an earlier run, could not be written (%s)", entry.ref, error)
        log.warning("%s was left over by an earlier run: %s", entry.ref, answer.end.value)


async def _answer(bot: CadBot, entries: list[Entry]) -> None:
    waiting: dict[str, list[Outcome]] = {}  # by the reply; one can tell of several calls
    for entry in entries:
        if entry.token is not None and entry.answer is not None:
            outcome = Outcome(entry.ref, entry.answer, action=entry.action)
            waiting.setdefault(entry.token, []).append(outcome)
    for token, outcomes in waiting.items():
        brief = len(outcomes) > 1
        text = cut("\n".join(words.outcome(one, brief=brief) for one in outcomes), MOST_OF_A_MESSAGE)
        if await edit_later(bot, token, text):
            await bot.desk.answered(token)
