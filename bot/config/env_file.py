"""Reads and writes the file .env, and merges the environment over it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from bot.config.parsers import unquoted
from bot.config.schema import NAMES, suggest_name

# Only names with these prefixes are checked for misspelled settings.
_PREFIXES = ("DISCORD", "SONORAN", "DISPATCH", "GUILD", "ADMIN_ROLE", "AUDIT_CHANNEL", "RETENTION", "EMERGENCY_NUM")


def parse_env_file(content: bytes) -> tuple[dict[str, str], list[str]]:
    """Read the bytes of a .env file literally: nothing in a value is expanded.

    Returns:
        Names and values; and the mistakes: the file is not UTF-8, or a line is not a setting.
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
            # The line may contain a secret, so it is not shown. The parser counts blank lines before it as part of it.
            whole = binding.original.string
            line = binding.original.line + whole[: len(whole) - len(whole.lstrip())].count("\n")
            mistakes.append(
                f".env: line {line} is not a setting; allowed: NAME=value (a quote needs its end), or # first"
            )
        elif binding.key is not None and binding.value:
            values[binding.key] = _as_written(binding.original.string) or binding.value
    return values, mistakes


def _as_written(line: str) -> str | None:
    r"""Return a quoted value with its backslashes, or None if it is not quoted.

    python-dotenv turns the \b and \n of a Windows path into control characters:
    https://github.com/theskumar/python-dotenv/issues/429
    """
    quoted = re.search(r"""=[^\S\r\n]*(?:"((?:\\"|[^"])*)"|'((?:\\'|[^'])*)')""", line)
    if quoted is None or line.partition("=")[2].lstrip()[:1] not in ('"', "'"):
        return None
    return quoted[1].replace('\\"', '"') if quoted[1] is not None else quoted[2].replace("\\'", "'")


def merge_environment(env_file: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Merge the environment over the .env file. An empty variable does not replace the file's value.

    Only the bot's settings are taken from the environment, and names that look like misspelled ones.
    """
    unset = [name for name in NAMES if not (env_file.get(name) or unquoted(environment.get(name, "")))]
    ours = {
        name: value
        for name, value in environment.items()
        if unquoted(value) and (name in NAMES or (name.startswith(_PREFIXES) and suggest_name(name, unset)))
    }
    return {**env_file, **ours}


def replace_settings(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a .env file with these values in it. Every other line stays as it is."""
    missing = dict(values)
    written = ""
    for binding in parse_stream(io.StringIO(text)):
        whole = binding.original.string
        if binding.key not in values:
            written += whole
        elif binding.key in missing:  # the first of several; the others go
            blank_lines = whole[: len(whole) - len(whole.lstrip())]
            written += blank_lines + _line(binding.key, missing.pop(binding.key))
    if written and not written.endswith("\n"):
        written += "\n"
    return written + "".join(_line(name, value) for name, value in missing.items())


def _line(name: str, value: str) -> str:
    # In single quotes, Compose too reads a $ as it stands. A backslash at the end would escape the quote after it.
    return f"{name}={value}\n" if value.endswith("\\") else "{}='{}'\n".format(name, value.replace("'", "\\'"))


def write_private_file(path: Path, text: str) -> None:
    """Write a file that only this user can read: the whole of it, or nothing.

    Raises:
        OSError: it can't be written.
    """
    path = path.resolve()  # where it is a link, the file behind it is replaced
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
