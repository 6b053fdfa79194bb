"""Parsers for the settings, one for each type of value. Each raises `ValueError` with what is allowed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from yarl import URL

from bot.proxy import is_loopback

MAX_NAME = 240
"""Characters of a file's or folder's name. File systems allow 255, and SQLite appends to the journal's name."""
MIN_KEY = 8
"""Characters that a key needs. A shorter one is a mistake, and could not be kept out of the log."""

_ID = re.compile(r"[0-9]{15,20}")
_STEAM_HEX = re.compile(r"(steam:)?1100001[0-9a-f]{8}", re.IGNORECASE)
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


_QUOTES = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a"


def unquoted(value: str) -> str:
    """Return a value without the quotes around the whole of it. `docker run --env-file` and some panels keep them."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].strip()
    return value


def check_written(value: str) -> None:
    """Raise `ValueError` for what no setting's value contains: a stray quote, a bracket, a hidden character."""
    allowed = "allowed: the value alone, as it is, without quotes"
    if not value.isprintable():
        raise ValueError(f"it has a line break or a hidden character in it (its value is not shown); {allowed}")
    bracket = value[0] == "<" and not value.startswith(("<@", "<#"))  # a mention from Discord is told as such
    if bracket or value[0] in _QUOTES or value[-1] in _QUOTES:
        raise ValueError(f"it begins or ends with a quote or a bracket (its value is not shown); {allowed}")


def _shown(value: str) -> str:
    """Return what was found, unless it could be a key or token in the wrong place."""
    mixed = re.search("[0-9]", value) and re.search("[A-Za-z]", value)
    hidden = len(value) > 40 or (mixed and len(value) > 8)
    return f"{len(value)} characters that are not shown, in case of a secret" if hidden else repr(value)


def parse_token(value: str) -> str:
    """Read a bot token: three parts with dots between them."""
    if value.lower().startswith("bot "):
        raise ValueError(
            "this is not a bot token (its value is not shown): it begins with the word Bot; allowed: the token alone"
        )
    if not _TOKEN.fullmatch(value):
        raise ValueError(
            "this is not a bot token (its value is not shown); allowed: three parts with dots between them, "
            "as the Developer Portal shows under Bot, Reset Token. Client secret and public key are something else"
        )
    return value


def _one_word(value: str) -> bool:
    return value.isprintable() and " " not in value and value not in ("YOUR_COMMUNITY_ID", "YOUR_API_KEY")


def parse_community_id(value: str) -> str:
    """Read the community's id."""
    if not _one_word(value):
        raise ValueError(f"found {_shown(value)}; allowed: the community's id, without spaces")
    return value


def parse_api_key(value: str) -> str:
    """Read the CAD's API key."""
    if _STEAM_HEX.fullmatch(value):
        raise ValueError(
            "this is a Steam hex, which names a player (its value is not shown); allowed: the community's API key, in "
            "Sonoran CAD under Admin panel, Advanced, In-Game Integration, Web API"
        )
    if len(value) < MIN_KEY or not _one_word(value):
        raise ValueError(
            "this is not an API key (its value is not shown); allowed: the key that the CAD shows, without spaces"
        )
    return value


def parse_ids(value: str, mention: str = "") -> tuple[int, ...]:
    """Read Discord ids with commas or spaces between them. `mention` is the sign of a mention that is read as an id."""
    plain = re.sub(f"<{mention}([0-9]+)>", r" \1 ", value) if mention else value
    parts = re.split(r"[,\s]+", plain.strip(", \t"))
    if not all(_ID.fullmatch(part) for part in parts):
        raise ValueError(
            f"found {_shown(value)}; allowed: ids of 15 to 20 digits, commas between "
            "them (in Discord: Developer Mode on, right click, Copy ID)"
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def parse_role_ids(value: str) -> tuple[int, ...]:
    """Read ids of roles, or mentions of them: `<@&123>`."""
    return parse_ids(value, "@&")


def parse_channel_id(value: str) -> int:
    """Read the id of a channel, or a mention of it: `<#123>`."""
    ids = parse_ids(value, "#")
    if len(ids) != 1:
        raise ValueError(f"found {_shown(value)}; allowed: one id")
    return ids[0]


def whole_number(maximum: int) -> Callable[[str], int]:
    """Return a parser for whole numbers from 1 to `maximum`."""

    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", value) or not 1 <= int(value) <= maximum:
            raise ValueError(f"found {_shown(value)}; allowed: a whole number from 1 to {maximum}")
        return int(value)

    return read


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a parser that takes one of these words, in upper or lower case."""

    def read(value: str) -> str:
        for one in allowed:
            if value.casefold() == one.casefold():
                return one
        raise ValueError(f"found {_shown(value)}; allowed: {', '.join(allowed)}")

    return read


def parse_emergency_number(value: str) -> str:
    """Read an emergency number: 2 to 5 digits."""
    if not re.fullmatch(r"[0-9]{2,5}", value):
        raise ValueError(f"found {_shown(value)}; allowed: 2 to 5 digits, such as 911, 999 or 112")
    return value


def parse_path(value: str) -> Path:
    """Read a file's path."""
    # The value is not shown: if it is no path, it could be a secret in the wrong place.
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("it begins with ~, and there is no such home folder; allowed: a file's path") from None
    long = any(len(part) > MAX_NAME for part in path.parts)
    # Not Path.is_dir: before Python 3.14 it raises for a folder that this user may not read.
    if "\0" in value or long or os.path.isdir(path):  # noqa: PTH112
        raise ValueError("it is a folder, or no path at all; allowed: a file's path, such as data/remove911.db")
    return path


def parse_cad_url(value: str) -> URL:
    """Read the CAD's address: https, or http to this machine itself."""
    allowed = "allowed: https://host, or http:// to this machine itself, without name, password, ? or #"
    try:
        url = URL(value)
        host, port = url.host, url.port
        (host or "").encode("idna")  # raises for a name that no resolver accepts
    except ValueError:
        raise ValueError(f"this is not an address; {allowed}") from None
    if url.user is not None or url.password is not None:
        raise ValueError(f"it has a name or password in it (its value is not shown); {allowed}")
    plain = url.scheme == "http" and host is not None and is_loopback(host)
    if url.query_string or url.fragment:
        raise ValueError(f"it has a ? or # in it (its value is not shown); {allowed}")
    if not host or not port or " " in host or not (url.scheme == "https" or plain):
        # Only the address: a key could follow it.
        found = repr(f"{url.scheme}://{host}") if url.scheme and host else _shown(value)
        raise ValueError(f"found {found}; {allowed}")
    return url.with_path(url.path.rstrip("/"))
