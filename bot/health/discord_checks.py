"""Checks of Discord, over REST only: the application, the servers, the roles, the commands, the audit channel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import discord.http
from discord.gateway import DiscordWebSocket
from yarl import URL

from bot.config.settings import Settings
from bot.health.audit_check import AUDIT_PERMISSIONS, check_audit_channel
from bot.health.discord_failure import NO_ACCESS, OUTAGE, explain
from bot.health.finding import Finding, fail, unknown, warn
from bot.interactions.access import AccessPolicy
from bot.interactions.errors import DISCORD_ERRORS
from bot.proxy import proxy_for
from bot.text import clean, truncate

log = logging.getLogger(__name__)

MAX_GUILDS = 100
"""Servers that are checked. The bot of one community is in one or two."""
MAX_SHOWN = 3
"""Foreign servers that a finding names."""
GATEWAY_TIMEOUT = 15.0
"""Seconds for the check of the gateway."""

_FIRST = f"the first {MAX_GUILDS} of the bot's servers, and only those were looked at"
_NAME_GUILD = "Put the id of the right server into GUILD_IDS: then it is looked at directly"
_PORTAL = "https://discord.com/developers/applications"


def invite_link(settings: Settings, application_id: int) -> str:
    """Return the invite link, with both scopes and only the permissions that the settings need."""
    permissions = discord.Permissions.none()
    if settings.audit_channel_id is not None:
        permissions.update(**dict.fromkeys(AUDIT_PERMISSIONS.values(), True))
    return discord.utils.oauth_url(application_id, permissions=permissions, scopes=("bot", "applications.commands"))


def discord_proxy() -> dict[str, Any]:
    """Return the arguments with which discord.py uses the environment's proxy. By itself, it uses none."""
    proxy = proxy_for(URL(discord.http.Route.BASE))
    return {} if proxy is None else {"proxy": str(proxy.url)}


async def run_checks(client: discord.Client, settings: Settings, commands: Collection[str]) -> AsyncIterator[Finding]:
    """Run all checks of Discord, which change nothing. Each home guild should have these `commands`.

    `client` is logged in; it needs no connection to the gateway.

    Raises:
        Exception: Discord refused a request or can't be reached, or its answer can't be used. `explain` says which.
    """
    app = await client.application_info()
    for finding in check_application(app):
        yield finding
    found = await _look_at_guilds(client, settings)
    at_home = home_guilds(found.guilds, settings)
    link = invite_link(settings, app.id)
    for finding in _servers(found, at_home, settings, link):
        yield finding
    for finding in check_roles(at_home or found.guilds, settings, complete=found.complete):
        yield finding
    for guild in at_home:
        yield await guarded("commands", _commands(client, guild, app.id, commands, link))
    if settings.audit_channel_id is not None:
        yield await guarded("audit channel", check_audit_channel(client, at_home, settings.audit_channel_id))


async def guarded(subject: str, work: Awaitable[Finding]) -> Finding:
    """Return a finding, also if the check itself fails: no check takes the others along."""
    try:
        return await work
    except Exception as error:  # an odd answer raises anything
        log.debug("a check failed", exc_info=True)
        told = explain(error)
        return fail(subject, f"it can't be looked at. Discord: {told.state}", told.remedy)


@dataclass(frozen=True, slots=True)
class _Guilds:
    """The bot's servers.

    Attributes:
        guilds: those that were looked at, with their roles.
        listed: all that Discord listed, without their roles.
        complete: whether Discord listed all of them.
    """

    guilds: list[discord.Guild]
    listed: list[discord.Guild]
    complete: bool


async def _look_at_guilds(client: discord.Client, settings: Settings) -> _Guilds:
    """Look at the servers in GUILD_IDS, or else at each one until every configured role is found."""
    listed = [guild async for guild in client.fetch_guilds(limit=MAX_GUILDS + 1, with_counts=False)]
    complete, listed = len(listed) <= MAX_GUILDS, listed[:MAX_GUILDS]
    missing = {*settings.dispatcher_role_ids, *settings.admin_role_ids}
    guilds: list[discord.Guild] = []
    for guild_id in sorted(settings.guild_ids) or [guild.id for guild in listed]:
        if not missing and not settings.guild_ids:
            break
        with contextlib.suppress(discord.NotFound, discord.Forbidden):  # the bot is not in it
            guilds.append(await client.fetch_guild(guild_id, with_counts=False))
            missing -= {role.id for role in guilds[-1].roles}
    return _Guilds(guilds, listed, complete)


async def check_gateway(client: discord.Client) -> Finding:
    """Check that commands could arrive: connect to the gateway and wait for its greeting. This is no log-in."""
    try:
        async with asyncio.timeout(GATEWAY_TIMEOUT):
            socket = await client.http.ws_connect(str(DiscordWebSocket.DEFAULT_GATEWAY.with_query(v=10)))
            try:
                greeting = await socket.receive()
            finally:
                await socket.close(code=1000)
    except DISCORD_ERRORS as error:
        told = explain(error)
        return fail("gateway", f"Discord's gateway, through which commands arrive: {told.state}", told.remedy)
    if greeting.type is not aiohttp.WSMsgType.TEXT:
        return fail("gateway", "Discord's gateway, through which commands arrive, ended the connection", OUTAGE)
    return Finding("gateway", "Discord's gateway answers")


def home_guilds(guilds: Sequence[discord.Guild], settings: Settings) -> list[discord.Guild]:
    """Return the servers in which the bot works."""
    policy = AccessPolicy.from_settings(settings)
    return [guild for guild in guilds if policy.is_home(guild.id, {role.id for role in guild.roles})]


def check_application(app: discord.AppInfo) -> list[Finding]:
    """Check the application's settings in the Developer Portal."""
    findings = [Finding("application", f"{_name(app.name)} ({app.id})")]
    if app.bot_public:
        findings.append(
            warn(
                "public bot",
                "on, so anybody can invite the bot to their server (where it works for nobody)",
                f"Switch it off: {_PORTAL}/{app.id}/bot (Installation, Install Link, None has to come first)",
            )
        )
    if app.interactions_endpoint_url is not None:
        findings.append(
            fail(
                "commands",
                "an Interactions Endpoint URL is set, so Discord sends every command there and not to the bot",
                f"Take it out: {_PORTAL}/{app.id}/information",
            )
        )
    if app.bot_require_code_grant:
        findings.append(fail(
            "invitation", "it requires a code grant, so no invitation works",
            f"Switch Requires OAuth2 Code Grant off: {_PORTAL}/{app.id}/bot",
        ))  # fmt: skip
    return findings


def _foreign_guilds(guilds: Sequence[discord.Guild]) -> list[Finding]:
    if not guilds:
        return []
    shown = ", ".join(f"{_name(guild.name)} ({guild.id})" for guild in guilds[:MAX_SHOWN])
    more = f" and {len(guilds) - MAX_SHOWN} more" if len(guilds) > MAX_SHOWN else ""
    state = f"{shown} is not a home guild" if len(guilds) == 1 else f"{shown}{more} are not home guilds"
    remedy = (
        "If it is yours: DISPATCHER_ROLE_IDS or ADMIN_ROLE_IDS needs a role of it, and GUILD_IDS, where set, its id. "
        "If not: let the bot leave it"
    )
    return [warn("foreign server", f"{state}, so the bot works for nobody there", remedy)]


def check_roles(guilds: Sequence[discord.Guild], settings: Settings, *, complete: bool = True) -> list[Finding]:
    """Check that each configured role exists. Without a server, nothing is known about them.

    Only if the servers are `complete`, a role that is in none of them does not exist.
    """
    findings: list[Finding] = []
    names = {role.id: (role, guild) for guild in guilds for role in guild.roles}
    for subject, setting, ids in (
        ("dispatcher role", "DISPATCHER_ROLE_IDS", settings.dispatcher_role_ids),
        ("admin role", "ADMIN_ROLE_IDS", settings.admin_role_ids),
    ):
        for role_id in ids if guilds else ():
            if role_id not in names and not complete:
                findings.append(unknown(subject, f"{role_id} is in none of {_FIRST}", _NAME_GUILD))
                continue
            if role_id not in names:
                findings.append(
                    fail(subject, f"{role_id} does not exist (deleted?), so it gives nobody access",
                         f"Put the id of a role that exists into {setting}")
                )  # fmt: skip
                continue
            role, guild = names[role_id]
            if role_id == guild.id:
                findings.append(
                    fail(subject, f"{role_id} is @everyone in {_name(guild.name)}, and nobody passes by that",
                         f"Put the id of a real role into {setting}")
                )  # fmt: skip
                continue
            where = f" in {_name(guild.name)}" if len(guilds) > 1 else ""
            findings.append(Finding(subject, f"{_name(role.name)} ({role_id}){where}"))
    return findings


def _servers(found: _Guilds, homes: Sequence[discord.Guild], settings: Settings, link: str) -> list[Finding]:
    findings = [Finding("server", f"{_name(guild.name)} ({guild.id})") for guild in homes]
    if not found.listed:
        findings.append(fail("server", "the bot is in no Discord server", f"Invite it: {link}"))
    elif not homes and not found.complete and not settings.guild_ids:
        findings.append(unknown("server", f"no home server is among {_FIRST}", _NAME_GUILD))
    elif not homes:
        findings.append(
            fail(
                "server",
                "none of the bot's servers is a home server, so no command works anywhere",
                "Put a role of the right server into DISPATCHER_ROLE_IDS, and its id into GUILD_IDS where that is "
                f"set. Or invite the bot there: {link}",
            )
        )
    findings += [
        fail(
            "server",
            f"the bot is not in {guild_id}, which GUILD_IDS lists",
            f"Invite it, or correct the id: {link}&guild_id={guild_id}",
        )
        for guild_id in sorted(settings.guild_ids - {guild.id for guild in found.guilds})
    ]
    at_home = {guild.id for guild in homes}
    return findings + _foreign_guilds([guild for guild in found.listed if guild.id not in at_home])


async def _commands(
    client: discord.Client, guild: discord.Guild, application_id: int, expected: Collection[str], link: str
) -> Finding:
    where = _name(guild.name)
    try:
        found = await client.http.get_guild_commands(application_id, guild.id)
    except DISCORD_ERRORS as error:
        if isinstance(error, discord.Forbidden) and error.code == NO_ACCESS:
            return fail(
                "commands", f"the bot may not have any in {where}", f"Invite it again, with both scopes: {link}"
            )
        told = explain(error)
        return fail("commands", f"unknown in {where}: {told.state}", told.remedy)
    names = {command["name"] for command in found}
    if missing := sorted(set(expected) - names):
        return warn(
            "commands",
            f"{', '.join(missing)} not registered in {where}",
            "Start the bot: it registers them. If it is running, it keeps trying, and its log says why it couldn't",
        )
    return Finding("commands", f"{', '.join(sorted(names))} in {where}")


def _name(text: str) -> str:
    return truncate(clean(text), 60)
