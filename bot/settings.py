"""The settings: read once, checked all at once, never changed."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from yarl import URL

from bot.cad.model import MAX_ID, Account
from bot.errors import SettingsError
from bot.settings_list import WHAT, unknown_names

T = TypeVar("T")
D = TypeVar("D")

DATABASE_PATH = Path("data", "remove911.db")
LONGEST_RETENTION = 3650
"""Days, ten years: what is kept longer is not kept with a purpose."""
LONGEST_NAME = 240
"""Characters of a file's or folder's name: file systems take 255, and SQLite adds to the journal's."""
LEAST_KEY = 8
"""Characters of the shortest key that is taken: a shorter one is a slip, and could not be kept out of the logs."""

_ID = re.compile(r"[0-9]{15,20}")
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# As in the vendor's examples: DF58F1E-FD8A-44C5-BA. No key is refused for looking otherwise.
_KEY = re.compile(r"[0-9A-F]{7,8}(-[0-9A-F]{4}){2,3}-[0-9A-F]{2,12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the host decided. The names of the settings are those of README and .env.example."""

    discord_token: str = field(repr=False)
    account: Account
    dispatcher_role_ids: tuple[int, ...]
    admin_role_ids: tuple[int, ...] = ()
    default_server_id: int | None = None
    guild_ids: frozenset[int] = frozenset()
    audit_channel_id: int | None = None
    api_version: str = "v1"
    database_path: Path = DATABASE_PATH
    retention_days: int = 90
    emergency_number: str = "911"
    log_level: str = "INFO"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen outside."""
        return (self.discord_token, self.account.key)

    @classmethod
    def from_mapping(cls, values: Mapping[str, str], mistakes: Iterable[str] = ()) -> Settings:
        """Read the settings from names and values; an empty value counts as not set.

        Args:
            values: the settings as they were written.
            mistakes: those that were found on the way here already.

        Raises:
            SettingsError: with every mistake that there is.
        """
        read = _Reader(values, mistakes)
        version = read.optional("SONORAN_API_VERSION", _one_of("v1", "v2"), "v1")
        token = read.needed("DISCORD_TOKEN", _token)
        if version == "v1":
            community = read.needed("SONORAN_COMMUNITY_ID", _community)
        else:  # v2 knows the community by the key
            community = read.optional("SONORAN_COMMUNITY_ID", _community, None)
        key = read.needed("SONORAN_API_KEY", _api_key)
        roles = read.needed("DISPATCHER_ROLE_IDS", _ids)
        admins = read.optional("ADMIN_ROLE_IDS", _ids, ())
        guilds = read.optional("GUILD_IDS", _ids, ())
        url = read.optional("SONORAN_API_URL", _cad_url, URL("https://api.sonorancad.com"))
        server = read.optional("SONORAN_SERVER_ID", _whole_number(MAX_ID), None)
        audit = read.optional("AUDIT_CHANNEL_ID", _id, None)
        database = read.optional("DATABASE_PATH", _path, DATABASE_PATH)
        days = read.optional("RETENTION_DAYS", _whole_number(LONGEST_RETENTION), 90)
        number = read.optional("EMERGENCY_NUMBER", _emergency_number, "911")
        level = read.optional("LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
        for name, ids in (("DISPATCHER_ROLE_IDS", roles), ("ADMIN_ROLE_IDS", admins)):
            for role in sorted(set(ids or ()) & set(guilds)):
                read.mistakes.append(
                    f"{name}: {role} is the id of a server (it stands in GUILD_IDS too), "
                    "and as a role that is @everyone; allowed: ids of roles"
                )
        if community is not None and key is not None and _KEY.fullmatch(community) and not _KEY.fullmatch(key):
            read.mistakes.append(
                "SONORAN_COMMUNITY_ID: this looks like an API key (its value is not shown), and SONORAN_API_KEY does "
                "not: the two may be swapped; allowed: the community's id here, its API key there"
            )
        read.mistakes += unknown_names(read.given)
        if read.mistakes or token is None or key is None or roles is None:
            raise SettingsError(read.mistakes)
        return cls(
            discord_token=token,
            account=Account(url, community or "", key),
            dispatcher_role_ids=roles,
            admin_role_ids=admins,
            default_server_id=server,
            guild_ids=frozenset(guilds),
            audit_channel_id=audit,
            api_version=version,
            database_path=database,
            retention_days=days,
            emergency_number=number,
            log_level=level,
        )


def journal_path(values: Mapping[str, str], mistakes: Iterable[str]) -> Path:
    """Read where the journal is, and nothing else.

    Raises:
        SettingsError: DATABASE_PATH can't be used, or may be what could not be read.
    """
    read = _Reader(values, mistakes)
    path = read.optional("DATABASE_PATH", _path, DATABASE_PATH)
    read.mistakes += [mistake for mistake in unknown_names(read.given) if "DATABASE_PATH" in mistake]
    if read.mistakes:
        raise SettingsError(read.mistakes)
    return path


class _Reader:
    """Takes one setting after the other and keeps the mistakes."""

    def __init__(self, values: Mapping[str, str], mistakes: Iterable[str]) -> None:
        self.given = {name: value.strip() for name, value in values.items() if value.strip()}
        self.mistakes = list(mistakes)

    def needed(self, name: str, convert: Callable[[str], T]) -> T | None:
        if name not in self.given:
            self.mistakes.append(f"{name}: it is missing; needed: {WHAT[name]}")
        return self.optional(name, convert, None)

    def optional(self, name: str, convert: Callable[[str], T], default: D) -> T | D:
        value = self.given.get(name)
        if value is None:
            return default
        try:
            return convert(value)
        except ValueError as error:
            self.mistakes.append(f"{name}: {error}")
            return default


def _shown(value: str) -> str:
    """Show what was found, but for what could be a key or token that went to the wrong place."""
    mixed = re.search("[0-9]", value) and re.search("[A-Za-z]", value)
    hidden = len(value) > 40 or (mixed and len(value) > 8)
    return f"{len(value)} characters that are not shown, in case of a secret" if hidden else repr(value)


def _token(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(
            "this is not a bot token (its value is not shown); allowed: three parts with dots between them, "
            "as the Developer Portal shows under Bot, Reset Token. Client secret and public key are something else"
        )
    return value


def _one_word(value: str) -> bool:
    return value.isprintable() and " " not in value and value not in ("YOUR_COMMUNITY_ID", "YOUR_API_KEY")


def _community(value: str) -> str:
    if not _one_word(value):
        raise ValueError(f"found {_shown(value)}; allowed: the community's id, without spaces")
    return value


def _api_key(value: str) -> str:
    if len(value) < LEAST_KEY or not _one_word(value):
        raise ValueError(
            "this is not an API key (its value is not shown); allowed: the key that the CAD shows, without spaces"
        )
    return value


def _ids(value: str) -> tuple[int, ...]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(_ID.fullmatch(part) for part in parts):
        raise ValueError(
            f"found {_shown(value)}; allowed: ids of 15 to 20 digits, commas between "
            "them (in Discord: Developer Mode on, right click, Copy ID)"
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def _id(value: str) -> int:
    ids = _ids(value)
    if len(ids) != 1:
        raise ValueError(f"found {_shown(value)}; allowed: one id")
    return ids[0]


def _whole_number(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", value) or not 1 <= int(value) <= most:
            raise ValueError(f"found {_shown(value)}; allowed: a whole number from 1 to {most}")
        return int(value)

    return read


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        for one in allowed:
            if value.casefold() == one.casefold():
                return one
        raise ValueError(f"found {_shown(value)}; allowed: {', '.join(allowed)}")

    return read


def _emergency_number(value: str) -> str:
    if not re.fullmatch(r"[0-9]{2,5}", value):
        raise ValueError(f"found {_shown(value)}; allowed: 2 to 5 digits, such as 911, 999 or 112")
    return value


def _path(value: str) -> Path:
    # A value that is no path could be a secret that went to the wrong place, so it is not shown.
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("it begins with ~, and there is no such home folder; allowed: a file's path") from None
    long = any(len(part) > LONGEST_NAME for part in path.parts)
    # Not the path's own is_dir: before Python 3.14 that raises for a folder into which we may not look.
    if "\0" in value or long or os.path.isdir(path):  # noqa: PTH112
        raise ValueError("it is a folder, or no path at all; allowed: a file's path, such as data/remove911.db")
    return path


def _cad_url(value: str) -> URL:
    allowed = "allowed: https://host, or http:// to this machine itself, without name, password, ? or #"
    try:
        url = URL(value)
        host, port = url.host, url.port
        (host or "").encode("idna")  # a name that no resolver takes
    except ValueError:
        raise ValueError(f"this is not an address; {allowed}") from None
    if url.user is not None or url.password is not None:
        raise ValueError(f"it has a name or password in it (its value is not shown); {allowed}")
    plain = url.scheme == "http" and host is not None and _is_loopback(host)
    if url.query_string or url.fragment:
        raise ValueError(f"it has a ? or # in it (its value is not shown); {allowed}")
    if not host or not port or " " in host or not (url.scheme == "https" or plain):
        # The address alone: a key could stand behind it.
        found = repr(f"{url.scheme}://{host}") if url.scheme and host else _shown(value)
        raise ValueError(f"found {found}; {allowed}")
    return url.with_path(url.path.rstrip("/"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
