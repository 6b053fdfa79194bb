"""The findings as text: a table for the terminal, readable without colour, and a message for Discord."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Collection, Iterable

from discord.utils import escape_markdown

from bot.health.finding import Finding, Severity

_MARGIN = 30
"""Columns before the state: the severity and the subject."""
_LONGEST_MESSAGE = 4000
_LEAST, _MOST = 60, 110
"""The smallest and the largest width of the table."""


def table_width() -> int:
    """Return the width of the table for this terminal."""
    return max(_LEAST, min(_MOST, shutil.get_terminal_size().columns - 1))


def table_lines(finding: Finding, width: int, secrets: Collection[str]) -> list[str]:
    """Return a finding's lines, without secrets: severity, subject and state, and below them the remedy."""
    finding = finding.without(secrets)
    head = f"  {finding.severity.value:<4}  {finding.subject:<{_MARGIN - 9}} "
    indent = " " * _MARGIN
    written = _wrapped(finding.state, width, head, indent)
    if finding.remedy:
        written += _wrapped(finding.remedy, width, f"{indent}-> ", f"{indent}   ")
    return written


def summary(findings: Iterable[Finding], arrow: str) -> str:
    """Return one sentence about all findings. `arrow` marks the remedies."""
    found = list(findings)
    failed, open_, warned = (
        sum(finding.severity is severity for finding in found)
        for severity in (Severity.FAIL, Severity.UNKNOWN, Severity.WARN)
    )
    without = f"{open_} {'checks have' if open_ > 1 else 'check has'} no result"
    if failed:
        also = f", and {without}" if open_ else ""
        return f"{failed} {'checks' if failed > 1 else 'check'} failed{also}. Each arrow ({arrow}) says what to do."
    if open_:
        return f"Not known whether it works: {without}. Each arrow ({arrow}) says what to do."
    if warned:
        return f"It works. {warned} {'things' if warned > 1 else 'thing'} should be looked at ({arrow})."
    return "Everything is in order."


def as_message(findings: Iterable[Finding], secrets: Collection[str]) -> str:
    """Return the findings for Discord, without secrets: the problems with their remedies, then a line for each other.

    The worst come first.
    """
    signs = {Severity.WARN: "⚠️", Severity.UNKNOWN: "❔", Severity.FAIL: "❌"}
    worst_first = list(reversed(Severity))
    written = ""
    for finding in sorted((one.without(secrets) for one in findings), key=lambda one: worst_first.index(one.severity)):
        state = _markdown(finding.state)
        if sign := signs.get(finding.severity):
            line = f"{sign} **{finding.subject}**: {state}\n"
            line += f"→ {_markdown(finding.remedy)}\n" if finding.remedy else ""
        else:
            line = f"{finding.subject[:1].upper()}{finding.subject[1:]}: {state}\n"
        if len(written) + len(line) > _LONGEST_MESSAGE:
            return written + "…"
        written += line
    return written


def _markdown(text: str) -> str:
    # Links and timestamps stay as they are.
    parts = re.split(r"(<t:[0-9]+:R>|https://\S+)", text)
    return "".join(part if number % 2 else escape_markdown(part) for number, part in enumerate(parts))


def _wrapped(text: str, width: int, first: str, further: str) -> list[str]:
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: ascii(found.group())[1:-1], text)
    # A link stays on one line, so that it can be clicked or copied.
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )
