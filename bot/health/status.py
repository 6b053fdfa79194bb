"""The status of a running bot: the checks that it runs on itself, at start and for /cad911 status."""

from __future__ import annotations

import logging
from collections.abc import Collection

import discord

from bot.cad.client import CadClient, ProbeDeferred
from bot.cad.models import Plan
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Result
from bot.config.settings import Settings
from bot.health import cad_checks, discord_checks, host_checks
from bot.health.clock import DiscordClock
from bot.health.discord_failure import explain
from bot.health.finding import Finding, Severity, fail, log_findings, warn
from bot.journal.database import JournalError
from bot.journal.entries import EntryFilter
from bot.journal.store import Journal
from bot.text import relative_time

log = logging.getLogger(__name__)


class StatusReport:
    """Checks the bot from inside. Changes nothing, except that a response from the CAD resets the circuit breaker."""

    def __init__(self, settings: Settings, cad: CadClient, journal: Journal) -> None:
        self.discord_clock = DiscordClock(cad.clock)
        self._settings = settings
        self._cad = cad
        self._journal = journal
        self._started = cad.clock.wall()
        self._last_probe: Plan | Result | None = None

    async def log_at_start(self, client: discord.Client) -> None:
        """Log what is not OK, except what the registration of the commands logs itself."""
        try:
            findings = discord_checks.check_application(await client.application_info())
            at_home = discord_checks.home_guilds(client.guilds, self._settings) or client.guilds
            if self._settings.audit_channel_id is not None:
                audit = discord_checks.check_audit_channel(client, at_home, self._settings.audit_channel_id)
                findings.append(await discord_checks.guarded("audit channel", audit))
            # The roles of an unavailable guild are not known yet.
            if not any(guild.unavailable for guild in client.guilds):
                findings += discord_checks.check_roles(at_home, self._settings)
        except Exception as error:
            log.debug("the checks of Discord failed", exc_info=True)
            told = explain(error)
            findings = [warn("Discord", told.state, told.remedy)]
        log_findings([*findings, *self.discord_clock.findings()])

    async def collect(self, client: discord.Client, commands: Collection[str]) -> list[Finding]:
        """Run all checks and return the findings, the worst first. Each home guild should have these `commands`."""
        cad = await self._cad_findings()
        try:
            in_discord = [finding async for finding in discord_checks.run_checks(client, self._settings, commands)]
        except Exception as error:  # an odd answer raises anything, and the other findings are still true
            log.debug("the checks of Discord failed", exc_info=True)
            told = explain(error)
            in_discord = [fail("Discord", told.state, told.remedy)]
        itself = [
            *await self._journal_findings(),
            Finding("started", relative_time(self._started)),
            host_checks.versions(),
        ]
        order = (Severity.FAIL, Severity.WARN, Severity.OK)
        return sorted(
            [*cad, *in_discord, *self.discord_clock.findings(), *itself], key=lambda one: order.index(one.severity)
        )

    async def _cad_findings(self) -> list[Finding]:
        probe, blocked = await self._cad.probe(), self._cad.blocked_kinds()
        if not isinstance(probe, ProbeDeferred):
            self._last_probe = probe
        known = self._last_probe
        if isinstance(known, Plan):  # the CAD may have refused since
            known = blocked.get(RequestKind.VERSION, known)
        findings = [] if known is None else cad_checks.check_connection(self._settings, known, self._cad.plan_text)
        if isinstance(probe, ProbeDeferred):
            findings.append(Finding("next check of the CAD", relative_time(probe.until)))
        if isinstance(probe, Plan) and probe.lists_servers:
            findings += cad_checks.check_servers(self._settings, await self._cad.servers())
        findings.append(cad_checks.check_sending(blocked))
        waiting = self._cad.queue_length()
        findings.append(Finding("queue", f"{waiting} waiting" if waiting else "empty"))
        return findings

    async def _journal_findings(self) -> list[Finding]:
        try:
            await self._journal.check_writable()
            last = await self._journal.page(EntryFilter(None, None, Outcome.REMOVED.value), None, 1)
        except JournalError as error:
            return [fail("journal", f"it can't be used ({error})", "Its host finds more in the log")]
        when = relative_time(last[0].ended_at) if last and last[0].ended_at else "none in the journal"
        return [
            Finding("last removal", when),
            Finding("journal", f"writable, {host_checks.journal_size(self._settings.database_path)}"),
        ]
