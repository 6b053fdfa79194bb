"""v2's limits with both sides real: what the line allows itself, and a CAD that counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.cad import v2
from bot.cad.client import CadClient
from bot.cad.line import Line
from bot.cad.model import CallRef, End, Why
from bot.sandbox.cad import Call, LoopbackCad
from bot.sandbox.cad_v2 import PUBLISHED
from tests.clocks import HandClock
from tests.removing import removed


async def test_at_the_published_limits_thirty_at_once_are_removed_and_no_429_is_provoked() -> None:
    """A minute is half a second here; ours is longer than the CAD's by what a busy machine may take."""
    calls = [Call(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
    cad = LoopbackCad(calls={call.ref: call for call in calls}, limits=PUBLISHED, minute=0.5)
    line = Line(tuple(replace(window, seconds=0.5 + 0.5) for window in v2.LIMITS))
    async with cad.serving() as account, CadClient(account, v2, line=line) as client:
        answers = await asyncio.gather(*(removed(client, ref) for ref in tuple(cad.calls)))
    assert {answer.end for answer in answers} == {End.REMOVED}
    assert (cad.calls, cad.turned_away) == ({}, 0)


async def test_where_the_game_server_uses_the_limits_up_each_is_told_truly_and_when_to_try_again() -> None:
    calls = [Call(CallRef(1, number), "Caller", "Somewhere", "Something") for number in range(1, 31)]
    cad = LoopbackCad(calls={call.ref: call for call in calls}, limits={"REMOVE_911": 3}, minute=3600.0)
    async with cad.serving() as account, CadClient(account, v2, clock=HandClock()) as client:
        answers = await asyncio.gather(*(removed(client, ref) for ref in tuple(cad.calls)))
    assert sum(answer.end is End.REMOVED for answer in answers) == 3 == 30 - len(cad.calls)
    others = [answer for answer in answers if answer.end is not End.REMOVED]
    assert {(answer.end, answer.why, answer.at is not None) for answer in others} == {(End.NOT_SENT, Why.BUSY, True)}
    assert cad.turned_away == 5  # they had left together with the three, as the window allows
