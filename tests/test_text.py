"""Players' text: quoted, cut and made safe before Discord shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import quoted, truncate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a`b``c", "`a'b''c`"),
        ("two\r\nlines\tand\x1b[31m more", "`two lines and[31m more`"),
        ("abc\u202edef\u2066\u200f", "`abcdef`"),
        ("", "` `"),
        ("**bold** @everyone <@1>", "`**bold** @everyone <@1>`"),
        ("👩‍🚒 Zoë", "`👩‍🚒 Zoë`"),
    ],
)
def test_quoted_text_is_one_safe_line(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("abcde\u0301fg", 6, "abcd…"),
        ("ab👩‍🚒cd", 4, "ab…"),
        ("ab👍🏽cd", 4, "ab…"),
    ],
)
def test_truncation_never_splits_a_character(text: str, most: int, shown: str) -> None:
    assert truncate(text, most) == shown


@given(text=st.text(), most=st.integers(1, 50))
def test_any_quoted_text_is_one_line_within_its_limit(text: str, most: int) -> None:
    shown = quoted(text, most)
    assert len(shown) <= most + 2
    assert shown.count("`") == 2
    assert len(shown.splitlines()) == 1
