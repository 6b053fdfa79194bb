"""A fake CAD with many open calls."""

from __future__ import annotations

from bot.cad.models import CallRef
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall


def many_calls(many: int) -> FakeCad:
    calls = [FakeCall(CallRef(1, number), "Caller", "Somewhere", "Something", 1) for number in range(1, many + 1)]
    return FakeCad(calls={call.ref: call for call in calls})
