"""What admins see of the journal, and the file they can take with them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import simcord

from bot.cad.model import Answer, CallRef, End, Why
from bot.entries import CREATE, Asker, Entry, Filter
from bot.export import harmless, write_csv
from bot.sandbox.town import Town
from bot.words_journal import audit, history
from tests.test_remove911 import ask

ENTRY = Entry(
    number=1, request="r", action="remove", asked_at=0.0, sent_at=None, ended_at=1.0, outcome="removed",
    why="CONFIRMED", status=200, reference=None, guild_id=10**18, channel_id=10**18, user_id=1456074443980800025,
    way="/remove911", server_id=1, call_id=302, token="never shown", unposted=None,
)  # fmt: skip


async def look(town: Town, **filters: object) -> simcord.InteractionResult:
    shown = await town.administrator.slash(town.room, "cad911 history", **filters)
    assert shown.ephemeral
    return shown


def lines(shown: simcord.InteractionResult) -> list[str]:
    assert shown.response is not None
    (embed,) = shown.response.embeds
    return (embed.description or "").splitlines()


async def note_many(town: Town, many: int) -> None:
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="/remove911")
    for number in range(1, many + 1):
        await town.journal.noted(CallRef(1, number), asker, Answer(End.REMOVED, Why.CONFIRMED, status=200))


async def test_an_admin_sees_who_removed_what_and_who_was_refused(town: Town) -> None:
    await ask(town)
    await ask(town, call_id=99)
    await ask(town, who=town.civilian)
    refused, gone, removed = lines(await look(town))
    assert removed.startswith("`1` <t:")
    assert removed.endswith(f"<@{town.dispatcher.id}> /remove911 **302** on server **1**: ✅ removed")
    assert gone.endswith("**99** on server **1**: ☑️ already gone, no such call (HTTP 404)")
    assert refused.endswith(f"<@{town.civilian.id}> /remove911 **302** on server **1**: ⛔ refused")
    (attempt,) = await town.journal.page(Filter(outcome="refused"), None, 9)
    assert attempt.token is None  # nobody waits for an answer to it


async def test_it_is_for_admins(town: Town) -> None:
    shown = await town.dispatcher.slash(town.room, "cad911 history")
    assert shown.response is not None
    assert "Manage Server" in shown.response.content
    assert shown.response.embeds == []


async def test_the_filters(town: Town) -> None:
    await ask(town)
    await ask(town, call_id=99)
    await ask(town, who=town.civilian)
    dana = f"what <@{town.dispatcher.id}> asked for"
    for only, entries, filters in (
        ("Only call **302**:", 2, {"call_id": 302}),
        (f"Only {dana}:", 2, {"person": town.dispatcher}),
        ("Only what ended as **refused**:", 1, {"outcome": "refused"}),
        (
            f"Only call **302**, {dana}, what ended as **removed**:",
            1,
            {"call_id": 302, "person": town.dispatcher, "outcome": "removed"},
        ),
    ):
        first, *rest = lines(await look(town, **filters))
        assert (first, len(rest)) == (only, entries)
    assert lines(await look(town, call_id=7)) == ["Only call **7**:", "No entry matches. Try fewer filters."]


async def test_an_empty_journal(town: Town) -> None:
    shown = await look(town)
    assert lines(shown) == ["Nobody has asked for anything yet."]
    assert shown.response is not None
    assert disabled(shown) == [True, True, True]


def disabled(shown: simcord.InteractionResult) -> list[bool]:
    assert shown.response is not None
    (row,) = shown.response.components
    return [button.get("disabled", False) for button in row["components"]]


async def test_pages_of_25_forth_and_back(town: Town) -> None:
    await note_many(town, 60)
    shown = await look(town)
    assert shown.response is not None
    assert len(lines(shown)) == 25
    assert lines(shown)[0].startswith("`60`")
    assert disabled(shown) == [True, False, False]
    for first, last, off in ((35, 11, [False, False, False]), (10, 1, [False, True, False])):
        shown = await town.administrator.click(shown.response, label="Older")
        assert shown.response is not None
        assert (lines(shown)[0][:4], lines(shown)[-1][:4].rstrip()) == (f"`{first}`", f"`{last}`")
        assert disabled(shown) == off
    shown = await town.administrator.click(shown.response, label="Newer")
    assert lines(shown)[0].startswith("`35`")


async def test_who_is_no_admin_any_more_can_not_turn_the_page(town: Town) -> None:
    await note_many(town, 60)
    shown = await look(town)
    assert shown.response is not None
    guild = town.bot.get_guild(town.guild.id)
    assert guild is not None
    (admin,) = [role for role in guild.roles if role.name == "Administrator"]
    await town.bot.http.remove_role(guild.id, town.administrator.id, admin.id)
    turned = await town.administrator.click(shown.response, label="Older")
    assert turned.response is not None
    assert "Manage Server" in turned.response.content


async def test_all_that_matches_as_a_file(town: Town) -> None:
    await note_many(town, 60)
    shown = await look(town)
    assert shown.response is not None
    sent = await town.administrator.click(shown.response, label="All as CSV")
    (message,) = sent.followups
    assert message.content == "All 60 entries that match are in the file. Times are UTC."
    (file,) = message.attachments
    text = (await file.read()).decode("utf-8-sig")
    head, *rest = csv.reader(io.StringIO(text))
    assert head[:4] == ["number", "asked (UTC)", "sent (UTC)", "ended (UTC)"]
    assert len(rest) == 60
    assert rest[0][0] == "60"
    assert rest[0][4:11] == [
        "remove",
        "1",
        "60",
        "removed",
        "confirmed (HTTP 200)",
        f"'{town.dispatcher.id}",
        "/remove911",
    ]


async def entries(*given: Entry) -> AsyncIterator[Entry]:
    for entry in given:
        yield entry


async def test_a_file_stays_below_discords_limit_and_says_so() -> None:
    file = io.BytesIO()
    many, whole = await write_csv(file, entries(*[ENTRY] * 1000), 20_000)
    content = file.read()
    assert 19_000 < len(content) <= 20_000
    assert (len(content.decode("utf-8-sig").splitlines()), whole) == (many + 1, False)
    assert b"never shown" not in content


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
async def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == "'" + cell
    file = io.BytesIO()
    await write_csv(file, entries(replace(ENTRY, way=cell)), 20_000)
    (_, row) = csv.reader(io.StringIO(file.read().decode("utf-8-sig"), newline=""))
    assert row[10] == "'" + cell


async def test_ids_are_text() -> None:
    file = io.BytesIO()
    await write_csv(file, entries(ENTRY), 20_000)
    assert b",'1456074443980800025," in file.read()


def test_the_longest_page_fits_into_an_embed() -> None:
    longest = replace(
        ENTRY, number=10**9, way="Remove 911 call", call_id=2**31 - 1, server_id=2**31 - 1, user_id=2**63 - 1,
        asked_at=4e9, outcome="unknown", why="CONNECTION_LOST",
    )  # fmt: skip
    assert len(history([longest] * 25, Filter())) <= 4096


async def test_a_journal_that_can_not_be_read(town: Town) -> None:
    db, town.journal._db = town.journal._db, None
    shown = await look(town)
    town.journal._db = db
    assert shown.response is not None
    assert shown.response.content.startswith("The journal can't be read at the moment.")
    assert len(town.env.errors) == 1


async def test_a_call_that_was_created_again_is_told_apart(town: Town) -> None:
    asker = Asker(user_id=town.dispatcher.id, guild_id=town.guild.id, channel_id=town.room.id, way="Re-create call")
    for request, answer in (
        ("worked", Answer(End.REMOVED, Why.CONFIRMED, status=200, created=305)),
        ("lost", Answer(End.UNKNOWN, Why.NO_ANSWER)),
    ):
        await town.journal.asked(request, CallRef(1, 302), asker, CREATE)
        await town.journal.ended(request, answer)
    await town.journal.asked("open", CallRef(1, 303), asker)
    opened, lost, worked = lines(await look(town))
    assert worked.endswith("Re-create call **302** on server **1**: ✅ created again as 305")
    assert lost.endswith("**302** on server **1**: ⚠️ creating it again, unknown, no answer")
    assert opened.endswith("**303** on server **1**: ⏳ not ended yet")


async def test_a_page_of_the_longest_entries_fits(town: Town) -> None:
    asker = Asker(user_id=2**63 - 1, guild_id=1, channel_id=1, way="Re-create call")
    for number in range(25):
        await town.journal.asked(str(number), CallRef(2**31 - 1, 2**31 - 1), asker, "create")
        await town.journal.ended(str(number), Answer(End.GONE, Why.CONNECTION_LOST, status=503))
    assert len(lines(await look(town))) == 25


async def test_two_clicks_at_once_turn_one_page(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await note_many(town, 80)
    shown = await look(town)
    goes_on, page = asyncio.Event(), town.journal.page

    async def slow(*given: object) -> list[Entry]:
        await town.env.external_wait(goes_on.wait(), reason="a slow disk")
        return await page(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(town.journal, "page", slow)
    assert shown.response is not None
    for _ in range(2):
        await town.administrator.click(shown.response, label="Older")
    goes_on.set()
    async with asyncio.timeout(5):
        while await town.env.settle():
            await asyncio.sleep(0.002)
    (embed,) = shown.response.embeds
    assert (embed.footer.text, lines(shown)[0][:4]) == ("Page 2", "`55`")


async def test_who_was_refused_and_named_no_server_is_not_said_to_have_named_one(town: Town) -> None:
    await town.civilian.slash(town.room, "cad911 history", call_id=302)
    (refused,) = lines(await look(town))
    assert refused.endswith(f"<@{town.civilian.id}> /cad911 history **302**: ⛔ refused")
    (entry,) = await town.journal.page(Filter(), None, 1)
    assert audit(entry)[1].endswith("for call 302")
    file = io.BytesIO()
    await write_csv(file, entries(entry), 20_000)
    (_, row) = csv.reader(io.StringIO(file.read().decode("utf-8-sig")))
    assert row[5:7] == ["", "302"]


async def test_a_file_that_discord_does_not_take_is_said(town: Town) -> None:
    await note_many(town, 3)
    shown = await look(town)
    town.env.inject_error("POST", "/webhooks/*/*", status=413, code=40005)
    assert shown.response is not None
    sent = await town.administrator.click(shown.response, label="All as CSV")
    (message,) = sent.followups
    assert message.content.startswith("Discord did not take the file.")
    assert message.attachments == []
