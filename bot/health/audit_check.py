"""Checks over REST whether the bot may post to the audit channel, which may be a thread."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.health.finding import Finding, fail
from bot.text import clean, truncate

AUDIT_PERMISSIONS = {"View Channel": "view_channel", "Send Messages": "send_messages", "Embed Links": "embed_links"}
"""The permissions that the bot needs in the audit channel: as Discord shows them, and their names."""

_SUBJECT = "audit channel"
_REMEDY = "Correct AUDIT_CHANNEL_ID, or let the bot see the channel"


async def check_audit_channel(client: discord.Client, homes: Sequence[discord.Guild], channel_id: int) -> Finding:
    """Return whether the bot may post there."""
    if client.user is None:
        return fail(_SUBJECT, "it can't be looked at", "Run the check again")
    for guild in homes:
        try:
            channel = await guild.fetch_channel(channel_id)
            me = await guild.fetch_member(client.user.id)
            if isinstance(channel, discord.Thread):
                return await _thread(guild, channel, me)
        except discord.InvalidData:  # the channel belongs to another server
            continue
        except (discord.NotFound, discord.Forbidden):
            break
        if isinstance(channel, discord.ForumChannel):
            return fail(
                _SUBJECT, f"#{_name(channel)} is a forum, which takes no messages", "Use the id of a channel or thread"
            )
        if isinstance(channel, discord.abc.Messageable):
            return _permissions(guild, channel, channel.permissions_for(me), AUDIT_PERMISSIONS)
        return fail(_SUBJECT, f"{channel_id} is no channel for messages", _REMEDY)
    return fail(_SUBJECT, f"{channel_id} is not there, or the bot may not see it", _REMEDY)


async def _thread(guild: discord.Guild, thread: discord.Thread, me: discord.Member) -> Finding:
    """A thread has the permissions of its channel, which discord.py only knows once it was fetched."""
    channel = await guild.fetch_channel(thread.parent_id)
    if isinstance(channel, discord.Thread):
        return fail(_SUBJECT, f"{thread.id} is no channel for messages", _REMEDY)
    has = channel.permissions_for(me)
    if thread.locked and not has.manage_threads:
        return fail(
            _SUBJECT,
            f"the thread {_name(thread)} is locked, so the bot can't write there once it is archived",
            "Unlock it, or give the bot Manage Threads",
        )
    needed = {name: flag for name, flag in AUDIT_PERMISSIONS.items() if name != "Send Messages"}
    return _permissions(guild, thread, has, {**needed, "Send Messages in Threads": "send_messages_in_threads"})


def _permissions(
    guild: discord.Guild,
    channel: discord.abc.MessageableChannel | discord.abc.GuildChannel,
    has: discord.Permissions,
    needed: dict[str, str],
) -> Finding:
    missing = [name for name, flag in needed.items() if not getattr(has, flag)]
    if not missing:
        kind = "the thread " if isinstance(channel, discord.Thread) else "#"
        return Finding(_SUBJECT, f"{kind}{_name(channel)} in {_name(guild)}, and the bot may write there")
    return fail(
        _SUBJECT,
        f"the bot lacks {', '.join(missing)} in #{_name(channel)}",
        f"Give it {'that' if len(missing) == 1 else 'those'} there: Edit Channel, Permissions",
    )


def _name(named: object) -> str:
    return truncate(clean(str(getattr(named, "name", ""))), 60)
