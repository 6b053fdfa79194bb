"""The audit channel: every finished entry is posted, also after Discord refused it or the bot restarted."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.delivery.audit_channel import AuditChannel
from bot.journal.store import Journal
from bot.sandbox.simulation import Simulation
from tests.support.audit import dispatcher_of, posts, restart, wait_for_posts
from tests.support.clocks import InstantClock, until
from tests.support.fake_discord import CHANNEL, FakeDiscord
from tests.support.journal import requester, rows
from tests.support.simulation import OpenSimulation, remove


async def test_each_finished_removal_is_posted_as_one_embed(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(audited=True)
    await remove(simulation)
    await remove(simulation, call_id=99)
    removed, gone = await wait_for_posts(simulation, 2)
    assert removed.title == "✅ Call 302 on server 1: removed"
    assert removed.description is not None
    assert removed.description.startswith(f"<@{simulation.dispatcher.id}> used /remove911 on <t:")
    assert removed.description.endswith(": confirmed (HTTP 200)")
    assert removed.footer.text == "Journal 1"
    assert gone.title == "☑️ Call 99 on server 1: already gone"
    (first, _) = [
        sent for sent in simulation.env.http_requests if sent.path == f"/channels/{simulation.audit_room.id}/messages"
    ]
    assert first.json is not None
    assert first.json["allowed_mentions"] == {"parse": []}
    assert first.json["nonce"] == "1"
    assert first.json["enforce_nonce"] is True


async def test_no_entry_awaits_a_post_without_an_audit_channel(simulation: Simulation) -> None:
    await remove(simulation)
    assert await simulation.journal.awaiting_post(10) == []


async def test_posts_refused_by_discord_are_retried_and_no_removal_fails(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.audit_channel.RETRY_PAUSE", 0.05)
    simulation = await make_simulation(audited=True)
    simulation.env.inject_error(
        "POST", f"/channels/{simulation.audit_room.id}/messages", status=403, code=50013, times=3
    )
    assert " removed (server" in await remove(simulation, call_id=301)
    assert " removed (server" in await remove(simulation, call_id=302)
    assert [post.footer.text for post in await wait_for_posts(simulation, 2)] == ["Journal 1", "Journal 2"]
    assert caplog.text.count("can't be written to") == 1
    await until(lambda: "can be written to again" in caplog.text)


async def test_refused_post_is_posted_after_a_restart(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(audited=True)
    simulation.env.inject_error(
        "POST", f"/channels/{simulation.audit_room.id}/messages", status=403, code=50013, times=1
    )
    await remove(simulation)
    assert posts(simulation) == []
    await restart(simulation)
    assert [post.footer.text for post in await wait_for_posts(simulation, 1)] == ["Journal 1"]


async def test_post_does_not_name_a_forgotten_member(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(audited=True)
    requester = dispatcher_of(simulation)
    number = await simulation.journal.record_request("r", CallRef(1, 301), requester)
    await simulation.journal._write("UPDATE entries SET user_id = NULL")
    await simulation.journal.mark_ended("r", Result(Outcome.REMOVED, Reason.CONFIRMED, status=200))
    (post,) = await wait_for_posts(simulation, 1)
    assert number == 1
    assert post.description is not None
    assert post.description.startswith("somebody who was forgotten used")


async def test_denied_attempts_are_posted_once_a_minute_per_member(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(audited=True)
    for _ in range(3):
        assert "⛔ Only **" in await remove(simulation, who=simulation.civilian)
    await remove(simulation, who=simulation.administrator)
    await remove(simulation)
    first, second, removal = await wait_for_posts(simulation, 3)
    assert first.title == second.title == "⛔ Refused: no permission"
    assert first.description is not None
    assert first.description.startswith(f"<@{simulation.civilian.id}> used /remove911")
    assert first.description.endswith("for call 302 on server 1")
    assert second.description is not None
    assert second.description.startswith(f"<@{simulation.administrator.id}>")
    assert removal.title == "✅ Call 302 on server 1: removed"
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1


async def test_pause_and_its_end_are_told_once_each_with_the_remedy(make_simulation: OpenSimulation) -> None:
    clock = InstantClock()
    simulation = await make_simulation(audited=True, clock=clock)
    right, simulation.cad.key = simulation.cad.key, "another-key"
    await remove(simulation)
    # The two come at the same moment.
    refused, paused = sorted(await wait_for_posts(simulation, 2), key=lambda post: str(post.title))
    assert refused.title == "❌ Call 302 on server 1: rejected"
    assert paused.title == "❌ Paused: the bot sends nothing to the CAD"
    assert paused.description == "The CAD rejected the API key. Fix `SONORAN_API_KEY`, then restart the bot."
    await remove(simulation)
    assert (await wait_for_posts(simulation, 3))[-1].title == "❌ Call 302 on server 1: not sent"
    simulation.cad.key = right
    for _ in range(2):
        clock.t += 61
        await simulation.administrator.slash(simulation.room, "cad911 status")
    resumed = (await wait_for_posts(simulation, 4))[-1]
    assert resumed.title == "✅ Resumed: the bot sends requests to the CAD again"
    await remove(simulation)
    titles = [post.title for post in await wait_for_posts(simulation, 5)]
    assert [title for title in titles if "aused" in str(title) or "esumed" in str(title)] == [
        paused.title,
        resumed.title,
    ]
    assert titles[-1] == "✅ Call 302 on server 1: removed"


async def test_pause_is_told_although_no_removal_met_it_and_after_discord_refused_the_post(
    make_simulation: OpenSimulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.audit_channel.RETRY_PAUSE", 0.05)
    simulation = await make_simulation(audited=True)
    simulation.env.inject_error(
        "POST", f"/channels/{simulation.audit_room.id}/messages", status=403, code=50013, times=2
    )
    simulation.cad.api_enabled = False
    await simulation.administrator.slash(simulation.room, "cad911 status")
    (paused,) = await wait_for_posts(simulation, 1)
    assert paused.title == "❌ Paused: the bot sends nothing to the CAD"
    assert paused.description == "The CAD's API is switched off. Switch it on, then run `/cad911 status`."


async def test_odd_answer_of_discords_edge_does_not_end_the_posting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A 200 with a text instead of a message makes discord.py raise an error that is none of its own."""
    monkeypatch.setattr("bot.delivery.audit_channel.RETRY_PAUSE", 0.05)
    discord_side, client = FakeDiscord(), discord.Client(intents=discord.Intents.none())
    async with discord_side.serving() as address, Journal(tmp_path / "journal.db", audited=True) as journal, client:
        monkeypatch.setattr("discord.http.Route.BASE", address)
        await client.login("a.b.c")
        channel = AuditChannel(journal, client.get_partial_messageable(int(CHANNEL)), dict)
        channel.start()
        discord_side.odd = {"/messages": "upstream connect error"}
        await journal.record_completed(CallRef(1, 302), requester(), Result(Outcome.REMOVED, Reason.CONFIRMED))
        await until(lambda: "can't be written to" in caplog.text)
        discord_side.odd = {}
        await until(lambda: rows(tmp_path / "journal.db", "unposted") == [(None,)])
        await channel.close(1)
