"""The settings: read once, checked all at once, never changed."""

from __future__ import annotations

import difflib
import io
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from dotenv.parser import parse_stream
from yarl import URL

from bot.cad.model import MAX_ID, Account
from bot.errors import SettingsError

T = TypeVar("T")

LEAST_KEY = 8
"""Characters of the shortest key that is taken: a shorter one is a slip, and could not be kept out of the logs."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_ID = re.compile(r"[0-9]{15,20}")
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# Names that begin so are ours, or were meant to be: only among them is a misspelling looked for.
_PREFIXES = ("DISCORD", "SONORAN", "DISPATCH", "GUILD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the host decided. The names of the settings are those of README and .env.example."""

    discord_token: str = field(repr=False)
    account: Account
    dispatcher_role_ids: tuple[int, ...]
    default_server_id: int | None = None
    guild_ids: frozenset[int] = frozenset()
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
        token = read.one("DISCORD_TOKEN", _token, need="the bot's token, from the Developer Portal under Bot")
        community = read.one("SONORAN_COMMUNITY_ID", _word, need="the community's id in the CAD")
        key = read.one("SONORAN_API_KEY", _secret_word, need="the community's API key in the CAD")
        roles = read.one("DISPATCHER_ROLE_IDS", _ids, need="the ids of the roles that may remove calls")
        guilds = read.one("GUILD_IDS", _ids)
        server = read.one("SONORAN_SERVER_ID", _server_id)
        url = read.one("SONORAN_API_URL", _cad_url)
        level = read.one("LOG_LEVEL", _log_level)
        for role in set(roles or ()) & set(guilds or ()):
            read.mistakes.append(
                f"DISPATCHER_ROLE_IDS: {role} is the id of a server (it stands in GUILD_IDS too), "
                "and as a role that is @everyone; allowed: ids of roles"
            )
        read.look_for_misspellings()
        if read.mistakes or token is None or community is None or key is None or roles is None:
            raise SettingsError(read.mistakes)
        return cls(
            discord_token=token,
            account=Account(url or URL("https://api.sonorancad.com"), community, key),
            dispatcher_role_ids=roles,
            default_server_id=server,
            guild_ids=frozenset(guilds or ()),
            log_level=level or "INFO",
        )


NAMES = (
    "DISCORD_TOKEN",
    "SONORAN_COMMUNITY_ID",
    "SONORAN_API_KEY",
    "DISPATCHER_ROLE_IDS",
    "SONORAN_SERVER_ID",
    "GUILD_IDS",
    "SONORAN_API_URL",
    "LOG_LEVEL",
)
"""Every setting there is."""


def parse_env_file(content: bytes) -> tuple[dict[str, str], list[str]]:
    """Read the bytes of a .env file, literally: nothing in a value is expanded.

    Returns:
        Names and values, and the mistakes: it is not UTF-8, or holds lines that are no setting.
    """
    try:
        if b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnicodeError
        text = content.decode("utf-8-sig")
    except UnicodeError:
        return {}, [".env: it is not saved as UTF-8, so nothing in it was read; save it with the encoding UTF-8"]
    values: dict[str, str] = {}
    mistakes: list[str] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            # The line itself may hold a secret. What the parser calls its beginning can be blank lines before it.
            whole = binding.original.string
            line = binding.original.line + whole[: len(whole) - len(whole.lstrip())].count("\n")
            mistakes.append(
                f".env: line {line} is not a setting; allowed: NAME=value (a quote needs its end), or # first"
            )
        elif binding.key is not None and binding.value:
            values[binding.key] = binding.value
    return values, mistakes


def merged(env_file: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Lay the environment over the .env file; what is empty there leaves the file's value.

    Of the environment only what is ours, or was meant to be, is taken.
    """
    ours = {
        name: value
        for name, value in environment.items()
        if value.strip() and (name in NAMES or name.startswith(_PREFIXES))
    }
    return {**env_file, **ours}


class _Reader:
    """Takes one setting after the other and keeps the mistakes."""

    def __init__(self, values: Mapping[str, str], mistakes: Iterable[str]) -> None:
        self._values = {name: value.strip() for name, value in values.items() if value.strip()}
        self.mistakes = list(mistakes)

    def one(self, name: str, convert: Callable[[str], T], *, need: str | None = None) -> T | None:
        value = self._values.get(name)
        if value is None:
            if need is not None:
                self.mistakes.append(f"{name}: it is missing; needed: {need}")
            return None
        try:
            return convert(value)
        except ValueError as error:
            self.mistakes.append(f"{name}: {error}")
            return None

    def look_for_misspellings(self) -> None:
        unset = [name for name in NAMES if name not in self._values]
        for name in sorted(self._values.keys() - set(NAMES)):
            for meant in difflib.get_close_matches(name.upper(), unset, n=1, cutoff=0.8):
                self.mistakes.append(f"{name}: there is no such setting; did you mean {meant}?")


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


def _word(value: str) -> str:
    if not value.isprintable() or " " in value or value in ("YOUR_COMMUNITY_ID", "YOUR_API_KEY"):
        raise ValueError(f"found {_shown(value)}; allowed: the community's id, without spaces")
    return value


def _secret_word(value: str) -> str:
    try:
        if len(value) < LEAST_KEY:
            raise ValueError
        return _word(value)
    except ValueError:
        raise ValueError(
            "this is not an API key (its value is not shown); allowed: the key that the CAD shows, without spaces"
        ) from None


def _ids(value: str) -> tuple[int, ...]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(_ID.fullmatch(part) for part in parts):
        raise ValueError(
            f"found {_shown(value)}; allowed: ids of 15 to 20 digits, commas between "
            "them (in Discord: Developer Mode on, right click, Copy ID)"
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def _server_id(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value) or not 1 <= int(value) <= MAX_ID:
        raise ValueError(f"found {_shown(value)}; allowed: a whole number from 1 to {MAX_ID}")
    return int(value)


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


def _log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"found {_shown(value)}; allowed: {', '.join(LOG_LEVELS)}")
    return value.upper()
