"""Replies that Discord did not accept: their tokens, and redelivery after a restart."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

import pytest

from bot.cad.models import CallRef, Plan
from bot.cad.results import Outcome, Reason, Result
from bot.journal.store import Journal
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import Simulation
from tests.support.audit import dispatcher_of, restart
from tests.support.clocks import until
from tests.support.journal import change, requester, rows
from tests.support.simulation import OpenSimulation, remove


async def test_token_is_deleted_once_the_reply_was_delivered(simulation: Simulation) -> None:
    await remove(simulation)
    assert rows(simulation.bot.settings.database_path, "token, outcome") == [(None, "removed")]


async def test_recovery_resends_replies_of_an_earlier_run_but_none_that_a_command_still_answers(
    make_simulation: OpenSimulation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    async with Journal(path) as journal:
        confirmed = Result(Outcome.REMOVED, Reason.CONFIRMED)
        await journal.record_completed(CallRef(1, 301), requester(token="earlier-run"), confirmed)
    simulation = await make_simulation(journal=path)
    assert any("earlier-run" in sent.path for sent in simulation.env.http_requests if sent.method == "PATCH")
    bot = simulation.bot
    with bot.removals.replies.answering("this-run"):
        await simulation.journal.record_completed(CallRef(1, 302), requester(token="this-run"), confirmed)
        await bot._pending_replies.recover()
        assert "✅ Call **302**" not in caplog.text
    await bot._pending_replies.recover()
    # Outside of SimCord's own tasks nothing reaches it. That it was tried is enough here.
    assert "a pending reply did not reach Discord (AttributeError): ✅ Call **302**" in caplog.text


async def test_reply_tells_all_its_removals_whenever_they_ended_and_although_the_clock_was_set_back(
    make_simulation: OpenSimulation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    simulation = await make_simulation(journal=path)
    for number in (301, 302, 303):
        confirmed = Result(Outcome.REMOVED, Reason.CONFIRMED)
        await simulation.journal.record_completed(CallRef(1, number), requester(token="of-three"), confirmed)
        change(path, f"UPDATE entries SET ended_at = ended_at + {(number - 302) * 3600} WHERE call_id = {number}")
    texts: list[str] = []

    async def edit(_: object, token: str, text: str) -> bool:
        texts.append(f"{token}: {text}")
        return True

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.delivery.pending_replies.edit_by_token", edit)
        await simulation.bot._pending_replies.recover()
    (text,) = texts
    assert text.startswith("of-three: ")
    assert [line.split("**")[1] for line in text.split("\n")] == ["301", "302", "303"]
    assert rows(path, "token") == [(None,)] * 3
    assert "a bug" not in caplog.text


async def test_journal_that_can_not_be_read_at_start_is_recovered_later(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation()
    path = simulation.bot.settings.database_path
    await simulation.journal.record_request("earlier", CallRef(1, 301), dispatcher_of(simulation))
    db, simulation.journal._file._db = simulation.journal._file._db, None
    await restart(simulation)
    simulation.journal._file._db = db
    assert rows(path, "outcome") == [(None,)]
    await simulation.bot._pending_replies.recover()
    assert rows(path, "outcome") == [("not sent",)]


async def test_what_was_never_sent_is_finished_before_the_cad_is_asked_about_the_rest(
    make_simulation: OpenSimulation,
) -> None:
    """The CAD does not answer the list."""
    cad = FakeCad(plan=Plan.PLUS)
    simulation = await make_simulation(cad=cad)
    path = simulation.bot.settings.database_path
    for request in ("sent", "queued"):
        await simulation.journal.record_request(request, CallRef(1, 301), dispatcher_of(simulation))
    await simulation.journal.mark_sent("sent")
    cad.delays_by_kind["GET_CALLS"] = inf
    recovery = asyncio.create_task(simulation.bot._pending_replies.recover())
    await until(lambda: ("queued", "not sent") in rows(path, "request, outcome"))
    assert rows(path, "request, outcome") == [("sent", None), ("queued", "not sent")]
    recovery.cancel()


async def test_delivered_reply_is_not_overwritten_although_the_journal_could_not_record_it(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    path, journal = simulation.bot.settings.database_path, simulation.journal
    await journal.record_completed(CallRef(1, 301), requester(token="told"), Result(Outcome.REMOVED, Reason.CONFIRMED))
    db, journal._file._db = journal._file._db, None
    await simulation.bot.removals.replies.mark_answered("told")
    journal._file._db = db
    await simulation.bot._pending_replies.recover()
    assert "a pending reply did not reach Discord" not in caplog.text
    assert rows(path, "token") == [(None,)]


async def test_kept_text_that_its_command_replaced_meanwhile_is_not_sent(simulation: Simulation) -> None:
    replies, sent = simulation.bot.removals.replies, list[str]()
    replies.keep("first", "one")
    replies.keep("second", "outdated")

    async def edit(_: object, token: str, __: str) -> bool:
        sent.append(token)
        await replies.mark_answered("second")  # its command ends while Discord is slow
        return True

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.delivery.pending_replies.edit_by_token", edit)
        await simulation.bot._pending_replies.recover()
    assert sent == ["first"]


async def test_kept_answer_that_is_no_result_neither_hides_nor_follows_the_result(
    simulation: Simulation,
) -> None:
    """A bug after a request was recorded: its task says so, and the request ends all the same."""
    journal, replies, sent = simulation.journal, simulation.bot.removals.replies, list[str]()
    await journal.record_request("open", CallRef(1, 301), requester(token="click"))
    simulation.bot.removals._live.add("open")

    async def edit(_: object, __: str, text: str) -> bool:
        sent.append(text)
        return len(sent) > 1

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.delivery.pending_replies.edit_by_token", edit)
        replies.keep("click", "Something broke")
        for _ in range(2):
            await simulation.bot._pending_replies.recover()
        await journal.mark_ended("open", Result(Outcome.REMOVED, Reason.CONFIRMED))
        for _ in range(2):
            await simulation.bot._pending_replies.recover()
    assert sent == ["Something broke", "Something broke", "✅ Call **301** removed (server **1**)."]


async def test_look_up_that_a_stop_ends_leaves_its_entry_to_the_next_start(make_simulation: OpenSimulation) -> None:
    cad = FakeCad(plan=Plan.PLUS, delays_by_kind={"GET_CALLS": inf})
    simulation = await make_simulation(cad=cad)
    path = simulation.bot.settings.database_path
    await simulation.journal.record_request("sent", CallRef(1, 301), dispatcher_of(simulation))
    await simulation.journal.mark_sent("sent")
    recovery = asyncio.create_task(simulation.bot._pending_replies.recover())
    await until(lambda: len(cad.requests_of("GET_CALLS")) == 1)
    await simulation.client.drain(0)
    await recovery
    assert rows(path, "outcome") == [(None,)]


async def test_entry_waits_while_discord_does_not_say_what_its_reply_shows(make_simulation: OpenSimulation) -> None:
    """What the member has read there must not be taken back. After 15 minutes the reply can't be edited any more."""
    simulation = await make_simulation()
    path = simulation.bot.settings.database_path
    await simulation.journal.record_request("earlier", CallRef(1, 301), requester(token="not readable"))
    await restart(simulation)
    assert rows(path, "outcome") == [(None,)]
    simulation.bot._pending_replies._started -= 901
    await simulation.bot._pending_replies.recover()
    assert rows(path, "outcome") == [("not sent",)]


async def test_list_that_one_pass_waits_for_is_not_asked_for_again_by_the_next(make_simulation: OpenSimulation) -> None:
    """The CAD takes longer than the minute between two passes."""
    cad = FakeCad(plan=Plan.PLUS, delays_by_kind={"GET_CALLS": inf})
    simulation = await make_simulation(cad=cad)
    await simulation.journal.record_request("sent", CallRef(1, 301), dispatcher_of(simulation))
    await simulation.journal.mark_sent("sent")
    first = asyncio.create_task(simulation.bot._pending_replies.recover())
    await until(lambda: len(cad.requests_of("GET_CALLS")) == 1)
    await simulation.bot._pending_replies.recover()
    assert len(cad.requests_of("GET_CALLS")) == 1
    await simulation.client.drain(0)
    await first
