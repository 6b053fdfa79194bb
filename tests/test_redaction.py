"""A secret is found in whatever dress it comes back."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import contains_secret

KEY = "Ab+9/x=Key&'7"


@pytest.mark.parametrize(
    "shown",
    [
        KEY,
        KEY.upper(),
        json.dumps(KEY),
        json.dumps(KEY).replace("+", "\\u002B").replace("/", "\\/"),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        quote_plus(KEY),
        html.escape(KEY),
        "\0".join(KEY),
        "\u200b".join(KEY),
        "\u00ad".join(KEY),
        "\n".join(KEY),
        "&#39;".join(KEY.split("'")),
    ],
)
def test_written_secret_is_found(shown: str) -> None:
    assert contains_secret(f"the CAD says: {shown}!", KEY)


@pytest.mark.parametrize("text", ["", "INVALID API KEY", "Ab+9/x=", "API ID(s) set!"])
def test_text_without_the_secret_passes(text: str) -> None:
    assert not contains_secret(text, KEY)


def test_secret_without_letters_is_found() -> None:
    assert contains_secret("x +-+ y", "+-+")
    assert not contains_secret("x", "+-+")


@given(before=st.text(), key=st.text(alphabet="abcXYZ019-_.", min_size=6), after=st.text())
def test_secret_is_found_however_it_is_written(before: str, key: str, after: str) -> None:
    assert contains_secret(before + key + after, key) or "&" in before or "%" in before or "\\" in before
