"""The host: starts the bot, stops and kills it, starts a second one, and has a clock that is wrong."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from discord.webhook.async_ import async_context
from yarl import URL

from bot.cad.models import Account
from bot.config.settings import Settings
from bot.runner import run_bot
from tests.simulation.cad import COMMUNITY, KEY
from tests.simulation.gateway import ADMIN_ROLE, AUDIT
from tests.simulation.loop import Process, ProcessClock
from tests.simulation.plan import CHAOS, Item
from tests.support.fake_discord import ROLE

if TYPE_CHECKING:
    from tests.simulation.world import World

DISCORD_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.simulated-discord-token-aaaaaaaaaaaa"
SECOND = 1000
"""The first number of a second process, which runs beside the bot's own."""


class Host:
    """The machine, with one process of the bot at a time, unless somebody starts a second one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lives = 0
        self._processes: list[Process] = []
        self._kills: list[Item] = []
        self._outages: list[tuple[str, float, float]] = []
        self._deaths: list[float] = []
        self._calm = self._ending = False

    # What the oracle asks.

    def excuse(self, start: float, end: float, what: str = "ack") -> bool:
        """Return True if the bot could not do that at Discord in that time: it was away, or Discord was broken."""
        return any(since <= end and until >= start for why, since, until in self._outages if why in ("", what))

    def died(self, start: float, end: float) -> bool:
        """Return True if a process ended in that time."""
        return any(start <= at <= end for at in self._deaths)

    # What happens.

    def outage(self, before: float, after: float, what: str = "") -> None:
        """Note that something at Discord, or all if it is not named, can't be done for a while."""
        now = self._world.loop.now
        self._outages.append((what, now - before, now + after))

    def begin(self) -> None:
        """Start the bot, if it does not run."""
        if self._living():
            return
        self._lives += 1
        async_context.get().__init__()  # discord.py's locks: those that a killed process held are gone with it
        self._world.tell("host", f"starts the bot (life {self._lives})")
        self.outage(5.0, 8.0)
        self._start(self._lives)

    def do(self, item: Item) -> None:
        """Do what an item of the plan says to a process or to the clock."""
        living = self._living()
        if item.who == "kill":
            self._kills.append(item)
        elif item.what == "file" and living:
            self._world.happened(item, f"the journal's file is {item.who}")
            self._world.disk.take_away(moved=item.who == "moved")
        elif item.what == "clock":
            for process in living:
                self._set_clock(process, item)
        elif item.who == "stop" and living:
            self._world.happened(item, "the host stops the bot")
            self.outage(3.0, 60.0)
            living[0].stop.set()
        elif len(living) == 1 and self._world.disk.path.exists():
            self._world.happened(item, "the host starts a second process")
            if item.who == "second, no lock":
                self._world.disk.path.with_name("remove911.db.lock").unlink(missing_ok=True)
            self._start(SECOND + self._lives)

    def mark(self, name: str) -> None:
        """Something happened that a kill may wait for."""
        for item in self._kills:
            if item.mark == name:
                self._kills.remove(item)
                self._world.loop.in_steps(item.number, partial(self._kill, item))
                return

    def mend(self) -> None:
        """From now on the bot runs, alone, with a right clock."""
        self._calm = True
        self._kills.clear()
        for process in self._processes:
            process.clock_error = 0.0
            if process.number >= SECOND:
                process.stop.set()
        self.begin()

    def end(self) -> None:
        """Stop the bot for good."""
        self._ending = True
        for process in self._living():
            process.stop.set()

    def _living(self) -> list[Process]:
        return [process for process in self._processes if not process.dead]

    def _start(self, number: int) -> None:
        self._processes.append(process := Process(number, self._world.loop.now))
        clock = ProcessClock(self._world.loop, process)
        task = self._world.loop.start(run_bot(self._settings(), process.stop, clock), process)
        task.add_done_callback(partial(self._ended, process))

    def _ended(self, process: Process, task: asyncio.Task[int]) -> None:
        if process.dead:
            return
        world = self._world
        process.dead = True
        world.discord.gateway.forget(process)
        if (error := task.exception()) is not None:
            world.oracle.find(4, "crash", f"the bot ended with {error!r}")
        world.tell("bot", f"ends with code {None if error else task.result()}")
        if process.number >= SECOND:
            self._start_again(5.0)
            return
        if not process.stop.is_set():
            world.oracle.find(4, "crash", "the bot ended by itself")
        self._down(20.0, 60.0, 5.0)

    def _down(self, before: float, after: float, pause: float) -> None:
        """The bot has ended, and starts again after a pause."""
        self._world.disk.note()
        self._deaths.append(self._world.loop.now)
        self.outage(before, after)
        self._start_again(pause)

    def _start_again(self, pause: float) -> None:
        if not self._ending:
            self._world.loop.after(pause, self.begin)

    def _kill(self, item: Item) -> None:
        world, living = self._world, self._living()
        if not living or self._calm:
            return
        world.happened(item, f"the host kills the bot (life {self._lives})")
        for process in living:
            world.loop.kill(process)
            world.discord.gateway.forget(process)
        self._down(3.0, item.seconds + 8.0, item.seconds)
        world.disk.crash()

    def _set_clock(self, process: Process, item: Item) -> None:
        world = self._world
        if process.frozen_until > world.loop.now:
            return
        world.happened(item, f"the clock: {item.who}, {item.seconds:.0f} s")
        if item.who in ("ahead", "behind"):
            process.clock_error += item.seconds if item.who == "ahead" else -item.seconds
            return
        seconds = min(item.seconds, CHAOS - world.elapsed)
        self.outage(3.0, seconds + 5.0)
        world.loop.freeze(process, seconds, sleeping=item.who == "sleep")

    def _settings(self) -> Settings:
        plan = self._world.plan
        return Settings(
            discord_token=DISCORD_TOKEN,
            account=Account(URL("https://api.sonorancad.com"), COMMUNITY, KEY),
            dispatcher_role_ids=(int(ROLE),),
            admin_role_ids=(int(ADMIN_ROLE),),
            default_server_id=plan.default_server,
            audit_channel_id=int(AUDIT) if plan.audited else None,
            api_version=plan.api,
            database_path=self._world.disk.path,
        )
