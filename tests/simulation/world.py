"""The world of one run: it puts the parts together, lets things go wrong, then mends all and waits."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from itertools import product
from pathlib import Path
from typing import Any

from bot.cad.models import CallRef
from bot.cad.models import Plan as Level
from bot.logs import SafeFormatter
from tests.simulation.cad import Cad
from tests.simulation.chance import Chance
from tests.simulation.discord_side import Discord
from tests.simulation.disk import Disk
from tests.simulation.host import Host
from tests.simulation.judge import Judge
from tests.simulation.loop import PROCESS, SimulatedLoop
from tests.simulation.oracle import SECRETS, Finding, Oracle
from tests.simulation.people import People
from tests.simulation.plan import ADMIN, CHAOS, FAULTS, SERVERS, Item, Plan
from tests.simulation.seams import Running
from tests.simulation.wire import Response
from tests.support.fake_discord import ROLE

CALM, LONGEST_CALM = 960.0, 8000.0
"""Seconds without faults before the end, and at most if something is still to be done."""
_STILL_TO_DO = "SELECT 1 FROM entries WHERE ended_at IS NULL OR token IS NOT NULL OR unposted = 1 LIMIT 1"


@dataclass(frozen=True)
class Run:
    """What came of a run. `hits` says how often a planted bug ran."""

    seed: int
    digest: str
    story: list[str]
    findings: list[Finding]
    faults: Counter[str]
    exempt: Counter[str]
    removals: int
    hits: int = 0


class World:
    """One run."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.loop = SimulatedLoop()
        self.chance = Chance(plan.seed)
        self.story: list[str] = []
        self.faults: Counter[str] = Counter()
        self.disk = Disk(self, folder)
        self.cad = Cad(self, plan.api, Level[plan.level])
        self.discord = Discord(self)
        self.oracle = Oracle(self)
        self.people = People(self, self.discord)
        self.host = Host(self)
        self.mark = self.host.mark
        self._folder = str(folder)
        self._active: list[Item] = []

    @property
    def elapsed(self) -> float:
        """The seconds since the start of the run."""
        return self.loop.now - SimulatedLoop.FIRST

    def tell(self, who: str, text: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{self.elapsed:8.2f}  {who:8} {text.replace(self._folder, '')}")

    def happened(self, item: Item, text: str) -> None:
        """Count a fault that happens once, and tell it."""
        self.faults[f"{item.what}: {item.who}"] += 1
        self.tell("world", text)

    def is_active(self, what: str) -> bool:
        """Return True if something can go wrong with a thing now."""
        return any(item.what == what for item in self._active)

    def fault(self, what: str, *about: object) -> str:
        """Return what goes wrong with a thing now, or an empty string."""
        for item in self._active:
            if item.what != what or item.mark not in ("", *about[:1]):
                continue
            if self.chance.next("fault", item.key, *about).random() < item.share:
                self.faults[f"{what}: {item.who}"] += 1
                return item.who
        return ""

    # The run.

    def run(self) -> None:
        """Run it all."""
        Running.world = self
        random.seed(f"libraries of {self.plan.seed}")
        logging.basicConfig(level=logging.INFO, handlers=[_Log(self)], force=True)
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.loop.start(self._live()))
        for problem in self.loop.problems:
            self.oracle.find(0 if "_in_world" in problem else 5, "bug", problem)
        Judge(self).judge()

    async def _live(self) -> None:
        for server, number in product(SERVERS, range(1, 13)):
            self.cad.change(CallRef(server, number), is_open=True)
        self.host.begin()
        for item in self.plan.items:
            self.loop.after(item.at, self._happen, item)
        await asyncio.sleep(CHAOS)
        self.tell("world", "all is mended")
        self._active.clear()
        self.host.mend()
        await asyncio.sleep(CALM)
        while self.elapsed < CHAOS + LONGEST_CALM and self.disk.query(_STILL_TO_DO):
            await asyncio.sleep(60.0)
        await self._check_that_it_works()
        self.host.end()
        await asyncio.sleep(30.0)

    async def _check_that_it_works(self) -> None:
        """After the calm, a status by an admin ends whatever pauses the bot, and a removal works."""
        self.cad.change(CallRef(1, 99), is_open=True)
        self.discord.roles["dana"].add(ROLE)
        for item in Item(0.0, "status", ADMIN, key=-1), Item(0.0, "remove", "dana", number=99, key=-2):
            await self.people.do(item)
            await asyncio.sleep(30.0)
        Judge(self).expect_removed(CallRef(1, 99))

    def _happen(self, item: Item) -> None:
        ref, opened = CallRef(item.server, item.number), item.what == "call"
        if item.what in ("call", "close"):
            if self.cad.change(ref, is_open=opened):
                self.tell("cad", f"{ref} is {'opened' if opened else 'closed by an officer'}")
        elif item.what == "server":
            self.tell("cad", f"server {item.server} is added")
            self.cad.add_server(item.server)
        elif item.what in ("clock", "file", "process"):
            self.host.do(item)
        elif item.what in FAULTS:
            self._go_wrong(item)
        else:
            self.loop.start(self.people.do(item))

    def _go_wrong(self, item: Item) -> None:
        only = f" ({item.mark} only)" if item.mark else ""
        self.tell("world", f"{item.what}: {item.who}, for {item.seconds:.0f} s, {item.share:.0%}{only}")
        self._active.append(item)
        self.loop.after(item.seconds, self._over, item)
        if item.what in ("ack", "edit"):
            self.host.outage(3.0, item.seconds + 8.0, item.what)
        elif item.what == "gateway":
            self.host.outage(3.0, item.seconds + 8.0)
            if item.who in ("away", "new session"):
                self.discord.gateway.break_off()

    def _over(self, item: Item) -> None:
        if item in self._active:
            self.tell("world", f"{item.what}: {item.who} is over")
            self._active.remove(item)

    async def exchange(self, session: Any, method: str, url: str, options: dict[str, Any]) -> Any:
        """Carry a request of a library to the outside."""
        process = PROCESS.get()
        if process is None:
            raise RuntimeError("the world itself sends nothing")
        if method == "GATEWAY":
            return self.discord.gateway.connect(process)
        if "sonorancad" in url:
            if options.get("allow_redirects", True):
                self.oracle.find(3, "sent elsewhere", "a redirect of the CAD would be followed, with the key")
            answer = await self.cad.exchange(process, method, url, options, session.timeout)
        else:
            answer = await self.discord.exchange(method, url, options)
        return Response(answer, formatdate(self.loop.true_time(), usegmt=True))


class _Log(logging.Handler):
    """Shows the oracle every line of the log, as the bot's own handler would write it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.setFormatter(SafeFormatter(SECRETS))

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self._world.tell("log", line[20:220])
        ours = record.name.startswith(("bot", "cogs", "asyncio"))
        # A refused autocomplete is no bug, but that is how discord.py logs it.
        ours = ours or ("Ignoring exception" in line and "autocomplete" not in line)
        self._world.oracle.on_logged(line, trouble=ours and ("a bug" in line or bool(record.exc_info)))


def simulate(plan: Plan) -> Run:
    """Run a plan in this process, which must do nothing else: what was killed is never cleaned up."""
    memory = Path("/dev/shm")  # noqa: S108 - SQLite waits for the disk at each write
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True) as folder:
        world = World(plan, Path(folder))
        try:
            world.run()
        except Exception as error:  # noqa: BLE001 - a run has to end with a verdict
            world.oracle.find(0, "the simulation itself", repr(error))
            world.tell("ORACLE", traceback.format_exc())
        digest = hashlib.sha256("\n".join([*world.story, str(world.loop.steps)]).encode()).hexdigest()[:16]
        removals = sum(len(ask.refs) for ask in world.oracle.asks.values() if ask.action == "remove")
        return Run(plan.seed, digest, world.story, world.oracle.findings, world.faults, world.oracle.exempt, removals)
