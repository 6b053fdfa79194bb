"""`check`: tests everything that can be tested without changing anything, and prints the findings as a table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import discord

from bot import proxy
from bot.cad.client import API_VERSIONS, CadClient, ProbeDeferred
from bot.cad.models import Plan
from bot.clock import REAL_CLOCK, Clock
from bot.config.errors import BAD_SETTINGS
from bot.config.settings import Settings
from bot.health import cad_checks, discord_checks, host_checks, report
from bot.health.clock import DiscordClock
from bot.health.discord_failure import explain
from bot.health.finding import Finding, Severity, fail

log = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED = 0, 1
"""Exit codes: it works; something fails, or is not known. `BAD_SETTINGS` is the third."""
DISCORD_TIMEOUT = 60.0
"""Seconds for the checks of Discord. discord.py retries failed requests itself."""


class Check:
    """One run. It prints the name of each part before it starts, because Discord and the CAD can take seconds.

    Args:
        show: prints a line.
        env_file: where the settings are read from.
        clock: the clock of the run.
    """

    def __init__(self, show: Callable[[str], None], env_file: Path, clock: Clock = REAL_CLOCK) -> None:
        self._show = show
        self._env_file = env_file
        self._clock = clock
        self._width = report.table_width()
        self._findings: list[Finding] = []
        self._secrets = proxy.secrets()

    def report_mistakes(self, mistakes: Iterable[str]) -> int:
        """Print the mistakes in the settings. Nothing else can be checked with them."""
        self._part("This machine")
        self._add(
            host_checks.versions(), *(host_checks.check_env_file(self._env_file) if self._env_file.is_file() else ())
        )
        self._part("Settings")
        for mistake in mistakes:
            subject, _, state = mistake.partition(": ")
            state, _, remedy = state.partition("; ")
            self._add(fail(subject, state, remedy[:1].upper() + remedy[1:]))
        self._show("\nThe rest can be looked at when the settings can be read. .env.example explains each of them.")
        return BAD_SETTINGS

    async def run(self, settings: Settings, commands: Collection[str]) -> int:
        """Run all checks and return the exit code. `commands` are the names that should be registered."""
        self._secrets = (*settings.secrets, *proxy.secrets())
        self._part("This machine")
        self._add(host_checks.versions(), *host_checks.check_env_file(self._env_file))
        self._part("Settings")
        self._add(Finding("settings", "all valid"))
        self._add(host_checks.check_journal(settings.database_path), *host_checks.check_proxy())
        self._part("Discord")
        token_taken = await self._discord(settings, commands)
        self._part("Sonoran CAD")
        await self._cad(settings)
        self._show("\n" + report.summary(self._findings, "->"))
        if not token_taken:
            return BAD_SETTINGS
        works = all(finding.severity in (Severity.OK, Severity.WARN) for finding in self._findings)
        return EXIT_OK if works else EXIT_FAILED

    async def _discord(self, settings: Settings, commands: Collection[str]) -> bool:
        clock = DiscordClock(self._clock)
        try:
            async with (
                asyncio.timeout(DISCORD_TIMEOUT),
                discord.Client(
                    intents=discord.Intents(guilds=True), http_trace=clock.trace(), **discord_checks.discord_proxy()
                ) as client,
            ):
                await client.login(settings.discord_token)  # REST only: a running bot is not affected
                try:
                    async for finding in discord_checks.run_checks(client, settings, commands):
                        self._add(finding)
                except Exception as error:  # the gateway is still to be looked at
                    log.debug("the checks of Discord failed", exc_info=True)
                    self._add(_failed(error, clock))
                self._add(await discord_checks.check_gateway(client))
        except discord.LoginFailure:
            self._add(
                fail("token", "Discord refuses it", "Developer Portal, Bot, Reset Token: put the new one into "
                     "DISCORD_TOKEN")
            )  # fmt: skip
            return False
        except Exception as error:  # an odd answer raises anything, and the CAD is still to be looked at
            log.debug("Discord can't be looked at", exc_info=True)
            self._add(_failed(error, clock))
        self._add(*clock.findings())
        return True

    async def _cad(self, settings: Settings) -> None:
        async with CadClient(settings.account, API_VERSIONS[settings.api_version], clock=self._clock) as cad:
            probe = await cad.probe()
            if not isinstance(probe, ProbeDeferred):  # a new client's first probe never is
                self._add(*cad_checks.check_connection(settings, probe, cad.plan_text))
            if isinstance(probe, Plan) and probe.lists_servers:
                self._add(*cad_checks.check_servers(settings, await cad.servers()))

    def _part(self, name: str) -> None:
        self._show(f"\n{name}" if self._findings else name)

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            self._findings.append(finding)
            for line in report.table_lines(finding, self._width, self._secrets):
                self._show(line)


def _failed(error: Exception, clock: DiscordClock) -> Finding:
    told = explain(error, clock.last_status)
    return fail("Discord", told.state, told.remedy)
