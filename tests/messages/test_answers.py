"""All answers together: docs/answers.md shows them, so it must have them all, and none may be long."""

from __future__ import annotations

import pytest

from bot.messages import buttons, refusals
from tests import answers

SIGNS = ("✅", "☑️", "❌", "⚠️", "⏳", "⛔", "⌛")


def constants(module: object) -> set[str]:
    return {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}


@pytest.mark.parametrize("kind", answers.SHORT)
def test_answer_begins_with_a_sign_and_is_short(kind: str) -> None:
    for text in answers.SHORT[kind]():
        plain = answers.shown(text).replace("**", "").replace("`", "")
        assert kind == "The list" or plain.startswith(SIGNS), text
        most = answers.MAX_ANSWER if "admin" in plain else answers.MAX_ADVICE
        assert len(plain) <= most, (len(plain), text)
        assert "\n" not in plain or kind == "The list"


def test_page_has_every_sentence_about_buttons_and_refusals() -> None:
    listed = [text for kind in answers.SHORT.values() for text in kind()]
    assert constants(buttons) | constants(refusals) <= set(listed)
