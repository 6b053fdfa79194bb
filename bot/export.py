"""The journal as a CSV file, written row by row, that no spreadsheet takes for formulas or rounds."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import IO

from bot.entries import Entry
from bot.words_journal import cause

COLUMNS = (
    "number", "asked (UTC)", "sent (UTC)", "ended (UTC)", "action", "server", "call", "outcome", "cause", "person",
    "way", "guild", "channel", "reference",
)  # fmt: skip

IN_MEMORY = 1 << 20
"""Bytes that are kept in memory; what is longer goes to a file that nobody else sees."""


async def write_csv(file: IO[bytes], entries: AsyncIterator[Entry], most: int) -> tuple[int, bool]:
    """Write entries to a file, at most `most` bytes, and go back to its beginning.

    Returns:
        How many entries it holds, and whether those are all.
    """
    many, whole = 0, True
    file.write(b"\xef\xbb\xbf" + _row(COLUMNS))  # the mark by which Excel knows UTF-8
    async for entry in entries:
        row = _row(_cells(entry))
        if file.tell() + len(row) > most:
            whole = False
            break
        file.write(row)
        many += 1
    file.seek(0)
    return many, whole


def harmless(cell: object) -> str:
    """Return a cell's text so that no spreadsheet takes it for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _cells(entry: Entry) -> tuple[object, ...]:
    return (
        entry.number, _time(entry.asked_at), _time(entry.sent_at), _time(entry.ended_at), entry.action,
        entry.server_id or None, entry.call_id, entry.outcome, cause(entry), _id(entry.user_id), entry.way,
        _id(entry.guild_id), _id(entry.channel_id), entry.reference,
    )  # fmt: skip


def _row(cells: tuple[object, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(map(harmless, cells))
    return line.getvalue().encode()


def _time(moment: float | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _id(number: int | None) -> str:
    # As text: a spreadsheet rounds a number of so many digits.
    return "" if number is None else f"'{number}"
