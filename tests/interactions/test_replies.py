"""Replies that Discord does not accept."""

from __future__ import annotations

import pytest

from bot.cad import v1
from bot.cad.models import CallRef, Plan
from bot.cad.request_queue import RequestQueue
from bot.sandbox.simulation import Simulation
from tests.support.calls import many_calls
from tests.support.clocks import ManualClock, until
from tests.support.simulation import OpenSimulation, open_on, settle_until

pytestmark = pytest.mark.both_api_versions

CALL = CallRef(1, 302)


async def test_unacknowledged_command_sends_nothing_to_the_cad(simulation: Simulation) -> None:
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    result = await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert not result.acknowledged
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert CALL in simulation.cad.calls


async def test_interaction_acknowledged_by_another_copy_removes_nothing(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=400, code=40060)
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert "another copy of this bot is running" in caplog.text


async def test_reply_that_discord_does_not_accept_is_logged(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=401, code=50027, times=None)
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    assert CALL not in simulation.cad.calls
    assert "the reply did not reach Discord (HTTP 401, code 50027): ✅ Call **302**" in caplog.text


async def test_failed_reply_is_logged_without_the_players_texts(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation = await open_on(make_simulation, Plan.PLUS)
    await simulation.call_cache.calls(1)
    simulation.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=503, times=None)
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=302, server_id=1)
    messages = [record.getMessage() for record in caplog.records if record.name.split(".")[0] in ("bot", "cogs")]
    assert any(
        "did not reach Discord" in message and "Call **302** removed (server **1**)" in message for message in messages
    )
    assert not any("Ortega" in message for message in messages)


async def test_reply_with_an_expired_token_is_logged(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    simulation = await make_simulation(queue=RequestQueue(v1.RATE_LIMITS), clock=clock, parked=True, cad=many_calls(1))
    await until(lambda: len(simulation.cad.requests) == 1)
    await simulation.dispatcher.slash(simulation.room, "remove911", call_id=1, server_id=1)
    await simulation.env.advance_time(15 * 60)
    clock.tick(1.05)
    await settle_until(simulation, lambda: simulation.cad.calls == {} and "did not reach Discord" in caplog.text)
