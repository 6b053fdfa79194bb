"""What a running bot knows of itself: the checks that make sense from inside, at start and for /cad911 status."""

from __future__ import annotations

from collections.abc import Collection
from time import time

import discord

from bot.cad.client import CadClient
from bot.cad.model import Answer, End, Kind, Plan, Why
from bot.entries import Filter
from bot.errors import UNREACHED
from bot.health import Finding, Level, cad_side, discord_side, fail, machine, to_the_log, warn
from bot.journal import Journal
from bot.journal_file import JournalError
from bot.settings import Settings
from bot.text import relative


class Overview:
    """Looks at the bot from inside, changing nothing but the breaker, which an answer of the CAD's closes."""

    def __init__(self, settings: Settings, cad: CadClient, journal: Journal) -> None:
        self.clock = machine.DiscordsClock()
        self._settings = settings
        self._cad = cad
        self._journal = journal
        self._started = time()
        # What came of the last re-check.
        self._heard: Plan | Answer | None = None

    async def at_start(self, client: discord.Client) -> None:
        """Write to the log what is not in order, but for what is said there anyhow when the commands are registered."""
        try:
            findings = discord_side.application(await client.application_info())
            at_home = discord_side.homes(client.guilds, self._settings) or client.guilds
            findings += await discord_side.audit_channel(client, at_home, self._settings)
            if not any(guild.unavailable for guild in client.guilds):  # its roles are not known yet
                findings += discord_side.roles(at_home, self._settings)
        except UNREACHED as error:
            findings = [warn("Discord", f"it could not be asked ({type(error).__name__})", "See /cad911 status later")]
        to_the_log([*findings, *self.clock.findings()])

    async def look(self, client: discord.Client, commands: Collection[str]) -> list[Finding]:
        """Look at everything, the worst first.

        Args:
            client: connected.
            commands: the names of the commands that each home guild should have.
        """
        cad = await self._look_at_the_cad()
        try:
            in_discord = [finding async for finding in discord_side.look(client, self._settings, commands)]
        except UNREACHED as error:
            in_discord = [fail("Discord", f"it could not be asked ({type(error).__name__})", "Try again in a minute")]
        up = f"since {relative(self._started)}"
        itself = [*await self._look_at_the_journal(), Finding("running", up), machine.versions()]
        order = (Level.FAIL, Level.WARN, Level.OK)
        return sorted([*cad, *in_discord, *self.clock.findings(), *itself], key=lambda one: order.index(one.level))

    async def _look_at_the_cad(self) -> list[Finding]:
        answer = await self._cad.recheck()
        too_soon = answer.end is End.NOT_SENT and answer.why is Why.BUSY and answer.status is None
        plan, held = self._cad.plan, self._cad.held_back()
        if not too_soon:
            self._heard = plan if answer.done else answer
        # What it said is no news any more where it has refused since.
        heard = held.get(Kind.VERSION, self._heard) if isinstance(self._heard, Plan) else self._heard
        findings = [] if heard is None else cad_side.connection(self._settings, heard, self._cad.plan_said)
        if too_soon and answer.at is not None:
            findings.append(Finding("re-check", f"not done again so soon; the next one {relative(answer.at)}"))
        if answer.done and plan is not None and plan.lists_servers:
            findings += cad_side.servers(self._settings, await self._cad.servers())
        findings.append(cad_side.sending(held))
        waiting = self._cad.waiting()
        findings.append(Finding("line", f"{waiting} wait" if waiting else "nobody waits"))
        return findings

    async def _look_at_the_journal(self) -> list[Finding]:
        try:
            await self._journal.tried()
            last = await self._journal.page(Filter(None, None, End.REMOVED.value), None, 1)
        except JournalError as error:
            return [fail("journal", f"it can't be used ({error})", "Its host finds more in the log")]
        when = relative(last[0].ended_at) if last and last[0].ended_at else "none in the journal"
        return [
            Finding("last removal", when),
            Finding("journal", f"writable, {machine.size(self._settings.database_path)}"),
        ]
