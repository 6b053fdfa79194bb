"""Where the settings are written: the file .env, and the environment over it."""

from __future__ import annotations

import io
from collections.abc import Mapping

from dotenv.parser import parse_stream

from bot.settings_list import NAMES, meant

# Names that begin so are ours, or were meant to be: only among them is a misspelling looked for.
_PREFIXES = ("DISCORD", "SONORAN", "DISPATCH", "GUILD", "ADMIN_ROLE", "AUDIT_CHANNEL", "RETENTION", "EMERGENCY_NUM")


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
    unset = [name for name in NAMES if not (env_file.get(name) or environment.get(name, "").strip())]
    ours = {
        name: value
        for name, value in environment.items()
        if value.strip() and (name in NAMES or (name.startswith(_PREFIXES) and meant(name, unset)))
    }
    return {**env_file, **ours}
