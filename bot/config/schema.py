"""All settings, with their descriptions. `tests.generate_docs` writes .env.example and docs/settings.md from this."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: the name in .env or the environment.
        summary: what it is, in a mistake's text.
        description: what it does, and where to find the value.
        if_unset: what happens without it; empty for a required setting.
    """

    name: str
    summary: str
    description: str
    if_unset: str = ""


SETTINGS = (
    Setting(
        "DISCORD_TOKEN",
        "the bot's token, from the Developer Portal under Bot",
        "The bot's token. Discord Developer Portal > your application > Bot > Reset Token.",
    ),
    Setting(
        "SONORAN_COMMUNITY_ID",
        "the community's id in the CAD",
        "Your community's id. Sonoran CAD > Admin panel > Advanced > In-Game Integration, under Web API. "
        "Not needed with SONORAN_API_VERSION=v2.",
    ),
    Setting(
        "SONORAN_API_KEY",
        "the community's API key in the CAD",
        "Your community's API key, from the same place. Not the API id of a user. The CAD needs the Standard plan or "
        "higher.",
    ),
    Setting(
        "DISPATCHER_ROLE_IDS",
        "the ids of the roles that may remove calls",
        "The ids of the roles that may remove calls, with commas between them. Discord: User Settings > Advanced > "
        "Developer Mode; then Server Settings > Roles > right-click > Copy Role ID. Nobody else can, not even "
        "administrators.",
    ),
    Setting(
        "SONORAN_SERVER_ID",
        "the default CAD server",
        "The number of the default CAD server, such as 1. With it, dispatchers can leave the server out.",
        "dispatchers have to name the server",
    ),
    Setting(
        "ADMIN_ROLE_IDS",
        "the ids of the roles that may use /cad911",
        "The ids of the roles that may use /cad911 (status, history), with commas between them.",
        "members with the permission Manage Server",
    ),
    Setting(
        "GUILD_IDS",
        "the ids of the Discord servers that the bot works in",
        "The ids of the Discord servers that the bot works in, with commas between them. Right-click the server's "
        "name > Copy Server ID.",
        "the servers that have one of the roles above",
    ),
    Setting(
        "AUDIT_CHANNEL_ID",
        "the id of the channel to which every removal is posted",
        "The id of a Discord channel to which every removal is posted: who, which call, how it ended; and when the bot "
        "pauses. The bot needs View Channel, Send Messages and Embed Links there.",
        "removals are only in the journal and the log",
    ),
    Setting(
        "SONORAN_API_URL",
        "the address of the CAD's API",
        "The address of the CAD's API. It must begin with https; http is allowed only for this machine itself.",
        "https://api.sonorancad.com",
    ),
    Setting(
        "SONORAN_API_VERSION",
        "the version of the CAD's API",
        "The version of the CAD's API: v1, or its successor v2. The bot never switches by itself.",
        "v1",
    ),
    Setting(
        "DATABASE_PATH",
        "the file of the journal",
        "The journal's file: who removed what, and how it ended. The bot creates the folder.",
        "data/remove911.db in the folder that you start the bot in",
    ),
    Setting(
        "RETENTION_DAYS",
        "how many days the journal keeps an entry",
        "How many days an entry stays in the journal.",
        "90",
    ),
    Setting(
        "EMERGENCY_NUMBER",
        "the emergency number in the bot's texts",
        "The emergency number in the bot's texts, such as 999 or 112.",
        "911",
    ),
    Setting("LOG_LEVEL", "how much is logged", "How much the bot logs: DEBUG, INFO, WARNING or ERROR.", "INFO"),
)
NAMES = tuple(setting.name for setting in SETTINGS)
REQUIRED = tuple(setting.name for setting in SETTINGS if not setting.if_unset)
SUMMARIES = {setting.name: setting.summary for setting in SETTINGS}


def suggest_name(name: str, among: Sequence[str]) -> str | None:
    """Return the setting that an unknown name probably means, or None.

    TOKEN is DISCORD_TOKEN without its first word. CAD_API_KEY ends with a word that only one setting ends with.
    """
    if close := difflib.get_close_matches(name.upper(), among, n=1, cutoff=0.8):
        return close[0]
    words = name.upper().split("_")
    for setting in among:
        if setting.endswith("_" + "_".join(words)):
            return setting
    alike = [setting for setting in NAMES if setting.split("_")[-1] == words[-1]]
    return alike[0] if len(alike) == 1 and alike[0] in among else None


def unknown_names(given: Collection[str]) -> list[str]:
    """Return a mistake for each unknown name, with the setting that it probably means."""
    unset = [name for name in NAMES if name not in given]
    mistakes: list[str] = []
    for name in sorted(set(given) - set(NAMES)):
        guess = suggest_name(name, unset)
        remedy = "allowed: the names in .env.example" if guess is None else f"did you mean {guess}?"
        mistakes.append(f"{_shown(name)}: there is no such setting; {remedy}")
    return mistakes


def _shown(name: str) -> str:
    # An unknown name could be a secret in the wrong place.
    return name if re.fullmatch("[A-Z_]{2,40}|[a-z_]{2,40}", name) else "a name that is not shown, in case of a secret"
