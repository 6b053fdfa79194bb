"""The log line of a removal."""

from __future__ import annotations

import logging
from math import inf

import pytest

from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.models import CallRef, Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.clocks import InstantClock
from tests.support.journal import requester
from tests.support.simulation import V1_ONLY, OpenSimulation, open_on, remove

pytestmark = pytest.mark.both_api_versions


async def test_refused_removal_is_one_log_line(
    simulation: Simulation, api: CadApi, caplog: pytest.LogCaptureFixture
) -> None:
    simulation.cad.key = "another-key"
    await remove(simulation)
    (record,) = [one for one in caplog.records if one.name == "bot.removals.result"]
    assert record.levelno == logging.WARNING
    message = record.getMessage()
    status, said = (
        (400, "INVALID API KEY") if api is v1 else (401, "Unauthorized: The API key is missing or not known.")
    )
    assert message.startswith(f"call 302 on server 1: rejected (api key, HTTP {status}")
    assert "), asked by user " in message
    assert message.endswith(f"; the CAD's text: {said}")


@V1_ONLY
async def test_log_line_shows_the_seconds_in_the_queue(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    for call_id in (301, 302):
        await remove(simulation, call_id=call_id)
    messages = [record.getMessage() for record in caplog.records if record.name == "bot.removals.result"]
    assert [message.split(" s, ")[1].partition(";")[0] for message in messages] == ["1.05 s of it queued"] * 2


@V1_ONLY
async def test_log_lines_duration_is_right_although_the_clock_is_set_meanwhile(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    clock = InstantClock()
    simulation = await open_on(make_simulation, Plan.PLUS, clock=clock)
    removals = simulation.bot.removals
    await simulation.call_cache.calls(1)
    (started,) = await removals.start([CallRef(1, 302)], requester())
    clock.ahead -= 3600
    removed = await removals.wait_for(started)
    await removals.recreate(removed, requester())
    messages = [record.getMessage() for record in caplog.records if record.name == "bot.removals.result"]
    assert [0 <= float(message.split(", ")[3].partition(" s")[0]) < 10 for message in messages] == [True, True]


async def test_removal_and_missing_call_are_no_warning_but_an_unknown_result_is(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation = await make_simulation(timeout=0.1, cad=FakeCad(delays={CallRef(1, 303): inf}))
    for call_id in (302, 99, 303):
        await remove(simulation, call_id=call_id)
    levels = [record.levelno for record in caplog.records if record.name == "bot.removals.result"]
    assert levels == [logging.INFO, logging.INFO, logging.WARNING]
