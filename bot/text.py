"""Strangers' text made harmless: on one line, nothing hidden in it, cut where people see an end."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MOST_OF_A_TEXT = 200
"""Characters of a stranger's text that are shown."""


def quoted(text: str, most: int = MOST_OF_A_TEXT) -> str:
    """Return a stranger's text as a code span: one line, nothing in it works as markup or reaches out of it."""
    shown = cut(clean(text).replace("`", "'"), most)
    return f"`{shown or ' '}`"


def clean(text: str) -> str:
    """Fold text to one line, and take out what could hide or turn round what follows.

    Control, format and surrogate characters go (bidirectional marks are format characters); the joiner that
    holds an emoji together stays.
    """
    if text.isprintable():  # which none of those is
        return " ".join(text.split())
    kept = (c for c in text if c.isspace() or c == "\u200d" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return " ".join("".join(kept).split())


def joined(texts: Iterable[str], between: str) -> str:
    """Join texts in one line, in this order for the eye too.

    What is written from right to left would draw the text or number after it to its other side, but for a mark that
    cannot be seen (U+200E).
    """
    return between.join(
        text + "\u200e" * any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text) for text in texts
    )


def cut(text: str, most: int) -> str:
    """Cut text to `most` characters, an ellipsis included, never inside what is seen as one character."""
    if len(text) <= most:
        return text
    end = most - 1
    while end > 0 and (_belongs_to_the_last(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def relative(at: float) -> str:
    """Show a time of day, in seconds since 1970: Discord counts it down in each reader's own language."""
    return f"<t:{at:.0f}:R>"


def _belongs_to_the_last(character: str) -> bool:
    # Accents and variation selectors, the joiner, and an emoji's skin tone.
    return (
        unicodedata.category(character).startswith("M")
        or character == "\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
