"""The findings as a table for a terminal: readable without colour, at any width."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable

from discord.utils import escape_markdown

from bot.health import Finding, Level

_MARGIN = 30
"""Columns before what was found: the level, and what was looked at."""
_LONGEST_MESSAGE = 4000
_LEAST, _MOST = 60, 110
"""Columns of the narrowest and the widest table."""


def columns() -> int:
    """Return the width of the terminal, as far as the table uses it."""
    return max(_LEAST, min(_MOST, shutil.get_terminal_size().columns - 1))


def lines(finding: Finding, width: int) -> list[str]:
    """Lay out one finding: level, what, found, and below it the remedy."""
    head = f"  {finding.level.value:<4}  {finding.what:<{_MARGIN - 9}} "
    indent = " " * _MARGIN
    written = _wrapped(finding.found, width, head, indent)
    if finding.remedy:
        written += _wrapped(finding.remedy, width, f"{indent}-> ", f"{indent}   ")
    return written


def summary(findings: Iterable[Finding], arrow: str) -> str:
    """Say in a sentence how it went, and by which arrow each remedy is found."""
    found = list(findings)
    failed = sum(finding.level is Level.FAIL for finding in found)
    warned = sum(finding.level is Level.WARN for finding in found)
    if failed:
        verb = "things fail" if failed > 1 else "thing fails"
        return f"{failed} {verb}. What to do stands behind each arrow ({arrow})."
    if warned:
        return f"It works. {warned} {'things' if warned > 1 else 'thing'} should be looked at ({arrow})."
    return "Everything is in order."


def as_message(findings: Iterable[Finding]) -> str:
    """Write the findings for Discord, as much as an embed's description takes."""
    signs = {Level.OK: "✅", Level.WARN: "⚠️", Level.FAIL: "❌"}
    written = ""
    for finding in findings:
        line = f"{signs[finding.level]} **{finding.what}**: {_markdown(finding.found)}\n"
        line += f"→ {_markdown(finding.remedy)}\n" if finding.remedy else ""
        if len(written) + len(line) > _LONGEST_MESSAGE:
            return written + "…"
        written += line
    return written


def _markdown(text: str) -> str:
    # A link and a time stamp stay what they are.
    parts = re.split(r"(<t:[0-9]+:R>|https://\S+)", text)
    return "".join(part if number % 2 else escape_markdown(part) for number, part in enumerate(parts))


def _wrapped(text: str, width: int, first: str, further: str) -> list[str]:
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: ascii(found.group())[1:-1], text)
    # A link stays on one line, however long, so that it can be clicked or copied.
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )
