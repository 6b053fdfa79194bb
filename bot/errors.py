"""Refusals, bad settings, Discord out of reach: as exceptions. How a removal ended is a value, not one of these."""

from __future__ import annotations

import aiohttp
import discord

UNREACHED = (discord.HTTPException, aiohttp.ClientError, OSError)
"""What a request to Discord raises where Discord refuses it or can't be reached."""

BAD_SETTINGS = 2
"""Exit code for what a restart won't cure, so that a supervisor does not restart."""


class SettingsError(Exception):
    """The settings can't be used.

    Attributes:
        mistakes: one line for each, with the setting's name, what was found and what is allowed. No secrets.
    """

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class Refused(Exception):  # noqa: N818 - not an error: somebody is told no
    """Somebody asked for what can't be done; `told` is the sentence that they read."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told
