"""Recovery at start: requests that an earlier run left unfinished get an outcome."""

from __future__ import annotations

import asyncio

import pytest

from bot.cad.models import CallRef, Plan
from bot.cad.results import Result
from bot.journal.entries import CREATE
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.audit import dispatcher_of, restart, wait_for_posts
from tests.support.journal import WriteLock, rows
from tests.support.simulation import OpenSimulation


async def test_unsent_request_of_an_earlier_run_ends_as_not_sent_and_is_posted(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(audited=True)
    requester = dispatcher_of(simulation)
    await simulation.journal.record_request("before", CallRef(1, 301), requester)
    await restart(simulation)
    (post,) = await wait_for_posts(simulation, 1)
    assert post.title == "❌ Call 301 on server 1: not sent"
    assert post.description is not None
    assert post.description.endswith(": restarted")


async def test_sent_re_creation_of_an_earlier_run_ends_as_unknown_without_lookup(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await make_simulation(audited=True, cad=FakeCad(plan=Plan.PLUS))
    requester = dispatcher_of(simulation, "Re-create call")
    await simulation.journal.record_request("sent", CallRef(1, 302), requester, CREATE)
    await simulation.journal.mark_sent("sent")
    await restart(simulation)
    (post,) = await wait_for_posts(simulation, 1)
    assert post.title == "⚠️ Call 302 on server 1: re-creating it, unknown"
    assert simulation.cad.requests_of("GET_CALLS") == []
    assert simulation.cad.requests_of("CALL_911") == []


async def test_outcome_that_can_not_be_written_does_not_stop_recovery_of_the_next_request(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requester = dispatcher_of(simulation)
    for request, call in (("first", 301), ("second", 302)):
        await simulation.journal.record_request(request, CallRef(1, call), requester)
    await simulation.journal._file.connection.execute_fetchall("PRAGMA busy_timeout = 20")
    path = simulation.bot.settings.database_path
    lock, mark_ended = WriteLock(path), simulation.journal.mark_ended

    async def mark_ended_while_locked(request: str, result: Result) -> None:
        if request == "first":
            lock.acquire()
        try:
            await mark_ended(request, result)
        finally:
            lock.release()

    monkeypatch.setattr(simulation.journal, "mark_ended", mark_ended_while_locked)
    await restart(simulation)
    async with asyncio.timeout(5):
        while rows(path, "outcome").count((None,)) == 2 or await simulation.env.settle():
            await asyncio.sleep(0.002)
    assert rows(path, "request, outcome") == [("first", None), ("second", "not sent")]
    await simulation.journal._maintain()
    assert rows(path, "outcome") == [("not sent",), ("not sent",)]
