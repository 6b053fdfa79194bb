"""The search for autocomplete: which calls and servers match, in what order, and their labels. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from heapq import nsmallest

from bot.cad.models import EmergencyCall, Server
from bot.text import clean, joined, truncate

MAX_CHOICES = 25
"""Choices that Discord accepts."""
MAX_LABEL = 100
"""Characters of a choice that Discord accepts."""
MAX_SEARCHED = 500
"""Characters of a text that are searched. Players' texts can be of any length."""

_NO_MATCH = 9


def search_calls(calls: Iterable[EmergencyCall], typed: str) -> list[EmergencyCall]:
    """Return at most `MAX_CHOICES` calls that contain every typed word, the best match first, then the newest.

    A match in the number ranks above one in caller or location, and that above one in the description.
    """
    wanted = clean(typed[:MAX_LABEL]).casefold().split()
    ranked = ((rank, *_newest_first(call), call) for call in calls if (rank := _rank(call, wanted)) < _NO_MATCH)
    return [call for *_, call in nsmallest(MAX_CHOICES, ranked, key=lambda one: one[:-1])]


def call_label(call: EmergencyCall, server: Server | None = None) -> str:
    """Return a call as one line of plain text: its number, the server if given, and its texts."""
    number = str(call.ref.call_id)
    if server is not None:
        number += f" on {server_label(server)}"
    texts = (clean(text[:MAX_SEARCHED]) for text in (call.caller, call.location, call.description))
    return truncate(joined([number, *filter(None, texts)], " · "), MAX_LABEL)


def server_label(server: Server) -> str:
    """Return a server as one line of plain text: its id and its name."""
    return truncate(f"{server.id} {clean(server.name[:MAX_SEARCHED])}".strip(), MAX_LABEL)


def search_servers(servers: Iterable[Server], typed: str) -> list[Server]:
    """Return at most `MAX_CHOICES` servers that contain every typed word: an exact id first, else the CAD's order."""
    wanted = clean(typed[:MAX_LABEL]).casefold().split()
    matches = [one for one in servers if all(word in server_label(one).casefold() for word in wanted)]
    return sorted(matches, key=lambda one: [str(one.id)] != wanted)[:MAX_CHOICES]


def _newest_first(call: EmergencyCall) -> tuple[float, int]:
    # The CAD assigns numbers in order. Not all of its responses have the time.
    return (-call.updated.timestamp() if call.updated else 0.0, -call.ref.call_id)


def _rank(call: EmergencyCall, wanted: list[str]) -> int:
    number, caller_and_location, description = _searchable_texts(call)
    worst = 0
    for word in wanted:
        ranks = [_NO_MATCH]
        if word in number:
            ranks.append(0 if word == number else 1 if number.startswith(word) else 4)
        if word in caller_and_location:
            ranks.append(2 if f" {word}" in caller_and_location else 3)
        if word in description:
            ranks.append(5)
        worst = max(worst, min(ranks))
    return worst


def index_texts(call: EmergencyCall) -> None:
    """Prepare a call's texts for the search, so that no keystroke has to do it for a list that has just arrived."""
    _searchable_texts(call)


@lru_cache(maxsize=2048)
def _searchable_texts(call: EmergencyCall) -> tuple[str, str, str]:
    caller_and_location = f" {clean(call.caller[:MAX_SEARCHED])} {clean(call.location[:MAX_SEARCHED])}".casefold()
    return str(call.ref.call_id), caller_and_location, clean(call.description[:MAX_SEARCHED]).casefold()
