"""Makes text from players and from the CAD harmless: one line, nothing hidden, cut between visible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_QUOTED = 200
"""Characters of such a text that are shown."""


def quoted(text: str, max_length: int = MAX_QUOTED) -> str:
    """Return a text as a code span on one line, in which no markup works and which it can't end."""
    shown = truncate(clean(text).replace("`", "'"), max_length)
    return f"`{shown or ' '}`"


def plain(text: str, max_length: int = MAX_QUOTED) -> str:
    """Return a text on one line, in which no markup, mention or link works, without a code span."""
    return re.sub(r"([\\*_~|`<>\[\]@#:])", r"\\\1", truncate(clean(text), max_length))


def clean(text: str) -> str:
    """Return text on one line, without characters that hide or reverse what follows.

    Removes control, format and surrogate characters (bidirectional marks are format characters). Keeps the joiner that
    holds an emoji together.
    """
    if text.isprintable():  # then it has none of them
        return " ".join(text.split())
    kept = (c for c in text if c.isspace() or c == "\u200d" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return " ".join("".join(kept).split())


def joined(texts: Iterable[str], between: str) -> str:
    """Join texts on one line, and keep their order on the screen too.

    Without an invisible mark (U+200E), a right-to-left text pulls the text or number after it to its other side.
    """
    return between.join(
        text + "\u200e" * any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text) for text in texts
    )


def truncate(text: str, max_length: int) -> str:
    """Cut text to `max_length` characters, including an ellipsis, and never inside one visible character."""
    if len(text) <= max_length:
        return text
    end = max_length - 1
    while end > 0 and (_belongs_to_the_last(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def relative_time(at: float) -> str:
    """Return a relative timestamp for a time in seconds since 1970. Discord shows it in each reader's language."""
    return f"<t:{at:.0f}:R>"


def _belongs_to_the_last(character: str) -> bool:
    # Accents, variation selectors, the joiner, and an emoji's skin tone.
    return (
        unicodedata.category(character).startswith("M")
        or character == "\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
