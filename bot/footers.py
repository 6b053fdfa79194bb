"""Reads which 911 call a post of the CAD's webhook is about. Pure, and refuses what it is not sure of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import discord

from bot.cad.model import MAX_ID, CallRef

AUTHOR = "Sonoran CAD"

_EMERGENCY, _DISPATCH = "8", ("5", "6", "7")
_TYPES = 30
"""Numbers below this can be the type of a post; about ten are known."""
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


class Unread(Enum):
    """Why a post gives no call."""

    NOT_THE_CADS = auto()
    NO_CALL = auto()
    DISPATCH_CALL = auto()
    NO_SERVER = auto()
    AMBIGUOUS = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class Post:
    """What a post says: the call, and what it is about in the players' own words, as they stand there or empty."""

    ref: CallRef
    caller: str = ""
    location: str = ""
    description: str = ""


def read(message: discord.Message) -> Post | Unread:
    """Read the call from a post. Other bots' answers carry webhook ids too, so those are no mark of the CAD."""
    by_webhook = message.webhook_id is not None
    if not by_webhook or message.application_id is not None or message.interaction_metadata is not None:
        return Unread.NOT_THE_CADS
    return read_embeds(message.embeds)


def read_embeds(embeds: Sequence[discord.Embed]) -> Post | Unread:
    """Read the call from a post's embeds: the CAD splits a post of many fields, and the footer stands on one."""
    if {embed.author.name for embed in embeds} - {None} != {AUTHOR}:
        return Unread.NOT_THE_CADS
    title = " ".join(embed.title or "" for embed in embeds)
    found = {read_footer(embed.footer.text, title) for embed in embeds if embed.footer.text}
    if len(found) != 1:
        return Unread.AMBIGUOUS if found else Unread.NO_CALL
    (ref,) = found
    if isinstance(ref, Unread):
        return ref
    texts = {_plain(field.name): field.value or "" for embed in embeds for field in embed.fields}
    description = next((embed.description for embed in embeds if embed.description), "")
    return Post(ref, texts.get("CALLER", ""), texts.get("LOCATION", ""), texts.get("DESCRIPTION", "") or description)


def read_footer(footer: str, title: str) -> CallRef | Unread:
    """Read `USERNAME or UUID | 8 | CALL | SERVER`.

    A user name can hold the separator. So what has more parts is refused, and what could be somebody called `x | 8`
    under a post of another type is believed only where the title speaks of a call.
    """
    parts = [part.strip(" ") for part in footer.split("|")]
    if len(footer.splitlines()) != 1:
        return Unread.UNREADABLE
    if len(parts) < 3:
        return Unread.NO_CALL
    if parts[-2] == _EMERGENCY and len(parts) == 3:
        return Unread.NO_SERVER
    if parts[-3] in _DISPATCH or (parts[-2] in _DISPATCH and len(parts) == 3):
        return Unread.DISPATCH_CALL
    if parts[-3] != _EMERGENCY or len(parts) < 4:
        return Unread.NO_CALL
    words = set(re.findall("[A-Z]+", title.upper()))
    if len(parts) > 4 or "RECORD" in words:
        return Unread.AMBIGUOUS
    name, _, call, server = parts
    if not name or not all(_NUMBER.fullmatch(number) and int(number) <= MAX_ID for number in (call, server)):
        return Unread.UNREADABLE
    if int(call) < _TYPES and not words & {"CALL", "EMERGENCY"}:
        return Unread.AMBIGUOUS
    return CallRef(int(server), int(call))


def _plain(name: str | None) -> str:
    return (name or "").strip().rstrip(":").upper()
