"""Sentences about the journal's entries."""

from __future__ import annotations

from dataclasses import replace

from bot.journal.entries import EntryFilter
from bot.messages.history import history_page
from tests.support.journal import ENTRY


def test_page_of_the_longest_entries_fits_into_an_embed() -> None:
    longest = replace(
        ENTRY, number=10**9, way="Remove 911 call", call_id=2**31 - 1, server_id=2**31 - 1, user_id=2**63 - 1,
        asked_at=4e9, outcome="unknown", why="CONNECTION_LOST",
    )  # fmt: skip
    assert len(history_page([longest] * 25, EntryFilter(), {2**63 - 1: "x" * 40})) <= 4096
