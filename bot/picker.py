"""How somebody picks a call while typing: which calls match, the best first, and how each is shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from heapq import nsmallest

from bot.cad.model import EmergencyCall, Server
from bot.text import clean, cut, joined

MOST = 25
"""Choices that Discord takes."""
LONGEST = 100
"""Characters that Discord takes of each."""
SEARCHED = 500
"""Characters of a text in which is searched; players' text has no bound."""

_NOWHERE = 9


def matching(calls: Iterable[EmergencyCall], typed: str) -> list[EmergencyCall]:
    """Return the calls that match what was typed, the best first and newer before older, at most 25.

    Every word has to be found in a call: in its number, best, else in caller or place, else in the description.
    """
    wanted = clean(typed[:LONGEST]).casefold().split()
    ranked = ((rank, *_newest_first(call), call) for call in calls if (rank := _rank(call, wanted)) < _NOWHERE)
    return [call for *_, call in nsmallest(MOST, ranked, key=lambda one: one[:-1])]


def label(call: EmergencyCall, server: Server | None = None) -> str:
    """Show a call in one line of plain text: its number, the server's where that is not given yet, and what it says."""
    number = str(call.ref.call_id)
    if server is not None:
        number += f" on {server_label(server)}"
    said = (clean(text[:SEARCHED]) for text in (call.caller, call.location, call.description))
    return cut(joined([number, *filter(None, said)], " · "), LONGEST)


def server_label(server: Server) -> str:
    """Show a server in one line of plain text: its number and its name."""
    return cut(f"{server.id} {clean(server.name[:SEARCHED])}".strip(), LONGEST)


def matching_servers(servers: Iterable[Server], typed: str) -> list[Server]:
    """Return the servers whose number or name matches what was typed, in the CAD's order, at most 25."""
    wanted = clean(typed[:LONGEST]).casefold().split()
    found = [one for one in servers if all(word in server_label(one).casefold() for word in wanted)]
    return sorted(found, key=lambda one: [str(one.id)] != wanted)[:MOST]


def _newest_first(call: EmergencyCall) -> tuple[float, int]:
    # Numbers are given out in order; the time is there in newer answers only.
    return (-call.updated.timestamp() if call.updated else 0.0, -call.ref.call_id)


def _rank(call: EmergencyCall, wanted: list[str]) -> int:
    number, who_and_where, description = _searched(call)
    worst = 0
    for word in wanted:
        found = [_NOWHERE]
        if word in number:
            found.append(0 if word == number else 1 if number.startswith(word) else 4)
        if word in who_and_where:
            found.append(2 if f" {word}" in who_and_where else 3)
        if word in description:
            found.append(5)
        worst = max(worst, min(found))
    return worst


def fold(call: EmergencyCall) -> None:
    """Prepare a call to be searched, so that no keystroke has to do it for a whole list that has just arrived."""
    _searched(call)


@lru_cache(maxsize=2048)
def _searched(call: EmergencyCall) -> tuple[str, str, str]:
    who_and_where = f" {clean(call.caller[:SEARCHED])} {clean(call.location[:SEARCHED])}".casefold()
    return str(call.ref.call_id), who_and_where, clean(call.description[:SEARCHED]).casefold()
