"""Finds secrets in text from outside, however they are written."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

REDACTED = "(not shown: it repeats a secret)"


def redact(text: str, secrets: Iterable[str], withheld: str = REDACTED) -> str:
    """Return a text without its secrets, or `withheld` if one is in it that can't be cut out."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[secret]")
        if contains_secret(text, secret):
            return withheld
    return text


def contains_secret(text: str, secret: str) -> bool:
    """Return True if a text contains a secret: plain, escaped for JSON, URLs or HTML, or broken up."""
    wanted = _bare(secret)
    if len(wanted) < 4:  # too short to search for
        return secret in text
    try:
        return any(wanted in _bare(reading) for reading in _readings(text))
    except Exception:  # noqa: BLE001 - a player's text can be impossible to unescape, such as `&#` and 5,000 digits
        return True


def _readings(text: str) -> Iterator[str]:
    yield text
    plain = text
    if "\\" in text:
        plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
        yield plain
    if "%" in plain or "&" in plain:
        yield html.unescape(unquote(plain))


def _bare(text: str) -> str:
    # Only letters and digits, so that line breaks, spaces, dashes or invisible characters can't hide a secret.
    return re.sub(r"[^a-z0-9]+", "", text.casefold())
