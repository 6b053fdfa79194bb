"""Discord interactions: who may use them, how they are answered, and the buttons below a reply."""

from __future__ import annotations

from typing import Any

import discord

Interaction = discord.Interaction[Any]
"""A command, an autocomplete request or a click. Its client is the bot, which this layer does not import."""
