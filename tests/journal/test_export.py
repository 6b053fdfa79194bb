"""The CSV file of the journal."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from bot.journal.export import escape_formula, write_csv
from tests.support.journal import ENTRY, stream


async def names_of(_: int) -> tuple[str, str]:
    return "Dana\u202e", "=dana"


async def test_csv_stays_below_the_size_limit_and_reports_it() -> None:
    file = io.BytesIO()
    many, whole = await write_csv(file, stream(*[ENTRY] * 1000), 20_000, names_of)
    content = file.read()
    assert 19_000 < len(content) <= 20_000
    assert (len(content.decode("utf-8-sig").splitlines()), whole) == (many + 1, False)
    assert b"never shown" not in content


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
async def test_formula_cells_are_escaped(cell: str) -> None:
    assert escape_formula(cell) == "'" + cell
    file = io.BytesIO()
    await write_csv(file, stream(replace(ENTRY, way=cell)), 20_000, names_of)
    (_, row) = csv.reader(io.StringIO(file.read().decode("utf-8-sig"), newline=""))
    assert row[8] == "'" + cell


async def test_ids_are_exported_as_text() -> None:
    file = io.BytesIO()
    await write_csv(file, stream(ENTRY), 20_000, names_of)
    assert b",'1456074443980800025," in file.read()


async def test_names_lead_and_are_harmless() -> None:
    file = io.BytesIO()
    await write_csv(file, stream(ENTRY), 20_000, names_of)
    head, row = csv.reader(io.StringIO(file.read().decode("utf-8-sig"), newline=""))
    assert head[:7] == ["time (UTC)", "person", "name", "call", "server", "outcome", "cause"]
    assert row[:7] == ["1970-01-01 00:00:00", "Dana", "'=dana", "302", "1", "removed", "confirmed (HTTP 200)"]
