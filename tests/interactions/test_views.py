"""Buttons and selects: who may click, which click counts, when they expire, and that each click is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import discord
import pytest
import simcord
from discord import app_commands

from bot.app import CadBot
from bot.cad.models import Account
from bot.config.settings import Settings
from bot.interactions import Interaction, replies, views
from bot.interactions.access import RequiredRole
from bot.interactions.guard import REQUIRED_ROLE
from bot.interactions.replies import MAY_BE_ACKNOWLEDGED, defer, deliver, respond, show_progress
from bot.messages import refusals
from bot.removals.errors import AlreadyRecreated
from bot.sandbox.simulation import Roles, Simulation
from tests.support.clocks import InstantClock
from tests.support.simulation import OpenSimulation, redeliver, refuse_edits, settle_until


class Pages(views.OwnedView):
    """A paged list with every kind of item."""

    def __init__(self, origin: Interaction) -> None:
        super().__init__(origin, 600)
        self.page = 1

    @discord.ui.button(label="Next")
    async def next_page(self, interaction: Interaction, _: discord.ui.Button[Pages]) -> None:
        self.page += 1
        await interaction.response.edit_message(content=f"page {self.page}", view=self)

    @discord.ui.button(label="Bug")
    async def bug(self, _: Interaction, button: discord.ui.Button[Pages]) -> None:
        assert button.label == "Bug"
        raise ZeroDivisionError("a secret detail")

    @discord.ui.button(label="Refuse")
    async def refuse(self, _: Interaction, __: discord.ui.Button[Pages]) -> None:
        raise AlreadyRecreated

    @discord.ui.select(options=[discord.SelectOption(label="ten", value="10")])
    async def pick(self, interaction: Interaction, select: discord.ui.Select[Pages]) -> None:
        await respond(interaction, f"picked {select.values[0]}")


class Decision(views.OwnedView):
    """One decision, by buttons that stay."""

    single_use = True

    @discord.ui.button(label="Left")
    async def left(self, interaction: Interaction, _: discord.ui.Button[Decision]) -> None:
        await respond(interaction, "left")

    @discord.ui.button(label="Right")
    async def right(self, interaction: Interaction, _: discord.ui.Button[Decision]) -> None:
        await respond(interaction, "right")


@app_commands.command(description="A paged list")
async def pages(interaction: Interaction) -> None:
    await respond(interaction, "page 1", Pages(interaction))


@app_commands.command(description="The same, deferred first")
async def deferred(interaction: Interaction) -> None:
    assert await defer(interaction)
    await respond(interaction, "page 1", Pages(interaction))


@app_commands.command(description="A decision")
async def decide(interaction: Interaction) -> None:
    await respond(interaction, "left or right?", Decision(interaction, 600))


@app_commands.command(description="In public, unlike the bot's commands")
async def public(interaction: Interaction) -> None:
    await interaction.response.send_message("page 1", view=Pages(interaction))


@app_commands.command(description="For admins", extras={REQUIRED_ROLE: RequiredRole.ADMIN})
async def admins(interaction: Interaction) -> None:
    await respond(interaction, "page 1", Pages(interaction))


def confirm_command(on_confirm: Callable[[Interaction], Awaitable[None]]) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description="A question")
    async def confirm(interaction: Interaction) -> None:
        view = views.ConfirmationView(interaction, label="Do it", pending_text="doing it", on_confirm=on_confirm)
        await respond(interaction, "Shall I?", view)

    return confirm


async def done(interaction: Interaction) -> None:
    await respond(interaction, "done")


async def with_commands(
    simulation: Simulation, on_confirm: Callable[[Interaction], Awaitable[None]] = done
) -> Simulation:
    guild = discord.Object(simulation.guild.id)
    for command in (pages, deferred, decide, public, admins, confirm_command(on_confirm)):
        simulation.bot.tree.add_command(command, guild=guild)
    await simulation.bot.tree.sync(guild=guild)
    return simulation


async def opened(
    simulation: Simulation, command: str, who: simcord.MemberActor | None = None
) -> simcord.ResponseMessage:
    shown = await (who or simulation.dispatcher).slash(simulation.room, command)
    assert shown.response is not None
    return shown.response


async def click(
    simulation: Simulation, on: simcord.ResponseMessage, label: str, who: simcord.MemberActor | None = None
) -> str:
    """Click, and return the text of a new reply, or an empty text if the message itself was edited."""
    result = await (who or simulation.dispatcher).click(on, label=label)
    assert result.acknowledged
    if result.response is None or result.response.id == on.id:
        return ""
    assert result.ephemeral
    return result.response.content


def buttons(message: simcord.ResponseMessage) -> list[tuple[str, bool]]:
    items = [item for row in message.components for item in row["components"]]
    return [(item["label"], item.get("disabled", False)) for item in items if item["type"] == 2]


@pytest.mark.parametrize("command", ["pages", "deferred"])
async def test_clicks_do_not_extend_a_views_lifetime(make_simulation: OpenSimulation, command: str) -> None:
    clock = InstantClock()
    simulation = await make_simulation(clock=clock)
    shown = await opened(await with_commands(simulation), command)
    for page in (2, 3, 4, 5):
        assert await click(simulation, shown, "Next") == ""
        assert shown.content == f"page {page}"
        clock.t += 140
        await simulation.env.advance_time(140)
    assert not any(off for _, off in buttons(shown))
    await simulation.env.advance_time(41)
    assert shown.content == "page 5"
    assert all(off for _, off in buttons(shown))


async def test_select_is_answered(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    picked = await simulation.dispatcher.select(shown, ["10"])
    assert picked.response is not None
    assert picked.response.content == "picked 10"


@pytest.mark.parametrize("what", ["button", "select"])
async def test_role_lost_between_two_clicks_denies_the_second(simulation: Simulation, what: str) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    await click(simulation, shown, "Next")
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    if what == "button":
        reply = await simulation.dispatcher.click(shown, label="Next")
    else:
        reply = await simulation.dispatcher.select(shown, ["10"])
    assert reply.ephemeral
    assert reply.response is not None
    assert reply.response.content.startswith("⛔ Only **Dispatcher** can do this.")
    assert shown.content == "page 2"


async def test_role_deleted_between_two_clicks_denies_the_second(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    await simulation.bot.http.delete_role(simulation.guild.id, simulation.dispatcher_role.id)
    await simulation.env.settle()
    assert "`DISPATCHER_ROLE_IDS` names no role" in await click(simulation, shown, "Next")


async def test_click_requires_the_same_role_as_the_command(make_simulation: OpenSimulation) -> None:
    """A member who lost the admin role can't turn pages of an admin's list, although they are a dispatcher."""

    def settings(account: Account, roles: Roles) -> Settings:
        # SimCord gives ids in a row: the role after the dispatchers' is the administrators'.
        return Settings(
            discord_token="a.b.c", account=account, dispatcher_role_ids=roles, admin_role_ids=(roles[0] + 1,)
        )

    simulation = await with_commands(await make_simulation(settings=settings))
    (admin_role,) = simulation.bot.guard.policy.admin_role_ids
    await simulation.bot.http.add_role(simulation.guild.id, simulation.administrator.id, simulation.dispatcher_role.id)
    shown = await opened(simulation, "admins", simulation.administrator)
    assert await click(simulation, shown, "Next", simulation.administrator) == ""
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.administrator.id, admin_role)
    assert "⛔ Only **Administrator**" in await click(simulation, shown, "Next", simulation.administrator)
    assert shown.content == "page 2"


async def test_click_by_another_member_with_the_role_does_nothing(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "public")
    other = simulation.guild.add_member(simulation.env.create_user("second"), roles=[simulation.dispatcher_role])
    assert (await click(simulation, shown, "Next", other)).startswith("⛔ These buttons are someone else's")
    assert (await click(simulation, shown, "Next", simulation.civilian)).startswith("⛔ Only **Dispatcher**")
    assert shown.content == "page 1"


async def test_bug_in_a_callback_is_answered_with_a_reference_to_the_log(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    reply = await click(simulation, shown, "Bug")
    assert "⚠️ Something broke in the bot" in reply
    assert "secret detail" not in reply
    reference = reply.rsplit("`", 2)[1]
    assert f"interaction {reference} failed" in caplog.text
    assert len(simulation.env.errors) == 1  # the one that this test raises


async def test_expected_refusal_is_answered_with_its_text(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    assert await click(simulation, shown, "Refuse") == refusals.ALREADY_RECREATED
    assert len(simulation.env.errors) == 1  # SimCord counts everything that a callback raises


async def test_only_the_first_click_counts_in_a_single_use_view(simulation: Simulation) -> None:
    """The buttons stay, as for a member whose second click is faster than the first one's reply."""
    shown = await opened(await with_commands(simulation), "decide")
    assert await click(simulation, shown, "Left") == "left"
    assert await click(simulation, shown, "Right") == "☑️ Your first click is being handled."
    assert await click(simulation, shown, "Left") == "☑️ Your first click is being handled."
    await simulation.env.advance_time(601)
    assert not any(off for _, off in buttons(shown))  # after a decision, the callback owns the message


async def test_denied_click_does_not_count_as_the_first(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "decide")
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    assert "⛔ Only **" in await click(simulation, shown, "Left")
    await simulation.bot.http.add_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    assert await click(simulation, shown, "Right") == "right"


async def test_confirmation_removes_the_buttons_before_it_acts(simulation: Simulation) -> None:
    seen: list[str] = []

    async def on_confirm(interaction: Interaction) -> None:
        seen.append(shown.content)
        await respond(interaction, "done")

    shown = await opened(await with_commands(simulation, on_confirm), "confirm")
    assert buttons(shown) == [("Cancel", False), ("Do it", False)]
    assert await click(simulation, shown, "Do it") == ""
    assert seen == ["doing it"]
    assert shown.content == "done"
    assert buttons(shown) == []
    await simulation.env.advance_time(61)
    assert shown.content == "done"


async def test_bug_after_a_confirmation_is_told_although_discord_refuses_the_answer_at_first(
    simulation: Simulation,
) -> None:
    async def on_confirm(_: Interaction) -> None:
        raise ZeroDivisionError

    shown = await opened(await with_commands(simulation, on_confirm), "confirm")
    refuse_edits(simulation)
    await click(simulation, shown, "Do it")
    assert shown.content == "doing it"
    await redeliver(simulation)
    assert shown.content.startswith("⚠️ Something broke in the bot. **Check the CAD**")
    assert len(simulation.env.errors) == 1


async def test_bug_after_progress_was_shown_is_told_although_discord_refuses_the_answer_at_first(
    simulation: Simulation,
) -> None:
    goes_on = asyncio.Event()

    async def on_confirm(interaction: Interaction) -> None:
        await show_progress(interaction, "half of it")
        await simulation.env.external_wait(goes_on.wait(), reason="something slow")
        raise ZeroDivisionError

    shown = await opened(await with_commands(simulation, on_confirm), "confirm")
    await click(simulation, shown, "Do it")
    refuse_edits(simulation)
    goes_on.set()
    await settle_until(simulation, lambda: len(simulation.env.errors) == 1)
    assert shown.content == "half of it"
    await redeliver(simulation)
    assert shown.content.startswith("⚠️ Something broke in the bot. **Check the CAD**")


async def test_newer_answer_is_not_overwritten_by_one_that_was_kept(simulation: Simulation) -> None:
    async def on_confirm(interaction: Interaction) -> None:
        await respond(interaction, "older")
        await respond(interaction, "newer")

    shown = await opened(await with_commands(simulation, on_confirm), "confirm")
    refuse_edits(simulation)
    await click(simulation, shown, "Do it")
    await redeliver(simulation)
    assert shown.content == "newer"


@pytest.mark.parametrize("refused", [False, True], ids=["shown", "refused at first"])
async def test_bug_after_the_result_does_not_take_it_back(
    simulation: Simulation, caplog: pytest.LogCaptureFixture, *, refused: bool
) -> None:
    async def on_confirm(interaction: Interaction) -> None:
        await deliver(interaction, "the result")
        raise ZeroDivisionError

    shown = await opened(await with_commands(simulation, on_confirm), "confirm")
    if refused:
        refuse_edits(simulation)
    await click(simulation, shown, "Do it")
    assert shown.content == ("doing it" if refused else "the result")
    await redeliver(simulation)
    assert shown.content == "the result"
    assert "failed" in caplog.text
    assert len(simulation.env.errors) == 1


async def test_cancelled_confirmation_does_nothing(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "confirm")
    assert await click(simulation, shown, "Cancel") == ""
    assert shown.content == "☑️ Cancelled. Nothing was changed."
    assert buttons(shown) == []


async def test_confirmation_expires_after_a_minute(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "confirm")
    await simulation.env.advance_time(59)
    assert shown.content == "Shall I?"
    await simulation.env.advance_time(2)
    assert shown.content.startswith("⌛ Not confirmed in time, so nothing was changed.")
    assert buttons(shown) == []


async def test_unacknowledged_confirmation_does_nothing_and_can_be_repeated(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    shown = await opened(await with_commands(simulation), "confirm")
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    lost = await simulation.dispatcher.click(shown, label="Do it")
    assert not lost.acknowledged
    assert "could not be acknowledged (HTTP 404, code 10062)" in caplog.text
    assert shown.content == "Shall I?"
    assert await click(simulation, shown, "Do it") == ""
    assert shown.content == "done"


NOT_DONE = "❌ Not done: Discord didn't accept the bot's answer in time. Run this again."


@pytest.mark.parametrize(
    ("label", "text"), [("Do it", NOT_DONE), ("Cancel", "☑️ Cancelled. Nothing was changed.")], ids=["confirm", "cancel"]
)
async def test_answer_whose_acknowledgement_discord_takes_too_late_ends_the_question(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, label: str, text: str
) -> None:
    """The bot had given it up. Discord's late text would be a false word about a second answer, so there is none."""
    shown = await opened(await with_commands(simulation), "confirm")
    late: list[asyncio.Task[object]] = []

    async def give_up(interaction: Interaction, pending_text: str) -> bool:
        async def take() -> None:
            await asyncio.sleep(0.1)
            await interaction.response.edit_message(content=pending_text, view=None)

        late.append(asyncio.create_task(take()))
        interaction.extras[MAY_BE_ACKNOWLEDGED] = True
        return False

    monkeypatch.setattr(views, "defer", give_up)
    await simulation.dispatcher.click(shown, label=label)
    await late[0]
    await simulation.env.advance_time(61)
    assert shown.content == text
    assert buttons(shown) == []


@pytest.mark.parametrize("times", [1, None], ids=["then a refusal", "till the end"])
async def test_confirmation_whose_acknowledgement_gets_no_clear_answer_is_given_up(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, times: int | None
) -> None:
    """A refusal of the second try says nothing about the first one."""
    monkeypatch.setattr(replies, "ACKNOWLEDGE_SECONDS", 0.5)
    shown = await opened(await with_commands(simulation), "confirm")
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=503, times=times)
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=403, times=None)
    await simulation.dispatcher.click(shown, label="Do it")
    assert shown.content == NOT_DONE
    assert buttons(shown) == []


@pytest.mark.parametrize("label", ["Do it", "Cancel"])
async def test_confirmation_that_expires_while_its_click_is_acknowledged_says_that_nothing_was_sent(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    """Discord may show the pending text by then, without the buttons."""
    shown = await opened(await with_commands(simulation), "confirm")

    async def lost(interaction: Interaction, _: str) -> bool:
        await interaction.response.edit_message(content="doing it", view=None)
        monkeypatch.setattr(views.ConfirmationView, "is_finished", lambda _: True)
        return False

    monkeypatch.setattr(views, "defer", lost)
    await simulation.dispatcher.click(shown, label=label)
    assert shown.content.startswith("⌛ Not confirmed in time, so nothing was changed.")


@pytest.mark.parametrize("command", ["pages", "confirm"])
async def test_expiry_that_discord_does_not_accept_is_only_logged(
    simulation: Simulation, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    await opened(await with_commands(simulation), command)
    simulation.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=401, code=50027)
    await simulation.env.advance_time(601)
    assert "(HTTP 401, code 50027)" in caplog.text


@pytest.mark.parametrize("command", ["pages", "confirm"])
async def test_click_on_buttons_from_before_a_restart_is_answered_as_expired(
    simulation: Simulation, command: str
) -> None:
    shown = await opened(await with_commands(simulation), command)
    await simulation.env.restart_bot(
        CadBot(simulation.bot.settings, simulation.client, simulation.journal, simulation.call_cache)
    )
    label = "Next" if command == "pages" else "Do it"
    assert await click(simulation, shown, label) == ("⌛ These buttons have expired. Run the command again.")


async def test_click_on_an_expired_view_still_on_show_is_answered(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    simulation.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=503, times=None)
    await simulation.env.advance_time(601)
    assert not any(off for _, off in buttons(shown))
    assert (await click(simulation, shown, "Next")).startswith("⌛ These buttons have expired")


async def test_click_while_the_bot_closes_is_answered(simulation: Simulation) -> None:
    shown = await opened(await with_commands(simulation), "pages")
    simulation.bot.guard.closing = True
    assert (await click(simulation, shown, "Next")).startswith("❌ Not done: the bot is shutting down.")
    assert shown.content == "page 1"


async def test_closing_waits_for_a_click_in_progress(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(parked=True)
    goes_on = asyncio.Event()

    async def on_confirm(interaction: Interaction) -> None:
        await simulation.env.external_wait(goes_on.wait(), reason="something slow")
        await respond(interaction, "done")

    shown = await opened(await with_commands(simulation, on_confirm), "confirm")
    await click(simulation, shown, "Do it")
    assert shown.content == "doing it"
    closing = asyncio.create_task(simulation.bot.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    goes_on.set()
    await closing
    assert shown.content == "done"


async def test_view_for_an_unchecked_interaction_raises(simulation: Simulation) -> None:
    """The guard stores the required role in the interaction. Without it, no view can be built."""
    await with_commands(simulation)
    received: list[Interaction] = []
    simulation.bot.add_listener(append_to(received), "on_interaction")
    await opened(simulation, "pages")
    (interaction,) = received
    interaction.extras.clear()
    with pytest.raises(KeyError):
        Pages(interaction)


def append_to(received: list[Interaction]) -> Callable[[Interaction], Coroutine[Any, Any, None]]:
    async def listener(interaction: Interaction) -> None:
        received.append(interaction)

    return listener


async def test_view_after_a_long_wait_ends_before_the_commands_token(make_simulation: OpenSimulation) -> None:
    """The view is shown after a long wait: the command is 12 minutes old, so its buttons have 2 minutes left."""
    clock = InstantClock()
    simulation = await make_simulation(clock=clock)
    goes_on = asyncio.Event()

    @app_commands.command(description="A list after a long wait")
    async def slow(interaction: Interaction) -> None:
        assert await defer(interaction)
        await simulation.env.external_wait(goes_on.wait(), reason="a long queue")
        await respond(interaction, "page 1", Pages(interaction))

    guild = discord.Object(simulation.guild.id)
    simulation.bot.tree.add_command(slow, guild=guild)
    await simulation.bot.tree.sync(guild=guild)
    shown = await opened(simulation, "slow")
    clock.t += 12 * 60
    await simulation.env.advance_time(12 * 60)
    goes_on.set()
    async with asyncio.timeout(5):
        while await simulation.env.settle() or not buttons(shown):
            await asyncio.sleep(0.002)
    await simulation.env.advance_time(115)
    assert not any(off for _, off in buttons(shown))
    await simulation.env.advance_time(10)
    assert all(off for _, off in buttons(shown))
