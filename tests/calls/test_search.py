"""The search for autocomplete: which calls match, in what order, and their labels."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cad.models import CallRef, EmergencyCall, Server
from bot.calls.search import call_label, search_calls, search_servers, server_label


def call(
    number: int, caller: str = "", location: str = "", description: str = "", hour: int | None = None
) -> EmergencyCall:
    updated = None if hour is None else datetime(2026, 11, 24, hour, tzinfo=UTC)
    return EmergencyCall(CallRef(1, number), True, caller, location, description, {}, updated)


CALLS = [
    call(30, "Marcus Bell", "Alta Street", "Two cars"),
    call(301, "Ana Ortega", "Grove Street", "Man with a shotgun at Alta"),
    call(302, "Natalia", "Route 68", "Truck 30 tons"),
    call(130, "Álvaro Ñandú", "Pier", "Ｆｕｌｌ width"),
]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", [302, 301, 130, 30]),
        ("30", [30, 302, 301, 130]),
        ("302", [302]),
        ("alta", [30, 301]),
        ("ALTA", [30, 301]),
        ("tali", [302]),
        ("ana", [301]),
        ("street", [301, 30]),
        ("grove ana", [301]),
        ("alta 301", [301]),
        ("ñandú", [130]),
        ("shotgun", [301]),
        ("nobody", []),
        ("alta nobody", []),
        ("  al\u202eta ", [30, 301]),
        ("x" * 6000, []),
    ],
)
def test_search_returns_the_best_match_first(typed: str, expected: list[int]) -> None:
    assert [one.ref.call_id for one in search_calls(CALLS, typed)] == expected


def test_search_returns_newer_calls_first() -> None:
    calls = [call(1, hour=9), call(2, hour=8), call(3, hour=10)]
    assert [one.ref.call_id for one in search_calls(calls, "")] == [3, 1, 2]


def test_search_returns_25_calls_at_most() -> None:
    assert [one.ref.call_id for one in search_calls([call(n) for n in range(1, 61)], "")] == list(range(60, 35, -1))


def test_label_shows_number_server_and_texts() -> None:
    ana = call(302, "Ana `Ortega`", "24/7,\nGrove Street", "Man")
    assert call_label(ana) == "302 · Ana `Ortega` · 24/7, Grove Street · Man"
    assert call_label(ana, Server(1, "Los Santos")) == "302 on 1 Los Santos · Ana `Ortega` · 24/7, Grove Street · Man"
    assert call_label(call(7)) == "7"
    # Without the invisible mark, the location's number would be displayed before the caller.
    assert call_label(call(7, "דוד לוי", "24/7")) == "7 · דוד לוי\u200e · 24/7"
    assert server_label(Server(2, "")) == "2"


@given(texts=st.lists(st.text(max_size=300), min_size=4, max_size=4), typed=st.text())
def test_any_text_gives_a_plain_label_that_discord_accepts(texts: list[str], typed: str) -> None:
    caller, location, description, name = texts
    random_call = call(5, caller, location, description)
    for shown in (call_label(random_call), call_label(random_call, Server(1, name)), server_label(Server(1, name))):
        assert 1 <= len(shown) <= 100
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Cf") and c not in "\u200d\u200e" for c in shown)
    assert len(search_calls([random_call], typed)) <= 1


def test_label_is_not_cut_inside_an_emoji() -> None:
    family = "👨\u200d👩\u200d👧"
    shown = call_label(call(5, family * 60))
    assert len(shown) <= 100
    assert shown.endswith("👧…")


def test_servers_are_found_by_id_and_name() -> None:
    servers = [Server(12, "Los Santos"), Server(1, "Blaine County"), Server(2, "Santos North")]
    assert search_servers(servers, "") == servers
    assert search_servers(servers, "1") == [servers[1], servers[0]]
    assert search_servers(servers, "santos") == [servers[0], servers[2]]
    assert search_servers(servers, "nope") == []
