"""Every setting there is, as its reader needs it: .env.example and docs/settings.md are written from this."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: as it stands in .env or the environment.
        what: what it is, for somebody who lacks it.
        about: what it does, and where to find the value.
        unset: what happens without it; empty for one that is needed.
    """

    name: str
    what: str
    about: str
    unset: str = ""


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
        "Developer Mode; then Server Settings > Roles > right click > Copy Role ID. Nobody else passes, administrators "
        "included.",
    ),
    Setting(
        "SONORAN_SERVER_ID",
        "the CAD server that is meant where a dispatcher names none",
        "The number of the CAD server that is meant where a dispatcher names none, such as 1.",
        "/remove911 always asks for it",
    ),
    Setting(
        "ADMIN_ROLE_IDS",
        "the ids of the roles that may use /cad911",
        "The ids of the roles that may use /cad911 (status, history), with commas between them.",
        "whoever may manage the Discord server",
    ),
    Setting(
        "GUILD_IDS",
        "the ids of the Discord servers that the bot works in",
        "The ids of the Discord servers that the bot works in, with commas between them. Right click on the server's "
        "name > Copy Server ID.",
        "those that have one of the roles above",
    ),
    Setting(
        "AUDIT_CHANNEL_ID",
        "the id of the channel in which every removal is noted",
        "The id of a Discord channel in which every removal is noted: who, which call, how it ended. The bot needs "
        "View Channel, Send Messages and Embed Links there.",
        "only the journal and the log know",
    ),
    Setting(
        "SONORAN_API_URL",
        "the address of the CAD's API",
        "Where the CAD's API is, https only (http for this machine itself).",
        "https://api.sonorancad.com",
    ),
    Setting(
        "SONORAN_API_VERSION",
        "the CAD's interface",
        "The CAD's interface: v1, or its successor v2. The bot never changes from one to the other by itself.",
        "v1",
    ),
    Setting(
        "DATABASE_PATH",
        "the file of the journal",
        "The file of the journal: who removed what, and how it ended. Its folder is made where it is missing.",
        "data/remove911.db in the folder that you start the bot in",
    ),
    Setting(
        "RETENTION_DAYS",
        "how many days the journal keeps an entry",
        "How many days the journal keeps an entry.",
        "90",
    ),
    Setting(
        "EMERGENCY_NUMBER",
        "the emergency number of your town",
        "The emergency number of your town, as people read it in the bot's texts (999, 112).",
        "911",
    ),
    Setting("LOG_LEVEL", "how much is logged", "How much the bot logs: DEBUG, INFO, WARNING or ERROR.", "INFO"),
)
NAMES = tuple(setting.name for setting in SETTINGS)
WHAT = {setting.name: setting.what for setting in SETTINGS}


def meant(name: str, among: Iterable[str]) -> str | None:
    """Guess which setting was meant by a name that is none, or return None.

    TOKEN is DISCORD_TOKEN without its first word, CAD_API_KEY has the last word that only one setting has.
    """
    among = tuple(among)
    if close := difflib.get_close_matches(name.upper(), among, n=1, cutoff=0.8):
        return close[0]
    words = name.upper().split("_")
    for setting in among:
        if setting.endswith("_" + "_".join(words)):
            return setting
    alike = [setting for setting in NAMES if setting.split("_")[-1] == words[-1]]
    return alike[0] if len(alike) == 1 and alike[0] in among else None


def unknown_names(given: Collection[str]) -> list[str]:
    """Return the mistakes in the names: those that no setting has, with what was perhaps meant."""
    unset = [name for name in NAMES if name not in given]
    mistakes: list[str] = []
    for name in sorted(set(given) - set(NAMES)):
        guess = meant(name, unset)
        remedy = "allowed: the names in .env.example" if guess is None else f"did you mean {guess}?"
        mistakes.append(f"{_shown(name)}: there is no such setting; {remedy}")
    return mistakes


def _shown(name: str) -> str:
    # A name that is no setting could be a secret which stands where a name should.
    return name if re.fullmatch("[A-Z_]{2,40}|[a-z_]{2,40}", name) else "a name that is not shown, in case of a secret"
