"""Days in the field, shortened: everything that the bot depends on fails, one after another, while it removes calls."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.cad.models import CallRef, Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall
from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord
from tests.support.processes import ROOT

SECONDS = 60.0
"""For each wait: a bound for a bot that hangs, not a measure."""


@dataclass
class Week:
    """One bot process, its Discord and its CAD, and what was asked and read.

    Attributes:
        asked: the number of removals so far. Each has its own interaction and its own call.
        memory: the bot's resident memory after each day, in kB.
        log: the lines of the bot's log.
    """

    folder: Path
    discord: FakeDiscord = field(default_factory=FakeDiscord)
    cad: FakeCad = field(
        default_factory=lambda: FakeCad(community_id="ours", key="planted-key", plan=Plan.STANDARD, calls={})
    )
    asked: int = 0
    faults: int = 0
    memory: list[int] = field(default_factory=list[int])
    log: list[str] = field(default_factory=list[str])
    process: asyncio.subprocess.Process | None = None
    serving: asyncio.Task[None] | None = None
    address: str = ""
    cad_address: str = ""

    @property
    def journal(self) -> Path:
        """The bot's journal."""
        return self.folder / "data" / "journal.db"

    @property
    def pid(self) -> int:
        """The bot's process."""
        assert self.process is not None
        return self.process.pid

    async def ask(self) -> int:
        """Ask for the removal of a new call, and wait until the bot has acknowledged it."""
        self.asked += 1
        ref = CallRef(1, self.asked)
        self.cad.calls[ref] = FakeCall(ref, "Caller", "Somewhere", "Something")
        await until(lambda: bool(self.discord._sockets), SECONDS)
        await self.discord.command("remove911", number=self.asked, call_id=self.asked, server_id=1)
        path = f"/interaction-token-{self.asked}/callback"
        await until(lambda: any(sent.endswith(path) for _, sent, _ in self.discord.sent), SECONDS)
        return self.asked

    def read(self, number: int) -> str:
        """Return what the dispatcher reads now as the answer, or nothing."""
        texts = [
            str(body.get("content", ""))
            for method, path, body in self.discord.sent
            if method == "PATCH" and f"/interaction-token-{number}/" in path
        ]
        return texts[-1] if texts and not texts[-1].startswith("⏳") else ""

    async def answered(self, number: int, *starts: str) -> None:
        """Wait for the answer to a removal, which begins like one of these."""
        await until(lambda: bool(self.read(number)), SECONDS)
        assert self.read(number).startswith(starts), (self.read(number), starts, self.log[-20:])

    async def removed(self) -> None:
        """Remove a call, and read that it was removed."""
        await self.answered(await self.ask(), "✅")

    async def logged(self, text: str, since: int) -> None:
        """Wait for a line of the log."""
        await until(lambda: any(text in line for line in self.log[since:]), SECONDS)

    def note_memory(self) -> None:
        """Keep the bot's memory after a day."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                self.memory.append(int(line.split()[1]))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Week]:
    """Start the bot while the gateway answers 503 and registration is refused, and wait until it has come through."""
    week = Week(folder)
    week.discord.resume_url = None
    week.discord.gateway = "503"
    week.discord.failing["/guilds/"] = (503, 0)
    async with week.discord.serving() as week.address, week.cad.serving() as account:
        week.cad_address = str(account.url)
        week.process = await start(week)
        assert week.process.stderr is not None
        reading = asyncio.create_task(_read(week.process.stderr, week.log))
        await week.logged("Discord's gateway: it answers with an error (HTTP 503); next try in", 0)
        week.discord.gateway = ""
        await week.logged("the commands could not be registered in Los Santos", 0)
        week.discord.failing.clear()
        await week.logged("registered /remove911", 0)
        try:
            yield week
        finally:
            if week.process.returncode is None:
                week.process.terminate()
            await week.process.wait()
            await reading
            if week.serving is not None:
                week.serving.cancel()


async def start(week: Week) -> asyncio.subprocess.Process:
    """Start a bot process."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.field.bot", week.address, week.cad_address, str(week.journal),
        cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _read(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode().rstrip())


# What fails. Each asks for a removal while it fails, and says what a dispatcher may read then.


async def gateway_down(week: Week, how: str, resumes: str = "resumed") -> None:
    """The connection breaks while a removal is at the CAD, and the gateway does not come back at once."""
    since = len(week.log)
    week.cad.delays[CallRef(1, week.asked + 1)] = 0.3
    pending = await week.ask()
    week.discord.gateway, week.discord.resumes = how, resumes
    await week.discord.drop()
    await week.answered(pending, "✅")
    await week.logged("Discord's gateway: ", since)
    if how:
        await until(lambda: sum("Discord's gateway: " in line for line in week.log[since:]) >= 3, SECONDS)
    week.discord.gateway = ""
    await week.logged("connected to Discord again", since)
    week.discord.resumes = "resumed"


async def replies_refused(week: Week) -> None:
    """Discord takes no edit of a reply."""
    week.discord.failing["/messages/@original"] = (503, 0)
    pending = await week.ask()
    await until(lambda: CallRef(1, pending) not in week.cad.calls, SECONDS)
    await until(lambda: bool(week.read(pending)), SECONDS)
    tried = len(week.discord.sent)
    week.discord.failing.clear()
    await until(lambda: any(method == "PATCH" for method, _, _ in week.discord.sent[tried:]), SECONDS)
    await week.answered(pending, "✅")


async def cad_garbled(week: Week) -> None:
    """Something in front of the CAD answers for it."""
    week.cad.canned = 200, "<html>"
    await week.answered(await week.ask(), "⚠️", "❌")
    week.cad.canned = None


async def cad_gone(week: Week) -> None:
    """Nothing listens at the CAD's address."""
    await week.cad.go_down()
    await week.answered(await week.ask(), "❌")
    port = int(week.cad_address.rstrip("/").rpartition(":")[2])
    entered: asyncio.Event = asyncio.Event()

    async def serve() -> None:
        async with week.cad.serving(port):
            entered.set()
            await asyncio.Event().wait()

    if week.serving is not None:
        week.serving.cancel()
    week.serving = asyncio.create_task(serve())
    await entered.wait()


async def journal_deleted(week: Week) -> None:
    """Somebody deletes the journal's folder."""
    since = len(week.log)
    for file in week.journal.parent.iterdir():
        file.unlink()
    refused = await week.ask()
    # The bot may have opened it anew just before.
    await week.answered(refused, "❌", "✅")
    await week.logged("was deleted, moved or replaced while the bot ran", since)
    await until(week.journal.exists, SECONDS)


async def disk_full(week: Week) -> None:
    """No file may grow."""
    size = week.journal.with_name("journal.db-wal").stat().st_size
    before = resource.prlimit(week.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(week.pid, resource.RLIMIT_FSIZE, (min(size, 4096), before[1]))
    await week.answered(await week.ask(), "❌")
    resource.prlimit(week.pid, resource.RLIMIT_FSIZE, before)


async def second_copy(week: Week) -> None:
    """Somebody starts the bot a second time, by another name of its folder, without the lock file."""
    link = week.folder / "link"
    if not link.exists():
        link.symlink_to(week.journal.parent)
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.field.bot", week.address, week.cad_address, str(link / "journal.db"),
        cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await second.communicate()
    assert second.returncode == 2
    assert b"this bot is already running" in told


FAULTS: dict[str, Callable[[Week], Awaitable[None]]] = {
    "the gateway moves the bot": lambda week: gateway_down(week, ""),
    "the gateway answers 503": lambda week: gateway_down(week, "503"),
    "the gateway does not shake hands": lambda week: gateway_down(week, "silent"),
    "the gateway never greets": lambda week: gateway_down(week, "no hello"),
    "the session is invalid": lambda week: gateway_down(week, "", "invalid"),
    "the session is never resumed": lambda week: gateway_down(week, "", "nothing"),
    "Discord refuses replies": replies_refused,
    "the CAD's address answers with a page": cad_garbled,
    "the CAD is gone": cad_gone,
    "the journal is deleted": journal_deleted,
    "the disk is full": disk_full,
    "a second copy is started": second_copy,
}


async def day(week: Week) -> None:
    """Let everything fail once, with a removal before, during and after."""
    for fault in FAULTS.values():
        await week.removed()
        await fault(week)
        await week.removed()
        week.faults += 1
    week.note_memory()


def report(week: Week, began: float) -> str:
    """Return the figures."""
    answered = sum(bool(week.read(number)) for number in range(1, week.asked + 1))
    told = [week.read(number)[:1] for number in range(1, week.asked + 1)]
    removed, refused, unknown = told.count("✅"), told.count("❌"), told.count("⚠")
    tracebacks = sum("Traceback" in line for line in week.log)
    return (
        f"{len(week.memory)} days, {week.faults} faults of {len(FAULTS)} kinds in {time.monotonic() - began:.0f} s: "
        f"{week.asked} removals asked, {answered} answered ({removed} removed, {refused} not removed, "
        f"{unknown} not known); {tracebacks} tracebacks in {len(week.log)} lines of log; memory after each day "
        f"{', '.join(f'{kb / 1024:.1f}' for kb in week.memory)} MiB; alive: "
        f"{week.process is not None and week.process.returncode is None}"
    )
