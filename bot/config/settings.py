"""The settings: read once, checked all at once, never changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from yarl import URL

from bot.cad.models import MAX_ID, Account
from bot.config.errors import SettingsError
from bot.config.parsers import (
    MIN_KEY,
    check_written,
    one_of,
    parse_api_key,
    parse_cad_url,
    parse_channel_id,
    parse_community_id,
    parse_emergency_number,
    parse_ids,
    parse_path,
    parse_role_ids,
    parse_token,
    unquoted,
    whole_number,
)
from bot.config.schema import SUMMARIES, unknown_names
from bot.redaction import contains_secret

T = TypeVar("T")
D = TypeVar("D")

DATABASE_PATH = Path("data", "remove911.db")
MAX_RETENTION_DAYS = 3650
"""Days: ten years."""
# As in the vendor's examples: DF58F1E-FD8A-44C5-BA. A key that looks different is accepted too.
_KEY = re.compile(r"[0-9A-F]{7,8}(-[0-9A-F]{4}){2,3}-[0-9A-F]{2,12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings. `bot.config.schema` has the name and meaning of each."""

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
        """The values that must never be shown."""
        return (self.discord_token, self.account.key)

    @classmethod
    def from_mapping(cls, values: Mapping[str, str], mistakes: Iterable[str] = ()) -> Settings:
        """Read the settings from names and values; an empty value counts as not set.

        Args:
            values: names and values, as written.
            mistakes: what could not be read. A setting may be in there, so none is said to be missing.

        Raises:
            SettingsError: with all mistakes.
        """
        read = _Reader(values, mistakes)
        version = read.optional("SONORAN_API_VERSION", one_of("v1", "v2"), "v1")
        token = read.required("DISCORD_TOKEN", parse_token)
        if version == "v1":
            community = read.required("SONORAN_COMMUNITY_ID", parse_community_id)
        else:  # in v2, the key identifies the community
            community = read.optional("SONORAN_COMMUNITY_ID", parse_community_id, None)
        key = read.required("SONORAN_API_KEY", parse_api_key)
        roles = read.required("DISPATCHER_ROLE_IDS", parse_role_ids)
        admins = read.optional("ADMIN_ROLE_IDS", parse_role_ids, ())
        guilds = read.optional("GUILD_IDS", parse_ids, ())
        url = read.optional("SONORAN_API_URL", parse_cad_url, URL("https://api.sonorancad.com"))
        server = read.optional("SONORAN_SERVER_ID", whole_number(MAX_ID), None)
        audit = read.optional("AUDIT_CHANNEL_ID", parse_channel_id, None)
        database = read.optional("DATABASE_PATH", parse_path, DATABASE_PATH)
        days = read.optional("RETENTION_DAYS", whole_number(MAX_RETENTION_DAYS), 90)
        number = read.optional("EMERGENCY_NUMBER", parse_emergency_number, "911")
        level = read.optional("LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
        read.mistakes += _guilds_as_roles({"DISPATCHER_ROLE_IDS": roles or (), "ADMIN_ROLE_IDS": admins}, guilds)
        read.mistakes += _swapped(community or "", key or "")
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
    """Read only `DATABASE_PATH`.

    Raises:
        SettingsError: it can't be used, or it may be in a line that could not be read.
    """
    read = _Reader(values, mistakes)
    path = read.optional("DATABASE_PATH", parse_path, DATABASE_PATH)
    read.mistakes += [mistake for mistake in unknown_names(read.given) if "DATABASE_PATH" in mistake]
    if read.mistakes:
        raise SettingsError(read.mistakes)
    return path


def _guilds_as_roles(roles: Mapping[str, tuple[int, ...]], guilds: tuple[int, ...]) -> list[str]:
    return [
        f"{name}: {role} is the id of a Discord server (it is in GUILD_IDS too). As a role, that is @everyone; "
        "allowed: ids of roles"
        for name, ids in roles.items()
        for role in sorted(set(ids) & set(guilds))
    ]


def _swapped(community: str, key: str) -> list[str]:
    if not _KEY.fullmatch(community) or not key or _KEY.fullmatch(key):
        return []
    mistake = (
        "SONORAN_COMMUNITY_ID: this looks like an API key (its value is not shown), and SONORAN_API_KEY does not: the "
        "two may be swapped; allowed: the community's id here, its API key there"
    )
    return [mistake]


class _Reader:
    """Reads one setting after the other, and collects the mistakes."""

    def __init__(self, values: Mapping[str, str], mistakes: Iterable[str]) -> None:
        self.given = {name: unquoted(value) for name, value in values.items() if unquoted(value)}
        self.mistakes = list(mistakes)
        self._unread = bool(self.mistakes)  # then nobody knows what is missing

    def required(self, name: str, convert: Callable[[str], T]) -> T | None:
        if name not in self.given and not self._unread:
            self.mistakes.append(f"{name}: it is missing; needed: {SUMMARIES[name]}")
        return self.optional(name, convert, None)

    def optional(self, name: str, convert: Callable[[str], T], default: D) -> T | D:
        value = self.given.get(name)
        if value is None:
            return default
        try:
            check_written(value)
            read, mistake = convert(value), ""
        except ValueError as error:
            read, mistake = default, str(error)
        if owner := self._repeated(name, mistake or value):
            read, mistake = default, f"it repeats {owner} (its value is not shown); allowed: {SUMMARIES[name]}"
        if mistake:
            self.mistakes.append(f"{name}: {mistake}")
        return read

    def _repeated(self, name: str, text: str) -> str | None:
        """Return the setting whose secret a text about the setting `name` repeats: all other values can be shown."""
        for owner in ("DISCORD_TOKEN", "SONORAN_API_KEY"):
            if name == owner:  # of the two, the second one is told
                return None
            secret = self.given.get(owner, "")
            if len(secret) >= MIN_KEY and contains_secret(text, secret):
                return owner
        return None
