"""The status of a running bot: the checks that it runs on itself, at start and for /cad911 status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence

import discord

from bot.cad.client import CadClient, ProbeDeferred
from bot.cad.models import Plan
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome
from bot.config.settings import Settings
from bot.health import cad_checks, discord_checks, host_checks
from bot.health.clock import DiscordClock
from bot.health.discord_failure import explain
from bot.health.finding import Finding, fail, log_findings, unknown, warn
from bot.journal.database import JournalError
from bot.journal.entries import EntryFilter
from bot.journal.store import Journal
from bot.text import relative_time

log = logging.getLogger(__name__)

CAD_LIMIT, DISCORD_LIMIT, LIMIT = 25.0, 50.0, 60.0
"""Seconds after which the checks of the CAD, those of Discord and the whole status are given up. A person waits, and
aiohttp would wait for five minutes each time."""

_NO_RESULT = (
    unknown("Sonoran CAD", "not known: the last check has no result yet", "Run the check again in a minute or two"),
)


class StatusReport:
    """Checks the bot from inside. Changes nothing, except that a response from the CAD resets the circuit breaker."""

    def __init__(self, settings: Settings, cad: CadClient, journal: Journal) -> None:
        self.discord_clock = DiscordClock(cad.clock)
        self._settings = settings
        self._cad = cad
        self._journal = journal
        self._started = cad.clock.wall()
        self._last_probe: Sequence[Finding] = _NO_RESULT

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
        """Run all checks and return the findings. Each home guild should have these `commands`.

        It takes `LIMIT` seconds at most. What has no result by then is not known.
        """
        start = asyncio.get_running_loop().time()
        in_discord = discord_checks.run_checks(client, self._settings, commands)
        return [
            *await _in_time("Sonoran CAD", self._check_cad(), start + CAD_LIMIT),
            *cad_checks.check_sending(self._cad.blocked_kinds(), self._cad.held_until()),
            Finding("queue", f"{waiting} waiting" if (waiting := self._cad.queue_length()) else "empty"),
            *await _in_time("Discord", in_discord, start + DISCORD_LIMIT),
            *self.discord_clock.findings(),
            *await _in_time("journal", self._check_journal(), start + LIMIT),
            Finding("started", relative_time(self._started)),
            host_checks.versions(),
        ]

    async def _check_cad(self) -> AsyncIterator[Finding]:
        before, self._last_probe = self._last_probe, _NO_RESULT  # until this one has a result
        probe = await self._cad.probe()
        if isinstance(probe, ProbeDeferred):
            if self._last_probe is _NO_RESULT:
                self._last_probe = before
            refusal = self._cad.blocked_kinds().get(RequestKind.VERSION)  # the CAD may have refused since
            last = before if refusal is None else cad_checks.check_connection(self._settings, refusal, "")
            for finding in last:
                yield finding
            yield Finding("next check of the CAD", relative_time(probe.until))
            return
        found = cad_checks.check_connection(self._settings, probe, self._cad.plan_text)
        for finding in found:
            yield finding
        if isinstance(probe, Plan) and probe.lists_servers:
            servers = cad_checks.check_servers(self._settings, await self._cad.servers())
            for finding in servers:
                yield finding
            found += servers
        self._last_probe = found

    async def _check_journal(self) -> AsyncIterator[Finding]:
        try:
            await self._journal.check_writable()
            last = await self._journal.page(EntryFilter(None, None, Outcome.REMOVED.value), None, 1)
        except JournalError as error:
            yield fail("journal", f"it can't be used ({error})", "Its host finds more in the log")
            return
        when = relative_time(last[0].ended_at) if last and last[0].ended_at else "none in the journal"
        yield Finding("last removal", when)
        yield Finding("journal", f"writable, {host_checks.journal_size(self._settings.database_path)}")


async def _in_time(subject: str, findings: AsyncIterator[Finding], end: float) -> list[Finding]:
    """Return the findings that come before `end`, a time of the event loop. What is late is one that is not known."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout_at(end):
            async for finding in findings:
                found.append(finding)  # noqa: PERF401 - those before a failure count
    except TimeoutError:
        rest = "the rest is not known" if found else "not known"
        found.append(unknown(subject, f"{rest}: no answer in time", "Run the check again in a minute or two"))
    except Exception as error:  # an odd answer raises anything, and the other findings are still true
        log.debug("the checks of %s failed", subject, exc_info=True)
        told = explain(error)
        found.append(fail(subject, told.state, told.remedy))
    return found
