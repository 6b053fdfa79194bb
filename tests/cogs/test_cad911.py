"""/cad911: the journal for admins, page by page and as a file."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest
import simcord

from bot.cad.models import CallRef
from bot.cad.results import Outcome, Reason, Result
from bot.interactions.member_names import MemberNames
from bot.journal.entries import CREATE, Entry, EntryFilter, Requester
from bot.journal.export import write_csv
from bot.messages import refusals
from bot.messages.history import audit_entry
from bot.sandbox.simulation import Simulation
from tests.support.journal import change, stream
from tests.support.simulation import redeliver, refuse_edits, remove


async def history(simulation: Simulation, **filters: object) -> simcord.InteractionResult:
    shown = await simulation.administrator.slash(simulation.room, "cad911 history", **filters)
    assert shown.ephemeral
    return shown


def lines(shown: simcord.InteractionResult) -> list[str]:
    assert shown.response is not None
    (embed,) = shown.response.embeds
    return (embed.description or "").splitlines()


async def record_many(simulation: Simulation, many: int) -> None:
    requester = Requester(
        user_id=simulation.dispatcher.id, guild_id=simulation.guild.id, channel_id=simulation.room.id, way="/remove911"
    )
    for number in range(1, many + 1):
        await simulation.journal.record_completed(
            CallRef(1, number), requester, Result(Outcome.REMOVED, Reason.CONFIRMED, status=200)
        )


async def test_history_shows_removals_and_denied_attempts(simulation: Simulation) -> None:
    await remove(simulation)
    await remove(simulation, call_id=99)
    await remove(simulation, who=simulation.civilian)
    refused, gone, removed = lines(await history(simulation))
    assert removed.startswith("✅ <t:")
    assert removed.endswith(f"<@{simulation.dispatcher.id}> (Dana, dispatcher) removed **302** (server **1**)")
    assert gone.endswith(
        "(Dana, dispatcher) tried to remove **99** (server **1**): already gone, no such call (HTTP 404)"
    )
    assert refused.startswith("⛔ ")
    assert refused.endswith(
        f"<@{simulation.civilian.id}> (Joe, civilian) was refused /remove911 for **302** (server **1**): no permission"
    )
    (attempt,) = await simulation.journal.page(EntryFilter(outcome="refused"), None, 9)
    assert attempt.token is None  # no reply is pending for it


async def test_history_is_refused_to_dispatchers(simulation: Simulation) -> None:
    shown = await simulation.dispatcher.slash(simulation.room, "cad911 history")
    assert shown.response is not None
    assert "Manage Server" in shown.response.content
    assert shown.response.embeds == []


async def test_filters_are_named_and_combined(simulation: Simulation) -> None:
    await remove(simulation)
    await remove(simulation, call_id=99)
    await remove(simulation, who=simulation.civilian)
    dana = f"what <@{simulation.dispatcher.id}> asked for"
    for only, entries, filters in (
        ("Only call **302**:", 2, {"call_id": 302}),
        (f"Only {dana}:", 2, {"person": simulation.dispatcher}),
        ("Only what ended as **refused**:", 1, {"outcome": "refused"}),
        (
            f"Only call **302**, {dana}, what ended as **removed**:",
            1,
            {"call_id": 302, "person": simulation.dispatcher, "outcome": "removed"},
        ),
    ):
        first, *rest = lines(await history(simulation, **filters))
        assert (first, len(rest)) == (only, entries)
    assert lines(await history(simulation, call_id=7)) == ["Only call **7**:", "No entry matches. Try fewer filters."]


async def test_empty_journal_shows_disabled_buttons(simulation: Simulation) -> None:
    shown = await history(simulation)
    assert lines(shown) == ["Nobody has asked for anything yet."]
    assert shown.response is not None
    assert disabled(shown) == [True, True, True]


def disabled(shown: simcord.InteractionResult) -> list[bool]:
    assert shown.response is not None
    (row,) = shown.response.components
    return [button.get("disabled", False) for button in row["components"]]


async def test_pages_of_25_entries_turn_both_ways(simulation: Simulation) -> None:
    await record_many(simulation, 60)
    shown = await history(simulation)
    assert shown.response is not None
    assert len(lines(shown)) == 25
    assert "removed **60** (" in lines(shown)[0]
    assert disabled(shown) == [True, False, False]
    for first, last, off in ((35, 11, [False, False, False]), (10, 1, [False, True, False])):
        shown = await simulation.administrator.click(shown.response, label="Older")
        assert shown.response is not None
        assert f"removed **{first}** (" in lines(shown)[0]
        assert f"removed **{last}** (" in lines(shown)[-1]
        assert disabled(shown) == off
    shown = await simulation.administrator.click(shown.response, label="Newer")
    assert "removed **35** (" in lines(shown)[0]


async def test_page_that_discord_refuses_leaves_the_old_one_and_its_buttons(simulation: Simulation) -> None:
    await record_many(simulation, 80)
    shown = await history(simulation)
    assert shown.response is not None
    for label, before, after in (("Older", 80, 55), ("Older", 55, 30), ("Newer", 30, 55)):
        refuse_edits(simulation)
        await simulation.administrator.click(shown.response, label=label)
        await redeliver(simulation)
        assert f"removed **{before}** (" in lines(shown)[0]
        await simulation.administrator.click(shown.response, label=label)
        assert f"removed **{after}** (" in lines(shown)[0]
    (embed,) = shown.response.embeds
    assert embed.footer.text == "Page 2"


async def test_former_admin_can_not_turn_the_page(simulation: Simulation) -> None:
    await record_many(simulation, 60)
    shown = await history(simulation)
    assert shown.response is not None
    guild = simulation.bot.get_guild(simulation.guild.id)
    assert guild is not None
    (admin,) = [role for role in guild.roles if role.name == "Administrator"]
    await simulation.bot.http.remove_role(guild.id, simulation.administrator.id, admin.id)
    turned = await simulation.administrator.click(shown.response, label="Older")
    assert turned.response is not None
    assert "Manage Server" in turned.response.content


async def test_all_matching_entries_are_sent_as_csv(simulation: Simulation) -> None:
    await record_many(simulation, 60)
    shown = await history(simulation)
    assert shown.response is not None
    sent = await simulation.administrator.click(shown.response, label="All as CSV")
    message = sent.response
    assert message is not None
    assert message.content == "All 60 entries that match are in the file. Times are UTC."
    (file,) = message.attachments
    assert file.filename == "remove911-history.csv"
    text = (await file.read()).decode("utf-8-sig")
    head, *rest = csv.reader(io.StringIO(text))
    assert len(rest) == 60
    row = dict(zip(head, rest[0], strict=True))
    assert [row[name] for name in ("person", "call", "server", "outcome", "person id", "number")] == [
        "Dana, dispatcher",
        "60",
        "1",
        "removed",
        f"'{simulation.dispatcher.id}",
        "60",
    ]


async def test_history_of_the_last_days_leaves_older_entries_out(simulation: Simulation) -> None:
    await record_many(simulation, 2)
    change(simulation.bot.settings.database_path, "UPDATE entries SET asked_at = asked_at - 172800 WHERE number = 1")
    first, *rest = lines(await history(simulation, days=1))
    assert first.startswith("Only since <t:")
    assert len(rest) == 1
    assert "removed **2** (" in rest[0]


async def test_member_who_left_has_an_id_and_no_name(simulation: Simulation) -> None:
    gone = Requester(user_id=10**17 + 1, guild_id=simulation.guild.id, channel_id=None, way="/remove911")
    await simulation.journal.record_completed(CallRef(1, 7), gone, Result(Outcome.REMOVED, Reason.CONFIRMED))
    (line,) = lines(await history(simulation))
    assert line.endswith(f"<@{10**17 + 1}> removed **7** (server **1**)")


async def test_unreadable_journal_is_reported(simulation: Simulation) -> None:
    db, simulation.journal._file._db = simulation.journal._file._db, None
    shown = await history(simulation)
    simulation.journal._file._db = db
    assert shown.response is not None
    assert shown.response.content.startswith("❌ The bot can't read its journal.")
    assert len(simulation.env.errors) == 1


async def test_recreations_are_distinct_from_removals(simulation: Simulation) -> None:
    requester = Requester(
        user_id=simulation.dispatcher.id,
        guild_id=simulation.guild.id,
        channel_id=simulation.room.id,
        way="Re-create call",
    )
    for request, result in (
        ("worked", Result(Outcome.CREATED, Reason.CONFIRMED, status=200, new_call_id=305)),
        ("lost", Result(Outcome.UNKNOWN, Reason.NO_ANSWER)),
    ):
        await simulation.journal.record_request(request, CallRef(1, 302), requester, CREATE)
        await simulation.journal.mark_ended(request, result)
    await simulation.journal.record_request("open", CallRef(1, 303), requester)
    opened, lost, worked = lines(await history(simulation))
    assert worked.endswith("re-created **302** (server **1**) as **305**")
    assert lost.startswith("⚠️ ")
    assert lost.endswith("tried to re-create **302** (server **1**): unknown, no answer")
    assert opened.startswith("⏳ ")
    assert opened.endswith("tried to remove **303** (server **1**): not ended yet")


async def test_page_of_the_longest_entries_is_shown_in_full(simulation: Simulation) -> None:
    requester = Requester(user_id=2**63 - 1, guild_id=1, channel_id=1, way="Re-create call")
    for number in range(25):
        await simulation.journal.record_request(str(number), CallRef(2**31 - 1, 2**31 - 1), requester, "create")
        await simulation.journal.mark_ended(str(number), Result(Outcome.GONE, Reason.CONNECTION_LOST, status=503))
    assert len(lines(await history(simulation))) == 25


async def test_two_simultaneous_clicks_turn_one_page(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    await record_many(simulation, 80)
    shown = await history(simulation)
    goes_on, page = asyncio.Event(), simulation.journal.page

    async def slow(*given: object) -> list[Entry]:
        await simulation.env.external_wait(goes_on.wait(), reason="a slow disk")
        return await page(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(simulation.journal, "page", slow)
    assert shown.response is not None
    for _ in range(2):
        await simulation.administrator.click(shown.response, label="Older")
    goes_on.set()
    async with asyncio.timeout(5):
        while await simulation.env.settle():
            await asyncio.sleep(0.002)
    (embed,) = shown.response.embeds
    assert (embed.footer.text, "removed **55** (" in lines(shown)[0]) == ("Page 2", True)


async def test_denied_attempt_without_a_server_shows_no_server(simulation: Simulation) -> None:
    await simulation.civilian.slash(simulation.room, "cad911 history", call_id=302)
    (refused,) = lines(await history(simulation))
    assert refused.endswith(
        f"<@{simulation.civilian.id}> (Joe, civilian) was refused /cad911 history for **302**: no permission"
    )
    (entry,) = await simulation.journal.page(EntryFilter(), None, 1)
    assert audit_entry(entry)[1].endswith("for call 302")
    file = io.BytesIO()
    await write_csv(file, stream(entry), 20_000, MemberNames(None).of)
    (_, row) = csv.reader(io.StringIO(file.read().decode("utf-8-sig")))
    assert row[3:9] == ["302", "", "refused", "no permission", "", "/cad911 history"]
    assert row[3:5] == ["302", ""]


@pytest.mark.parametrize("times", [1, 2], ids=["at once", "later"])
async def test_file_that_discord_does_not_accept_is_reported(simulation: Simulation, times: int) -> None:
    await record_many(simulation, 3)
    shown = await history(simulation)
    assert shown.response is not None
    refuse_edits(simulation, times)
    sent = await simulation.administrator.click(shown.response, label="All as CSV")
    assert sent.ephemeral
    if times == 2:
        assert sent.response is None or sent.response.content == ""
        await redeliver(simulation)
    message = sent.response
    assert message is not None
    assert message.content == refusals.NO_FILE
    assert message.attachments == []
    assert len(lines(shown)) == 3
    assert disabled(shown) == [True, True, False]
