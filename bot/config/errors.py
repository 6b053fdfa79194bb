"""The settings can't be used."""

from __future__ import annotations

BAD_SETTINGS = 2
"""Exit code for what a restart can't fix, so that a supervisor does not restart the bot."""


class SettingsError(Exception):
    """The settings can't be used.

    Attributes:
        mistakes: one line each: the setting's name, what was found, and what is allowed. Never a secret.
    """

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes
