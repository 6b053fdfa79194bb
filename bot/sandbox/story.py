"""`sandbox --script`: a short story at the terminal, and whether each person saw what they should."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

from bot.cad import v1
from bot.cad.dialect import Dialect
from bot.cad.line import Line, paced
from bot.cad.model import CallRef
from bot.sandbox.town import Town, open_town

PATIENCE, PACE = 0.4, 0.05
"""Seconds that the client waits for an answer, and between two requests; a real bot takes 10 and 1.05."""

_SEVEN_ELEVEN, _GARAGE, _TRUCK, _NO_CALL = CallRef(1, 302), CallRef(1, 303), CallRef(2, 12), CallRef(1, 99)


@dataclass(frozen=True)
class Step:
    """One act: who asks for which call, what they must read, and what must be true at the CAD afterwards."""

    title: str
    who: str
    ref: CallRef
    reads: str
    requests: int
    still_open: bool
    before: Callable[[Town], Awaitable[None]] | None = None


async def _change_the_key(town: Town) -> None:
    town.cad.key = "another-key"


async def _be_silent(town: Town) -> None:
    town.cad.seconds[_TRUCK] = inf


async def _go_down(town: Town) -> None:
    await town.cad.go_down()


_FIRST = (
    Step("A dispatcher removes a call", "dana", _SEVEN_ELEVEN, "was removed", 1, False),
    Step("The same call again", "dana", _SEVEN_ELEVEN, "This bot removed it", 0, False),
    Step("A civilian tries", "joe", _GARAGE, "You need the role", 0, True),
    Step("An administrator without the role tries", "ada", _GARAGE, "administrators too", 0, True),
    Step("A number that no call has", "dana", _NO_CALL, "is not there", 1, False),
    Step(
        "The CAD removes it, never says so, and is asked twice", "dana", _TRUCK, "**not known**", 2, False, _be_silent
    ),
    Step("The CAD's API key was changed", "dana", _GARAGE, "correct `SONORAN_API_KEY`", 1, True, _change_the_key),
    Step("A wrong key is not tried again", "dana", _GARAGE, "lets the bot try again", 0, True),
)
_RESTARTED = (Step("The bot was restarted, and the CAD is down", "dana", _GARAGE, "not be reached", 0, True, _go_down),)
ACTS = (_FIRST, _RESTARTED)
"""The second act has a bot that was restarted after the refusal."""


async def play(dialect: Dialect = v1) -> int:
    """Play the story and print it; return 0, or 1 where something differed from what it should be.

    It is the same in both versions of the CAD's API.
    """
    wrong = 0
    number = 0
    for steps in ACTS:
        async with open_town(dialect=dialect, patience=PATIENCE, line=Line(paced(PACE))) as town:
            if not number:
                print(f"{town.guild.name}, #{town.room.name}. The CAD has {len(town.cad.calls)} open calls.\n")
            for step in steps:
                number += 1
                wrong += not await _play(town, number, step)
            if errors := town.env.errors:
                print(f"The bot raised {errors!r}")
                wrong += 1
    print(f"{wrong} of {number} steps went differently." if wrong else "Everybody saw what they should.")
    return 1 if wrong else 0


async def _play(town: Town, number: int, step: Step) -> bool:
    if step.before:
        await step.before(town)
    before = len(town.cad.asked_for("REMOVE_911"))
    person = next(person for person in town.people if person.name == step.who)
    begun = time.perf_counter()
    shown = await person.slash(town.room, "remove911", call_id=step.ref.call_id, server_id=step.ref.server_id)
    seconds = time.perf_counter() - begun
    text = shown.response.content if shown.response else "(nothing)"
    read = _as_discord_shows(text).replace(f"<@{person.id}>", f"@{person.name}")
    seen_by = f"only {step.who} sees it" if shown.ephemeral else "PUBLIC"
    print(f"{number}. {step.title}")
    print(f"   {step.who} types  /remove911 call_id:{step.ref.call_id} server_id:{step.ref.server_id}")
    print(f"   {step.who} reads  {read}\n   ({seen_by}, after {seconds:.1f} s)\n")
    asked = len(town.cad.asked_for("REMOVE_911")) - before
    truths = {
        f"the answer lacks {step.reads!r}": step.reads in text,
        "everybody can read it": shown.ephemeral,
        f"{asked} requests reached the CAD": asked == step.requests,
        "the call's state at the CAD": (step.ref in town.cad.calls) == step.still_open,
    }
    for what in (what for what, holds in truths.items() if not holds):
        print(f"   DIFFERS: {what}\n")
    return all(truths.values())


def _as_discord_shows(text: str) -> str:
    """Leave out the markup, and say times as a person reads them."""
    return re.sub(r"\*\*|`", "", re.sub(r"<t:\d+:R>", "a moment ago", text))
