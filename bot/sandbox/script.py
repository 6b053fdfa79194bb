"""`sandbox --script`: a short story at the terminal. It checks what each person reads, and what the CAD got."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.models import CallRef
from bot.cad.request_queue import RequestQueue, one_every
from bot.sandbox.simulation import Simulation, open_simulation

TIMEOUT, INTERVAL = 0.4, 0.05
"""Seconds before a request times out, and between two requests; a real bot uses 10 and 1.05."""

_SEVEN_ELEVEN, _GARAGE, _TRUCK = CallRef(1, 302), CallRef(1, 303), CallRef(2, 12)


@dataclass(frozen=True)
class Step:
    """One use of `/remove911`.

    Attributes:
        title: what happens, as the story tells it.
        who: the name of the person.
        ref: the call.
        begins: how the reply begins.
        requests: how many removals reach the CAD.
        still_open: whether the CAD has the call afterwards.
        before: what happens first.
    """

    title: str
    who: str
    ref: CallRef
    begins: str
    requests: int
    still_open: bool
    before: Callable[[Simulation], Awaitable[None]] | None = None


async def _change_key(simulation: Simulation) -> None:
    simulation.cad.key = "another-key"


async def _never_reply(simulation: Simulation) -> None:
    simulation.cad.delays[_TRUCK] = inf


async def _go_down(simulation: Simulation) -> None:
    await simulation.cad.go_down()


_FIRST = (
    Step("Dana, a dispatcher, removes a call.", "dana", _SEVEN_ELEVEN, "✅", 1, False),
    Step("Not sure that it worked, she asks again. The CAD is not bothered.", "dana", _SEVEN_ELEVEN, "☑️", 0, False),
    Step("Joe is a civilian.", "joe", _GARAGE, "⛔", 0, True),
    Step("Ada is an admin, but not a dispatcher.", "ada", _GARAGE, "⛔", 0, True),
    Step("The CAD goes silent. The bot asks twice, and claims nothing.", "dana", _TRUCK, "⚠️", 2, False, _never_reply),
    Step("Somebody changes the CAD's API key.", "dana", _GARAGE, "❌", 1, True, _change_key),
    Step("The bot stops sending the old one.", "dana", _GARAGE, "❌", 0, True),
)
_RESTARTED = (Step("The bot was restarted, and the CAD is down.", "dana", _GARAGE, "❌", 0, True, _go_down),)
ACTS = (_FIRST, _RESTARTED)
"""The bot is restarted between the acts, after the CAD has refused its key."""


async def play(api: CadApi = v1) -> int:
    """Play the story and print it; return 1 if anything was not as it should be, else 0."""
    steps_played = wrong = 0
    for steps in ACTS:
        async with open_simulation(api=api, timeout=TIMEOUT, queue=RequestQueue(one_every(INTERVAL))) as simulation:
            if not steps_played:
                place = f"#{simulation.room.name} of {simulation.guild.name}"
                print(f"{place}. The CAD has {len(simulation.cad.calls)} open calls.")
            for step in steps:
                steps_played += 1
                wrong += not await _play(simulation, step)
            if errors := simulation.env.errors:
                print(f"The bot raised {errors!r}")
                wrong += 1
    if wrong:
        print(f"\n{wrong} of {steps_played} steps went differently.")
    return 1 if wrong else 0


async def _play(simulation: Simulation, step: Step) -> bool:
    if step.before:
        await step.before(simulation)
    sent_before = len(simulation.cad.requests_of("REMOVE_911"))
    person = next(person for person in simulation.people if person.name == step.who)
    ref = step.ref
    shown = await person.slash(simulation.room, "remove911", call_id=ref.call_id, server_id=ref.server_id)
    text = shown.response.content if shown.response else "(nothing)"
    plain = _without_markup(text).replace(f"<@{person.id}>", f"@{person.name}")
    print(f"\n{step.title}\n  /remove911 {ref.call_id} {ref.server_id}")
    for line in plain.splitlines():
        print(textwrap.fill(line, 100, initial_indent="    ", subsequent_indent="    "))
    sent = len(simulation.cad.requests_of("REMOVE_911")) - sent_before
    checks = {
        f"the reply does not begin with {step.begins!r}": text.startswith(step.begins),
        "everybody can read it": shown.ephemeral,
        f"{sent} requests reached the CAD": sent == step.requests,
        "the call's state at the CAD": (ref in simulation.cad.calls) == step.still_open,
    }
    for difference in (difference for difference, passed in checks.items() if not passed):
        print(f"    DIFFERS: {difference}")
    return all(checks.values())


def _without_markup(text: str) -> str:
    """Return the text as Discord shows it: no markup, and times in words."""
    return re.sub(r"\*\*|`", "", re.sub(r"<t:\d+:R>", "a moment ago", text))
