"""Discord's side, over plain REST: the application, the servers, the roles, the commands, the audit channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

import discord

from bot.access import Gate
from bot.health import Finding, fail, warn
from bot.settings import Settings
from bot.text import clean, cut

MOST_GUILDS = 25
"""Servers that are looked into; a bot of one community is in one or two."""

_NEEDED = {"View Channel": "view_channel", "Send Messages": "send_messages", "Embed Links": "embed_links"}
_PORTAL = "https://discord.com/developers/applications"


def invite(settings: Settings, application_id: int) -> str:
    """Return the link that invites the bot with both scopes, and the least permissions that the settings need."""
    permissions = discord.Permissions.none()
    if settings.audit_channel_id is not None:
        permissions.update(**dict.fromkeys(_NEEDED.values(), True))
    return discord.utils.oauth_url(application_id, permissions=permissions, scopes=("bot", "applications.commands"))


async def look(client: discord.Client, settings: Settings, commands: Collection[str]) -> AsyncIterator[Finding]:
    """Look at all of it, changing nothing.

    Args:
        client: logged in; it need not be connected to the gateway.
        settings: what it should be like.
        commands: the names of the commands that each home guild should have.

    Raises:
        discord.HTTPException: Discord refused something that it should not refuse.
        aiohttp.ClientError, OSError: it can't be reached.
    """
    about = await client.application_info()
    for finding in application(about):
        yield finding
    # The list of guilds comes without their roles.
    ids = [guild.id async for guild in client.fetch_guilds(limit=MOST_GUILDS)]
    guilds = [await client.fetch_guild(guild_id, with_counts=False) for guild_id in ids]
    at_home = homes(guilds, settings)
    for finding in _servers(guilds, at_home, settings, invite(settings, about.id)):
        yield finding
    for finding in roles(at_home or guilds, settings):
        yield finding
    for guild in at_home:
        yield await _commands(client, guild, about.id, commands, invite(settings, about.id))
    for finding in await audit_channel(client, at_home, settings):
        yield finding


def homes(guilds: Sequence[discord.Guild], settings: Settings) -> list[discord.Guild]:
    """Return the servers in which the bot works."""
    gate = Gate.of(settings)
    return [guild for guild in guilds if gate.is_home(guild.id, {role.id for role in guild.roles})]


def application(about: discord.AppInfo) -> list[Finding]:
    """Look at how the application is set up in the Developer Portal."""
    findings = [Finding("application", f"{_name(about.name)} ({about.id})")]
    if about.bot_public:
        findings.append(
            warn(
                "public bot",
                "on, so anybody can invite the bot to their server (where it works for nobody)",
                f"Switch it off: {_PORTAL}/{about.id}/bot (Installation, Install Link, None has to come first)",
            )
        )
    if about.interactions_endpoint_url is not None:
        findings.append(
            fail(
                "commands",
                "an Interactions Endpoint URL is set, so Discord sends every command there and not to the bot",
                f"Take it out: {_PORTAL}/{about.id}/information",
            )
        )
    if about.bot_require_code_grant:
        findings.append(fail(
            "invitation", "it requires a code grant, so no invitation works",
            f"Switch Requires OAuth2 Code Grant off: {_PORTAL}/{about.id}/bot",
        ))  # fmt: skip
    return findings


def foreign(guild: discord.Guild) -> Finding:
    """Say that a server is none of the bot's homes."""
    return warn(
        "foreign server",
        f"{_name(guild.name)} ({guild.id}) is not a home guild, so the bot works for nobody there",
        "If it is yours: DISPATCHER_ROLE_IDS or ADMIN_ROLE_IDS needs a role of it, and GUILD_IDS, where set, its id. "
        "If not: let the bot leave it",
    )


def roles(guilds: Sequence[discord.Guild], settings: Settings) -> list[Finding]:
    """Name each role of the settings, or say by which nobody passes; without a server nothing is known of any."""
    findings: list[Finding] = []
    names = {role.id: (role, guild) for guild in guilds for role in guild.roles}
    for what, setting, ids in (
        ("dispatcher role", "DISPATCHER_ROLE_IDS", settings.dispatcher_role_ids),
        ("admin role", "ADMIN_ROLE_IDS", settings.admin_role_ids),
    ):
        for role_id in ids if guilds else ():
            if role_id not in names:
                findings.append(
                    fail(what, f"{role_id} does not exist (deleted?), so nobody passes by it",
                         f"Put the id of a role that exists into {setting}")
                )  # fmt: skip
                continue
            role, guild = names[role_id]
            if role_id == guild.id:
                findings.append(
                    fail(what, f"{role_id} is @everyone in {_name(guild.name)}, and nobody passes by that",
                         f"Put the id of a real role into {setting}")
                )  # fmt: skip
                continue
            where = f" in {_name(guild.name)}" if len(guilds) > 1 else ""
            findings.append(Finding(what, f"{_name(role.name)} ({role_id}){where}"))
    return findings


def _servers(
    guilds: Sequence[discord.Guild], homes: Sequence[discord.Guild], settings: Settings, link: str
) -> list[Finding]:
    findings = [Finding("server", f"{_name(guild.name)} ({guild.id})") for guild in homes]
    if not guilds:
        findings.append(fail("server", "the bot is in no Discord server", f"Invite it: {link}"))
    elif not homes:
        findings.append(
            fail(
                "server",
                "none of the bot's servers is a home of it, so no command works anywhere",
                "Put a role of the right server into DISPATCHER_ROLE_IDS, and its id into GUILD_IDS where that is "
                f"set. Or invite the bot there: {link}",
            )
        )
    findings += [
        fail(
            "server",
            f"the bot is not in {guild_id}, which stands in GUILD_IDS",
            f"Invite it, or correct the id: {link}&guild_id={guild_id}",
        )
        for guild_id in sorted(settings.guild_ids - {guild.id for guild in guilds})
    ]
    return findings + [foreign(guild) for guild in guilds if guild not in homes]


async def _commands(
    client: discord.Client, guild: discord.Guild, application_id: int, expected: Collection[str], link: str
) -> Finding:
    where = _name(guild.name)
    try:
        found = await client.http.get_guild_commands(application_id, guild.id)
    except discord.Forbidden:
        return fail("commands", f"the bot may not have any in {where}", f"Invite it again, with both scopes: {link}")
    names = {command["name"] for command in found}
    if missing := sorted(set(expected) - names):
        return warn(
            "commands",
            f"{', '.join(missing)} not registered in {where}",
            "Start the bot: it registers them. If it runs already, its log says why it could not",
        )
    return Finding("commands", f"{', '.join(sorted(names))} in {where}")


async def audit_channel(client: discord.Client, homes: Sequence[discord.Guild], settings: Settings) -> list[Finding]:
    """Look whether the bot may write into the audit channel, where there is to be one."""
    channel_id = settings.audit_channel_id
    return [] if channel_id is None else [await _channel(client, homes, channel_id)]


async def _channel(client: discord.Client, homes: Sequence[discord.Guild], channel_id: int) -> Finding:
    what, remedy = "audit channel", "Correct AUDIT_CHANNEL_ID, or let the bot see the channel"
    if client.user is None:
        return fail(what, "it can't be looked at", "Run the check again")
    for guild in homes:
        try:
            channel = await guild.fetch_channel(channel_id)
            me = await guild.fetch_member(client.user.id)
        except discord.InvalidData:  # another server's channel
            continue
        except (discord.NotFound, discord.Forbidden):
            break
        if isinstance(channel, discord.abc.Messageable):
            has = channel.permissions_for(me)
            missing = [name for name, flag in _NEEDED.items() if not getattr(has, flag)]
            if not missing:
                return Finding(what, f"#{_name(channel.name)} in {_name(guild.name)}, and the bot may write there")
            return fail(
                what,
                f"the bot lacks {', '.join(missing)} in #{_name(channel.name)}",
                f"Give it {'that' if len(missing) == 1 else 'those'} there: Edit Channel, Permissions",
            )
        return fail(what, f"{channel_id} is no channel for messages", remedy)
    return fail(what, f"{channel_id} is not there, or the bot may not see it", remedy)


def _name(text: str) -> str:
    return cut(clean(text), 60)
