"""Reads the 911 call from a post of the CAD's webhook. Pure. What is ambiguous is refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import discord

from bot.cad.models import MAX_ID, CallRef

AUTHOR = "Sonoran CAD"

_EMERGENCY, _DISPATCH = "8", ("5", "6", "7")
_TYPES = 30
"""A number below this could be a post's type; about ten types are known."""
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


class PostError(Enum):
    """Why no call can be read from a post."""

    NOT_THE_CADS = auto()
    NO_CALL = auto()
    DISPATCH_CALL = auto()
    NO_SERVER = auto()
    AMBIGUOUS = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class CallPost:
    """A call as posted. The texts are the players' own, unchanged, or empty."""

    ref: CallRef
    caller: str = ""
    location: str = ""
    description: str = ""


def read_post(message: discord.Message) -> CallPost | PostError:
    """Read the call from a message. Other bots' replies have a webhook id too, so that alone proves nothing."""
    if message.webhook_id is None or message.application_id is not None or message.interaction_metadata is not None:
        return PostError.NOT_THE_CADS
    return read_embeds(message.embeds)


def read_embeds(embeds: Sequence[discord.Embed]) -> CallPost | PostError:
    """Read the call from a post's embeds. The CAD splits a post with many fields; only one part has the footer."""
    if {embed.author.name for embed in embeds} - {None} != {AUTHOR}:
        return PostError.NOT_THE_CADS
    title = " ".join(embed.title or "" for embed in embeds)
    found = {read_footer(embed.footer.text, title) for embed in embeds if embed.footer.text}
    if len(found) != 1:
        return PostError.AMBIGUOUS if found else PostError.NO_CALL
    (ref,) = found
    if isinstance(ref, PostError):
        return ref
    texts = {_plain(field.name): field.value or "" for embed in embeds for field in embed.fields}
    description = next((embed.description for embed in embeds if embed.description), "")
    return CallPost(
        ref, texts.get("CALLER", ""), texts.get("LOCATION", ""), texts.get("DESCRIPTION", "") or description
    )


def read_footer(footer: str, title: str) -> CallRef | PostError:
    """Read `USERNAME or UUID | 8 | CALL | SERVER`.

    A user name can contain the separator. So a footer with more parts is refused. A footer that could be the user
    `x | 8` under a post of another type is accepted only if the title names a call.
    """
    parts = [part.strip(" ") for part in footer.split("|")]
    if len(footer.splitlines()) != 1:
        return PostError.UNREADABLE
    if len(parts) < 3:
        return PostError.NO_CALL
    if parts[-2] == _EMERGENCY and len(parts) == 3:
        return PostError.NO_SERVER
    if parts[-3] in _DISPATCH or (parts[-2] in _DISPATCH and len(parts) == 3):
        return PostError.DISPATCH_CALL
    if parts[-3] != _EMERGENCY or len(parts) < 4:
        return PostError.NO_CALL
    words = set(re.findall("[A-Z]+", title.upper()))
    if len(parts) > 4 or "RECORD" in words:
        return PostError.AMBIGUOUS
    name, _, call, server = parts
    if not name or not all(_NUMBER.fullmatch(number) and int(number) <= MAX_ID for number in (call, server)):
        return PostError.UNREADABLE
    if int(call) < _TYPES and not words & {"CALL", "EMERGENCY"}:
        return PostError.AMBIGUOUS
    return CallRef(int(server), int(call))


def _plain(name: str | None) -> str:
    return (name or "").strip().rstrip(":").upper()
