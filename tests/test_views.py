"""Buttons and selects: who may click, which click counts, when it is over, and that each click is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import discord
import pytest
import simcord
from discord import app_commands

from bot import views
from bot.access import Need
from bot.app import CadBot
from bot.cad.model import Account
from bot.errors import Refused
from bot.replies import acknowledge, say
from bot.sandbox.town import Roles, Town
from bot.settings import Settings
from tests.conftest import OpenTown

Interaction = discord.Interaction[CadBot]


class Pages(views.View):
    """A paged list with everything that a view can hold."""

    def __init__(self, asked: Interaction) -> None:
        super().__init__(asked, 600)
        self.page = 1

    @discord.ui.button(label="Next")
    async def turn(self, interaction: Interaction, _: discord.ui.Button[Pages]) -> None:
        self.page += 1
        await interaction.response.edit_message(content=f"page {self.page}", view=self)

    @discord.ui.button(label="Bug")
    async def bug(self, _: Interaction, button: discord.ui.Button[Pages]) -> None:
        assert button.label == "Bug"
        raise ZeroDivisionError("a secret detail")

    @discord.ui.button(label="Refuse")
    async def refuse(self, _: Interaction, button: discord.ui.Button[Pages]) -> None:
        raise Refused(f"{button.label} is no page.")

    @discord.ui.select(options=[discord.SelectOption(label="ten", value="10")])
    async def pick(self, interaction: Interaction, select: discord.ui.Select[Pages]) -> None:
        await say(interaction, f"picked {select.values[0]}")


class Decision(views.View):
    """One decision, by buttons that stay on show."""

    once = True

    @discord.ui.button(label="Left")
    async def left(self, interaction: Interaction, _: discord.ui.Button[Decision]) -> None:
        await say(interaction, "left")

    @discord.ui.button(label="Right")
    async def right(self, interaction: Interaction, _: discord.ui.Button[Decision]) -> None:
        await say(interaction, "right")


@app_commands.command(description="A paged list")
async def pages(interaction: Interaction) -> None:
    await say(interaction, "page 1", Pages(interaction))


@app_commands.command(description="The same, acknowledged first")
async def deferred(interaction: Interaction) -> None:
    assert await acknowledge(interaction)
    await say(interaction, "page 1", Pages(interaction))


@app_commands.command(description="A decision")
async def decide(interaction: Interaction) -> None:
    await say(interaction, "left or right?", Decision(interaction, 600))


@app_commands.command(description="In public, which no command of ours is")
async def public(interaction: Interaction) -> None:
    await interaction.response.send_message("page 1", view=Pages(interaction))


@app_commands.command(description="For admins", extras={"need": Need.ADMIN})
async def admins(interaction: Interaction) -> None:
    await say(interaction, "page 1", Pages(interaction))


def asking(then: Callable[[Interaction], Awaitable[None]]) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description="A question")
    async def confirm(interaction: Interaction) -> None:
        view = views.Confirm(interaction, label="Do it", meanwhile="doing it", then=then)
        await say(interaction, "Shall I?", view)

    return confirm


async def done(interaction: Interaction) -> None:
    await say(interaction, "done")


async def with_commands(town: Town, then: Callable[[Interaction], Awaitable[None]] = done) -> Town:
    guild = discord.Object(town.guild.id)
    for command in (pages, deferred, decide, public, admins, asking(then)):
        town.bot.tree.add_command(command, guild=guild)
    await town.bot.tree.sync(guild=guild)
    return town


async def opened(town: Town, command: str, who: simcord.MemberActor | None = None) -> simcord.ResponseMessage:
    shown = await (who or town.dispatcher).slash(town.room, command)
    assert shown.response is not None
    return shown.response


async def click(town: Town, on: simcord.ResponseMessage, label: str, who: simcord.MemberActor | None = None) -> str:
    """Click, and return what was newly said to that person, or an empty text where the message itself was edited."""
    result = await (who or town.dispatcher).click(on, label=label)
    assert result.acknowledged
    if result.response is None or result.response.id == on.id:
        return ""
    assert result.ephemeral
    return result.response.content


def buttons(message: simcord.ResponseMessage) -> list[tuple[str, bool]]:
    items = [item for row in message.components for item in row["components"]]
    return [(item["label"], item.get("disabled", False)) for item in items if item["type"] == 2]


@pytest.mark.parametrize("command", ["pages", "deferred"])
async def test_a_paged_list_turns_and_its_end_is_not_put_off(town: Town, command: str) -> None:
    shown = await opened(await with_commands(town), command)
    for page in (2, 3, 4, 5):
        assert await click(town, shown, "Next") == ""
        assert shown.content == f"page {page}"
        await town.env.advance_time(140)
    assert not any(off for _, off in buttons(shown))
    await town.env.advance_time(41)
    assert shown.content == "page 5"
    assert all(off for _, off in buttons(shown))


async def test_a_select(town: Town) -> None:
    shown = await opened(await with_commands(town), "pages")
    picked = await town.dispatcher.select(shown, ["10"])
    assert picked.response is not None
    assert picked.response.content == "picked 10"


@pytest.mark.parametrize("what", ["button", "select"])
async def test_a_role_that_was_taken_away_between_two_clicks(town: Town, what: str) -> None:
    shown = await opened(await with_commands(town), "pages")
    await click(town, shown, "Next")
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    if what == "button":
        said = await town.dispatcher.click(shown, label="Next")
    else:
        said = await town.dispatcher.select(shown, ["10"])
    assert said.ephemeral
    assert said.response is not None
    assert said.response.content.startswith("You need the role `Dispatcher` for this.")
    assert shown.content == "page 2"


async def test_a_role_that_was_deleted_between_two_clicks(town: Town) -> None:
    shown = await opened(await with_commands(town), "pages")
    await town.bot.http.delete_role(town.guild.id, town.dispatcher_role.id)
    await town.env.settle()
    assert "none of the roles in `DISPATCHER_ROLE_IDS` exists" in await click(town, shown, "Next")


async def test_a_view_needs_what_its_command_needed(make_town: OpenTown) -> None:
    """Somebody who lost the admins' role and still is a dispatcher turns no more pages of the admins' list."""

    def settings(account: Account, roles: Roles) -> Settings:
        # SimCord gives ids in a row: the role after the dispatchers' is the administrators'.
        return Settings(
            discord_token="a.b.c", account=account, dispatcher_role_ids=roles, admin_role_ids=(roles[0] + 1,)
        )

    town = await with_commands(await make_town(settings=settings))
    (admin_role,) = town.bot.gate.admin_role_ids
    await town.bot.http.add_role(town.guild.id, town.administrator.id, town.dispatcher_role.id)
    shown = await opened(town, "admins", town.administrator)
    assert await click(town, shown, "Next", town.administrator) == ""
    await town.bot.http.remove_role(town.guild.id, town.administrator.id, admin_role)
    assert "You need the role `Administrator`" in await click(town, shown, "Next", town.administrator)
    assert shown.content == "page 2"


async def test_another_persons_click_does_nothing_even_where_they_have_the_role(town: Town) -> None:
    shown = await opened(await with_commands(town), "public")
    other = town.guild.add_member(town.env.create_user("second"), roles=[town.dispatcher_role])
    assert (await click(town, shown, "Next", other)).startswith("These buttons belong to somebody else")
    assert (await click(town, shown, "Next", town.civilian)).startswith("You need the role `Dispatcher`")
    assert shown.content == "page 1"


async def test_a_bug_is_answered_by_a_reference_that_the_log_has_too(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    shown = await opened(await with_commands(town), "pages")
    said = await click(town, shown, "Bug")
    assert "Something broke in the bot" in said
    assert "secret detail" not in said
    reference = said.rsplit("`", 2)[1]
    assert f"interaction {reference} failed" in caplog.text
    assert len(town.env.errors) == 1  # as was provoked


async def test_a_refusal_is_answered_in_its_own_words(town: Town) -> None:
    shown = await opened(await with_commands(town), "pages")
    assert await click(town, shown, "Refuse") == "Refuse is no page."
    assert len(town.env.errors) == 1  # SimCord counts whatever a callback raises


async def test_only_the_first_click_counts_where_one_decides(town: Town) -> None:
    """The buttons stay on show, as for somebody whose second click was faster than the first one's answer."""
    shown = await opened(await with_commands(town), "decide")
    assert await click(town, shown, "Left") == "left"
    assert await click(town, shown, "Right") == "This click did nothing: your first one counts."
    assert await click(town, shown, "Left") == "This click did nothing: your first one counts."
    await town.env.advance_time(601)
    assert not any(off for _, off in buttons(shown))  # what is on show is the callback's business


async def test_a_click_that_was_refused_does_not_count_as_the_first(town: Town) -> None:
    shown = await opened(await with_commands(town), "decide")
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    assert "You need the role" in await click(town, shown, "Left")
    await town.bot.http.add_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    assert await click(town, shown, "Right") == "right"


async def test_confirming_does_it_and_the_buttons_go_at_once(town: Town) -> None:
    seen: list[str] = []

    async def then(interaction: Interaction) -> None:
        seen.append(shown.content)
        await say(interaction, "done")

    shown = await opened(await with_commands(town, then), "confirm")
    assert buttons(shown) == [("Do it", False), ("Cancel", False)]
    assert await click(town, shown, "Do it") == ""
    assert seen == ["doing it"]
    assert shown.content == "done"
    assert buttons(shown) == []
    await town.env.advance_time(61)
    assert shown.content == "done"


async def test_cancelling_does_nothing(town: Town) -> None:
    shown = await opened(await with_commands(town), "confirm")
    assert await click(town, shown, "Cancel") == ""
    assert shown.content == "Cancelled. Nothing was sent to the CAD."
    assert buttons(shown) == []


async def test_a_question_that_nobody_answers_closes_after_a_minute(town: Town) -> None:
    shown = await opened(await with_commands(town), "confirm")
    await town.env.advance_time(59)
    assert shown.content == "Shall I?"
    await town.env.advance_time(2)
    assert shown.content.startswith("⌛ Not confirmed in time, so nothing was sent to the CAD.")
    assert buttons(shown) == []


async def test_without_an_acknowledgement_nothing_is_done_and_the_question_stands_again(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    shown = await opened(await with_commands(town), "confirm")
    town.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    lost = await town.dispatcher.click(shown, label="Do it")
    assert not lost.acknowledged
    assert "could not be acknowledged (HTTP 404, code 10062)" in caplog.text
    assert shown.content == "Shall I?"
    assert await click(town, shown, "Do it") == ""
    assert shown.content == "done"


@pytest.mark.parametrize("command", ["pages", "confirm"])
async def test_an_end_that_discord_does_not_take_is_only_logged(
    town: Town, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    await opened(await with_commands(town), command)
    town.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=401, code=50027)
    await town.env.advance_time(601)
    assert "(HTTP 401, code 50027)" in caplog.text


@pytest.mark.parametrize("command", ["pages", "confirm"])
async def test_buttons_of_before_a_restart_say_so(town: Town, command: str) -> None:
    shown = await opened(await with_commands(town), command)
    await town.env.restart_bot(CadBot(town.bot.settings, town.client, town.journal, town.board))
    label = "Next" if command == "pages" else "Do it"
    assert await click(town, shown, label) == (
        "These buttons have expired, so this click did nothing. Run the command again."
    )


async def test_a_click_that_meets_the_end_of_its_buttons_is_answered(town: Town) -> None:
    shown = await opened(await with_commands(town), "pages")
    town.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=503, times=None)
    await town.env.advance_time(601)
    assert not any(off for _, off in buttons(shown))
    assert (await click(town, shown, "Next")).startswith("These buttons have expired")


async def test_a_click_while_the_bot_closes_is_answered(town: Town) -> None:
    shown = await opened(await with_commands(town), "pages")
    town.bot.closing = True
    assert (await click(town, shown, "Next")).startswith("The bot is shutting down.")
    assert shown.content == "page 1"


async def test_closing_waits_for_what_a_click_has_begun(make_town: OpenTown) -> None:
    town = await make_town(parked=True)
    goes_on = asyncio.Event()

    async def then(interaction: Interaction) -> None:
        await town.env.external_wait(goes_on.wait(), reason="something slow")
        await say(interaction, "done")

    shown = await opened(await with_commands(town, then), "confirm")
    await click(town, shown, "Do it")
    assert shown.content == "doing it"
    closing = asyncio.create_task(town.bot.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    goes_on.set()
    await closing
    assert shown.content == "done"


async def test_a_view_can_only_be_made_for_whom_the_gate_let_in(town: Town) -> None:
    """An interaction that has not been to the door has no need on record, and there is no view without one."""
    await with_commands(town)
    strangers: list[Interaction] = []
    town.bot.add_listener(keep_in(strangers), "on_interaction")
    await opened(town, "pages")
    (interaction,) = strangers
    interaction.extras.clear()
    with pytest.raises(KeyError):
        Pages(interaction)


def keep_in(met: list[Interaction]) -> Callable[[Interaction], Coroutine[Any, Any, None]]:
    async def listener(interaction: Interaction) -> None:
        met.append(interaction)

    return listener


async def test_the_end_comes_within_the_life_of_the_commands_token(town: Town) -> None:
    """A view that is shown at the end of a long wait: the command is 12 minutes old, its buttons have 2 left."""
    goes_on = asyncio.Event()

    @app_commands.command(description="A list after a long wait")
    async def slow(interaction: Interaction) -> None:
        assert await acknowledge(interaction)
        await town.env.external_wait(goes_on.wait(), reason="a long line")
        await say(interaction, "page 1", Pages(interaction))

    guild = discord.Object(town.guild.id)
    town.bot.tree.add_command(slow, guild=guild)
    await town.bot.tree.sync(guild=guild)
    shown = await opened(town, "slow")
    await town.env.advance_time(12 * 60)
    goes_on.set()
    async with asyncio.timeout(5):
        while await town.env.settle() or not buttons(shown):
            await asyncio.sleep(0.002)
    await town.env.advance_time(115)
    assert not any(off for _, off in buttons(shown))
    await town.env.advance_time(10)
    assert all(off for _, off in buttons(shown))
