"""`check`: everything that can be tested without changing anything, as a table that grows while it is looked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import aiohttp
import discord

from bot.cad.client import DIALECTS, CadClient
from bot.cad.worker import Clock
from bot.errors import BAD_SETTINGS
from bot.health import Finding, Level, cad_side, discord_side, fail, machine, report
from bot.settings import Settings

FINE, FAILS = 0, 1
"""The exit codes, beside the one for settings."""
PATIENCE = 60.0
"""Seconds for Discord's side; discord.py itself tries again where Discord stumbles."""


class Check:
    """One run. What is looked at is named before it is, since both sides can take seconds.

    Args:
        show: takes a line of the table.
        env_file: where the settings were looked for.
        clock: what the client of the CAD goes by.
    """

    def __init__(self, show: Callable[[str], None], env_file: Path, clock: Clock | None = None) -> None:
        self._show = show
        self._env_file = env_file
        self._clock = clock
        self._width = report.columns()
        self._findings: list[Finding] = []

    def refused_settings(self, mistakes: Iterable[str]) -> int:
        """Show the mistakes in the settings, without which nothing else can be looked at."""
        self._part("This machine")
        self._add(machine.versions(), *(machine.env_file(self._env_file) if self._env_file.is_file() else ()))
        self._part("Settings")
        for mistake in mistakes:
            what, _, found = mistake.partition(": ")
            found, _, remedy = found.partition("; ")
            self._add(fail(what, found, remedy[:1].upper() + remedy[1:]))
        self._show("\nThe rest can be looked at when the settings can be read. .env.example explains each of them.")
        return BAD_SETTINGS

    async def run(self, settings: Settings, commands: Collection[str]) -> int:
        """Look at everything, and return the exit code.

        Args:
            settings: what it should be like.
            commands: the names of the commands that there should be.
        """
        self._part("This machine")
        self._add(machine.versions(), *machine.env_file(self._env_file))
        self._part("Settings")
        self._add(Finding("settings", "each of them can be used"))
        self._add(machine.journal(settings.database_path))
        self._part("Discord")
        token_taken = await self._discord(settings, commands)
        self._part("Sonoran CAD")
        await self._cad(settings)
        self._show("\n" + report.summary(self._findings, "->"))
        if not token_taken:
            return BAD_SETTINGS
        return FAILS if any(finding.level is Level.FAIL for finding in self._findings) else FINE

    async def _discord(self, settings: Settings, commands: Collection[str]) -> bool:
        clock = machine.DiscordsClock()
        try:
            async with (
                asyncio.timeout(PATIENCE),
                discord.Client(intents=discord.Intents(guilds=True), http_trace=clock.trace()) as client,
            ):
                await client.login(settings.discord_token)  # REST alone: a bot that runs does not hear of it
                async for finding in discord_side.look(client, settings, commands):
                    self._add(finding)
        except discord.LoginFailure:
            self._add(
                fail("token", "Discord refuses it", "Developer Portal, Bot, Reset Token: put the new one into "
                     "DISCORD_TOKEN")
            )  # fmt: skip
            return False
        except discord.HTTPException as error:
            self._add(
                fail("Discord", f"it answered with an error (HTTP {error.status}, code {error.code})",
                     "Run the check again in a few minutes; discordstatus.com tells of outages")
            )  # fmt: skip
        except (aiohttp.ClientError, OSError) as error:
            self._add(
                fail("Discord", f"it can't be reached ({type(error).__name__})",
                     "Look at this machine's network, its DNS and firewall")
            )  # fmt: skip
        self._add(*clock.findings())
        return True

    async def _cad(self, settings: Settings) -> None:
        async with CadClient(settings.account, DIALECTS[settings.api_version], clock=self._clock) as cad:
            answer = await cad.recheck()
            self._add(*cad_side.connection(settings, cad.plan or answer, cad.plan_said))
            if cad.plan is not None and cad.plan.lists_servers:
                self._add(*cad_side.servers(settings, await cad.servers()))

    def _part(self, name: str) -> None:
        self._show(f"\n{name}" if self._findings else name)

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            self._findings.append(finding)
            for line in report.lines(finding, self._width):
                self._show(line)
