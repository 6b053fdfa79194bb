"""The plan of a run: what people do and what goes wrong, as a list. A shorter list is a smaller run."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import product

CHAOS = 600.0
"""Seconds in which things go wrong. After them all is mended, and everything has to end well."""

PEOPLE = ("dana", "omar", "kim", "lee", "ada", "joe")
"""Dispatchers, then an admin, then a stranger."""
ADMIN, STRANGER = "ada", "joe"
SERVERS = (1, 2)
SERVERS_CHANGE = 0.15
"""The part of the seeds in which the servers are not what they were."""
RUSHES = 0.2
"""The part of the seeds in which people ask for more than the queue takes."""
FAULTS = {
    "cad": (
        "refused", "no connection", "lost", "silent", "reset", "hang", "cut", "slow", "500", "500 after", "502", "503",
        "503 retry", "503 retry after", "429", "429 bare", "408", "401", "api off", "plan", "garbage", "html",
        "html after", "greeting", "no in words", "no in json", "no with a number", "yes of another call", "proxy 404",
        "bare 404", "echo", "redirect", "204", "empty", "short list",
    ),
    "ack": ("lost", "answer lost", "500", "slow", "429"),
    "edit": ("lost", "answer lost", "500", "slow", "429", "404"),
    "audit": ("lost", "answer lost", "500", "slow", "429", "403", "odd"),
    "other": ("lost", "answer lost", "500", "slow", "429", "hang"),
    "servers": ("unreadable",),
    "gateway": ("late", "twice", "away", "new session"),
    "disk": ("slow", "locked", "full", "error", "stuck"),
    "file": ("deleted", "moved"),
    "clock": ("ahead", "behind", "freeze", "sleep"),
    "process": ("stop", "second", "second, no lock"),
}  # fmt: skip
"""Every kind of fault, by what fails."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happens.

    Attributes:
        at: when, in seconds from the start of the run.
        what: an action of a person or of the CAD, or what fails.
        who: the person, or the kind of fault.
        seconds: how long a fault lasts, or the bot is down after a kill, or a person thinks; how far a clock jumps.
        share: the part of what happens meanwhile that a fault hits.
        number: a call's number; for a kill, the steps after its mark.
        server: a call's server; for a list, 0 means all.
        mark: what a kill waits for; the only kind of request that a fault of the CAD hits.
        key: names its stream of chance, so it stays the same when other items are taken away.
    """

    at: float
    what: str
    who: str = ""
    seconds: float = 0.0
    share: float = 1.0
    number: int = 0
    server: int = 1
    mark: str = ""
    key: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: the settings of the bot and of the CAD, and the list."""

    seed: int
    api: str = "v1"
    level: str = "PLUS"
    audited: bool = True
    default_server: int | None = None
    items: tuple[Item, ...] = ()


MARKS = ("ack", "edit", "audit", "left", "effect", "answered", "statement", "click", "interaction")
"""What a kill can wait for; it comes some steps after it."""

_ACTIONS = {
    "remove": 40, "pick": 8, "list": 12, "post": 12, "recreate": 12, "history": 3, "status": 4, "forget": 1,
    "give role": 3, "take role": 3,
}  # fmt: skip
_SIDES = {
    "cad": 16, "ack": 3, "edit": 4, "audit": 2, "other": 1, "gateway": 3, "disk": 6, "file": 2, "clock": 2,
    "process": 2,
}  # fmt: skip
_OFTEN = {
    "cad": ("429", "reset", "hang", "500 after", "html after", "echo", "proxy 404", "bare 404", "no with a number") * 2
}
"""Kinds that come up more often than the others of their side."""
_KINDS = {"cad": 3}
"""How many kinds of fault a season takes from a side; two if it is not named."""


def make(seed: int) -> Plan:
    """Make the plan of a seed. Each has its own season: a few kinds of fault and of action, and those often."""
    chance = random.Random(f"plan {seed}")
    actions = {name: weight * chance.choice((0, 1, 1, 1, 4)) for name, weight in _ACTIONS.items()}
    actions["remove"] = max(actions["remove"], 10)
    items = [_action(chance, actions) for _ in range(chance.randint(5, 50 if chance.random() < 0.2 else 20))]
    items += [_join(chance, item) for item in items if chance.random() < 0.2]
    sides = set(chance.choices(list(_SIDES), list(_SIDES.values()), k=chance.choice((0, 1, 1, 2, 2, 3))))
    season = [
        (side, kind)
        for side in sorted(sides)
        for kind in chance.sample(FAULTS[side] + _OFTEN.get(side, ()), _KINDS.get(side, 2))
    ]
    for _ in range(chance.randint(2, 8)):
        fault = _fault(chance, *chance.choice(season)) if season else None
        items += [fault] if fault else []
        items += _burst(chance, fault)
        if fault and chance.random() < 0.25:
            items.append(_kill(chance, fault.at + chance.uniform(0.0, min(fault.seconds, 60.0))))
    items += [_kill(chance, chance.uniform(5, CHAOS)) for _ in range(chance.choice((0, 0, 1, 2)))]
    for server, what in product(SERVERS, ("call",) * 8 + ("close",) * 3):
        items.append(Item(chance.uniform(0, CHAOS), what, number=chance.randint(1, 20), server=server))
    items += _servers(random.Random(f"servers {seed}")) + _rush(random.Random(f"rush {seed}"))
    items.sort(key=lambda item: item.at)
    return Plan(
        seed,
        api=chance.choice(("v1", "v2")),
        level=chance.choice(("FREE", "STARTER", "STANDARD", "STANDARD", *["PLUS"] * 6, "PRO", "SONORAN_ONE")),
        audited=chance.random() < 0.7,
        default_server=chance.choice((None, 1)),
        items=tuple(replace(item, key=number) for number, item in enumerate(items)),
    )


def _rush(chance: random.Random) -> list[Item]:
    """In some runs, everybody types removals at once, and more than the queue takes."""
    if chance.random() > RUSHES:
        return []
    at, seconds = chance.uniform(5, CHAOS / 2), chance.choice((20.0, 60.0, 240.0))
    return [
        Item(
            at + chance.uniform(0, seconds), "remove", chance.choice(PEOPLE[:4]), number=chance.randint(1, 60),
            server=chance.choice(SERVERS),
        ) for _ in range(chance.randint(60, 150))
    ]  # fmt: skip


def _servers(chance: random.Random) -> list[Item]:
    """In some runs, a server is added, or the list of servers has an entry that can't be read: people ask for both."""
    if chance.random() > SERVERS_CHANGE:
        return []
    at, asks = chance.uniform(30, CHAOS / 2), ("post", "list", "list", "remove")
    if chance.random() < 0.5:
        first, server = Item(at, "server", server=3), 3
    else:
        first, server = Item(0.0, "servers", "unreadable", at), 2

    def asked(number: int) -> Item:
        what, who = chance.choice(asks), chance.choice(PEOPLE[:4])
        one = server if what != "list" else chance.choice((server, server, 0))
        return Item(chance.uniform(5, 2 * at), what, who, 1.0, number=number, server=one)

    return [first, *(asked(number) for number in range(1, chance.randint(6, 12)))]


def _action(chance: random.Random, weights: dict[str, int]) -> Item:
    what = chance.choices(list(weights), list(weights.values()))[0]
    who = chance.choices(PEOPLE, (5, 5, 5, 5, 2, 1))[0]
    if what in ("history", "status", "forget"):
        who = chance.choice((ADMIN, ADMIN, ADMIN, "dana", STRANGER))
    thinks = chance.choice((0.5, 1.5, 3.0, 10.0, 59.5, 70.0, 400.0)) if chance.random() < 0.3 else 1.0
    at, number = chance.uniform(5, CHAOS), chance.randint(1, 12)
    server = chance.choice((1, 1, 1, 2, 2, 9) if chance.random() < 0.1 else SERVERS)
    return Item(at, what, who, thinks, number=number, server=server)


def _join(chance: random.Random, item: Item) -> Item:
    """Somebody else wants that call removed as well, at any moment while that is under way or waits."""
    later = chance.choice((0.5, 5.0, 60.0)) * chance.random()
    return replace(item, at=item.at + item.seconds + later, what="remove", who=chance.choice(PEOPLE[:4]))


def _burst(chance: random.Random, fault: Item | None) -> list[Item]:
    """Several people do something at nearly the same time, when something goes wrong: for one call, or for many."""
    at = chance.uniform(5, CHAOS) if fault is None else fault.at + chance.uniform(0.0, min(fault.seconds, 30.0))
    what = chance.choice(("remove", "remove", "remove", "list", "post"))
    if fault and fault.mark == "CREATE":
        what = "recreate"
    call, many, server = chance.randint(1, 12), chance.random() < 0.6, chance.choice(SERVERS)
    return [
        Item(at + chance.uniform(0, 3.0), what, chance.choice(PEOPLE[:4]), 1.0, number=call + n * many, server=server)
        for n in range(chance.randint(1, 8 if what == "remove" else 2))
    ]


def _fault(chance: random.Random, what: str, kind: str) -> Item:
    seconds = chance.choice((2.0, 10.0, 30.0, 60.0, 150.0, 400.0))
    if what == "clock":
        seconds = chance.choice((1.0, 20.0, 90.0, 700.0, 3600.0)) * chance.uniform(0.5, 1.5)
    only = chance.choice(("", "", "REMOVE", "REMOVE", "CREATE")) if what == "cad" else ""
    return Item(chance.uniform(0, CHAOS), what, kind, seconds, share=chance.choice((0.1, 0.5, 1.0)), mark=only)


def _kill(chance: random.Random, at: float) -> Item:
    mark = chance.choice(MARKS)
    steps = chance.choice((0, 1, 2, 3, 5, 8, 20))
    return Item(at, "process", "kill", chance.uniform(1, 60), number=steps, mark=mark)
