"""Sentences for commands that were refused or failed."""

from __future__ import annotations

from collections.abc import Iterable

from discord.utils import escape_markdown

from bot.cad.models import MAX_ID
from bot.text import clean, quoted, truncate

NOT_IN_GUILD = "⛔ This works only in your community's Discord server."
"""Refuses a command in a direct message."""

GUILD_NOT_SEEN_YET = (
    "⛔ The bot can't see this server yet. Try again in a minute. If that doesn't help, tell an admin: "
    "invite the bot again, with both scopes."
)
"""Refuses a command in a server that Discord has not sent to the bot yet."""

FOREIGN_GUILD = "⛔ This bot is set up for another community."
"""Refuses a command in a server that GUILD_IDS does not list."""

MANAGE_SERVER_NEEDED = "⛔ Only members with the **Manage Server** permission can do this."
"""Refuses an admin command if ADMIN_ROLE_IDS is empty and the member can't manage the server."""

SHUTTING_DOWN = "❌ Not done: the bot is shutting down. Try again when it is back."
"""Refuses a command or click while the bot shuts down."""

OUTDATED_COMMAND = "❌ Not done: this command has changed. Reload Discord (Ctrl+R on a computer) and try again."
"""Replies to a command that Discord still shows in an outdated form."""

NOT_ACKNOWLEDGED = "❌ Not done: Discord didn't accept the bot's answer in time. Run this again."
"""Reports that Discord did not accept the bot's acknowledgement of a command."""

NOT_SHOWN = "❌ Discord didn't accept the answer. Run this again."
"""Reports later that Discord did not accept the answer of a command that changes nothing."""

ACKNOWLEDGED_ELSEWHERE = (
    "⚠️ Discord says this was already answered, so this copy of the bot did nothing. No result? Run this again."
)
"""Reports that Discord already has an acknowledgement of a command, which this process did not send."""

NO_FILE = "❌ Discord didn't accept the file. Try again in a minute. If that doesn't help, tell an admin."
"""Reports that Discord did not accept a file."""

ALREADY_RECREATED = "❌ Not done: somebody has already re-created this call, or tried to."
"""Refuses a second re-creation of the same call."""

JOURNAL_UNREADABLE = "❌ The bot can't read its journal. Tell an admin: the reason is in the bot's log."
"""Reports that the journal can't be read."""


def id_out_of_range(option: str, value: object) -> str:
    """Refuse an id that the CAD can't have assigned."""
    return f"❌ `{option}` can't be {quoted(repr(value), 40)}: use a whole number from 1 to {MAX_ID}."


def no_configured_role(setting: str = "DISPATCHER_ROLE_IDS") -> str:
    """Refuse a command in a server that has none of the roles in `setting`."""
    return (
        f"⛔ Nobody can do this here: `{setting}` names no role of this server. Tell an admin: put the role's id there."
    )


def role_needed(role_names: Iterable[str], *, is_admin: bool = False) -> str:
    """Refuse a member who has none of the roles. Administrators are not exempt; they read that too."""
    names = [f"**{escape_markdown(truncate(clean(name), 60), ignore_links=False)}**" for name in role_names]
    others = [f"{len(names) - 3} other roles"] if len(names) > 4 else []
    shown = [*names[: 3 if others else 4], *others]
    needed = " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    admin = " Being an admin isn't enough; give yourself the role." if is_admin else ""
    return f"⛔ Only {needed} can do this.{admin}"


def broken(reference: int) -> str:
    """Report a bug in the bot. The log shows `reference` beside the traceback."""
    return (
        "⚠️ Something broke in the bot. **Check the CAD** before you try again. "
        f"Tell an admin: it is in the log under `{reference}`."
    )
