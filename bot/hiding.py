"""Finds a secret in a text in which somebody else may have put it, in whatever dress."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

WITHHELD = "(not shown: it repeats a secret)"


def holds(text: str, secret: str) -> bool:
    """Say whether a text shows a secret: as it is, escaped for JSON, URLs or HTML, or with other characters between."""
    wanted = _bare(secret)
    if len(wanted) < 4:  # too little is left to look for
        return secret in text
    return any(wanted in _bare(reading) for reading in _readings(text))


def _readings(text: str) -> Iterator[str]:
    yield text
    plain = text
    if "\\" in text:
        plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
        yield plain
    if "%" in plain or "&" in plain:
        yield html.unescape(unquote(plain))


def _bare(text: str) -> str:
    # Letters and digits alone: no line break, space, dash or invisible character can hide what is between them.
    return re.sub(r"[^a-z0-9]+", "", text.casefold())
