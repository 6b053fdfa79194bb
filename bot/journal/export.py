"""The journal as a CSV file, safe for spreadsheets: no cell is a formula, no id is rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import IO

from bot.journal.entries import DENIED, Entry
from bot.text import clean

COLUMNS = (
    "time (UTC)", "person", "name", "call", "server", "outcome", "cause", "action", "way", "sent (UTC)", "ended (UTC)",
    "number", "person id", "guild id", "channel id", "reference",
)  # fmt: skip

NamesOf = Callable[[int], Awaitable[tuple[str, str]]]
"""Returns what Discord calls a member now, by id: the displayed name and the user name, each empty if not known."""

MAX_IN_MEMORY = 1 << 20
"""Bytes of an export that are kept in memory. A larger one goes to a private temporary file."""


async def write_csv(
    file: IO[bytes], entries: AsyncIterator[Entry], max_bytes: int, names_of: NamesOf
) -> tuple[int, bool]:
    """Write entries until the file has `max_bytes` bytes, and seek to its start.

    Returns:
        How many entries were written, and whether those are all.
    """
    count, complete = 0, True
    file.write(b"\xef\xbb\xbf" + _row(COLUMNS))  # Excel recognizes UTF-8 by this mark
    async for entry in entries:
        names = ("", "") if entry.user_id is None else await names_of(entry.user_id)
        row = _row(_cells(entry, names))
        if file.tell() + len(row) > max_bytes:
            complete = False
            break
        file.write(row)
        count += 1
    file.seek(0)
    return count, complete


def escape_formula(cell: object) -> str:
    """Return a cell's text, with a leading quote if a spreadsheet would run it as a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _cells(entry: Entry, names: tuple[str, str]) -> tuple[object, ...]:
    return (
        _time(entry.asked_at), *map(clean, names), entry.call_id, entry.server_id or None, entry.outcome, entry.cause,
        None if entry.outcome == DENIED else entry.action, entry.way, _time(entry.sent_at), _time(entry.ended_at),
        entry.number, _id(entry.user_id), _id(entry.guild_id), _id(entry.channel_id), entry.reference,
    )  # fmt: skip


def _row(cells: tuple[object, ...]) -> bytes:
    row = io.StringIO()
    csv.writer(row).writerow(map(escape_formula, cells))
    return row.getvalue().encode()


def _time(moment: float | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _id(number: int | None) -> str:
    # As text: a spreadsheet rounds numbers of more than 15 digits.
    return "" if number is None else f"'{number}"
