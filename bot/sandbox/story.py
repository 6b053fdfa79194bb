"""`sandbox --script`: a short story at the terminal, and whether each person saw what they should."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

from bot.cad.model import CallRef
from bot.sandbox.town import Town, open_town

PATIENCE = 1.0
"""Seconds that the client waits in the story; a real bot waits ten."""

_SEVEN_ELEVEN, _GARAGE, _TRUCK, _NO_CALL = CallRef(1, 302), CallRef(1, 303), CallRef(2, 12), CallRef(1, 99)


@dataclass(frozen=True)
class Step:
    """One act: who asks for which call, what they must read, and what must be true at the CAD afterwards."""

    title: str
    who: str
    ref: CallRef
    reads: str
    asks_the_cad: bool
    still_open: bool
    before: Callable[[Town], Awaitable[None]] | None = None


async def _change_the_key(town: Town) -> None:
    town.cad.key = "another-key"


async def _be_silent(town: Town) -> None:
    town.cad.key = town.bot.settings.account.key
    town.cad.seconds[_TRUCK] = inf


async def _go_down(town: Town) -> None:
    await town.cad.go_down()


STEPS = (
    Step("A dispatcher removes a call", "dana", _SEVEN_ELEVEN, "was removed", True, False),
    Step("A civilian tries", "joe", _GARAGE, "You need the role", False, True),
    Step("An administrator without the role tries", "ada", _GARAGE, "administrators too", False, True),
    Step("A number that no call has", "dana", _NO_CALL, "is not there", True, False),
    Step("The CAD's API key was changed", "dana", _GARAGE, "correct `SONORAN_API_KEY`", True, True, _change_the_key),
    Step("The CAD removes it and never says so", "dana", _TRUCK, "**not known**", True, False, _be_silent),
    Step("The CAD is down", "dana", _GARAGE, "could not be reached", False, True, _go_down),
)


async def play() -> int:
    """Play the story and print it; return 0, or 1 where something differed from what it should be."""
    wrong = 0
    async with open_town(patience=PATIENCE) as town:
        print(f"{town.guild.name}, #{town.room.name}. The CAD has {len(town.cad.calls)} open calls.\n")
        for number, step in enumerate(STEPS, 1):
            wrong += not await _play(town, number, step)
        if errors := town.env.errors:
            print(f"The bot raised {errors!r}")
            wrong += 1
    print(f"{wrong} of {len(STEPS)} steps went differently." if wrong else "Everybody saw what they should.")
    return 1 if wrong else 0


async def _play(town: Town, number: int, step: Step) -> bool:
    if step.before:
        await step.before(town)
    requests = len(town.cad.requests)
    person = next(person for person in town.people if person.name == step.who)
    begun = time.perf_counter()
    shown = await person.slash(town.room, "remove911", call_id=step.ref.call_id, server_id=step.ref.server_id)
    seconds = time.perf_counter() - begun
    text = shown.response.content if shown.response else "(nothing)"
    seen_by = f"only {step.who} sees it" if shown.ephemeral else "PUBLIC"
    print(f"{number}. {step.title}")
    print(f"   {step.who} types  /remove911 call_id:{step.ref.call_id} server_id:{step.ref.server_id}")
    print(f"   {step.who} reads  {text}\n   ({seen_by}, after {seconds:.1f} s)\n")
    truths = {
        f"the answer lacks {step.reads!r}": step.reads in text,
        "everybody can read it": shown.ephemeral,
        "the CAD was asked, or was not": len(town.cad.requests) - requests == step.asks_the_cad,
        "the call's state at the CAD": (step.ref in town.cad.calls) == step.still_open,
    }
    for what in (what for what, holds in truths.items() if not holds):
        print(f"   DIFFERS: {what}\n")
    return all(truths.values())
