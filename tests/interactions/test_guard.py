"""The access guard, as dispatchers, admins and other members meet it in Discord."""

from __future__ import annotations

import discord
import pytest
import simcord
from discord import app_commands

from bot.app import CadBot
from bot.cad.models import Account
from bot.config.settings import Settings
from bot.interactions.access import RequiredRole
from bot.interactions.guard import REQUIRED_ROLE
from bot.sandbox.simulation import Roles, Simulation
from tests.support.simulation import OpenSimulation, remove

pytestmark = pytest.mark.both_api_versions


class AdminGroup(app_commands.Group):
    """A command group for admins: the group's `extras` hold the required role."""

    @app_commands.command(description="Look")
    async def look(self, interaction: discord.Interaction, word: str = "") -> None:
        await interaction.response.send_message(f"looked {word}", ephemeral=True)

    @look.autocomplete("word")
    async def words(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"secret {typed}", value="1")]


async def with_admin_group(simulation: Simulation) -> None:
    guild = discord.Object(simulation.guild.id)
    group = AdminGroup(name="admin", description="For admins", extras={REQUIRED_ROLE: RequiredRole.ADMIN})
    group.add_command(AdminGroup(name="nested", description="A group in it"))
    simulation.bot.tree.add_command(group, guild=guild)
    await simulation.bot.tree.sync(guild=guild)


async def reply_to_look(simulation: Simulation, who: simcord.MemberActor, command: str = "admin look") -> str:
    shown = await who.slash(simulation.room, command)
    assert shown.ephemeral
    assert shown.response is not None
    return shown.response.content


async def test_without_admin_roles_members_with_manage_server_are_admins(simulation: Simulation) -> None:
    await with_admin_group(simulation)
    manager = simulation.guild.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    mia = simulation.guild.add_member(simulation.env.create_user("mia"), roles=[manager])
    for command in ("admin look", "admin nested look"):
        for admin in (simulation.administrator, mia):
            assert await reply_to_look(simulation, admin, command) == "looked "
        for member in (simulation.dispatcher, simulation.civilian):
            assert (await reply_to_look(simulation, member, command)).startswith(
                "⛔ Only members with the **Manage Server** permission"
            )
    assert await simulation.dispatcher.autocomplete(simulation.room, "admin look", "word", "x") == []
    assert len(await mia.autocomplete(simulation.room, "admin look", "word", "x")) == 1


async def test_with_admin_roles_only_their_members_are_admins(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        # SimCord gives ids in a row: the role after the dispatchers' is the administrators'.
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=roles, admin_role_ids=(ids(roles)))

    def ids(roles: Roles) -> tuple[int, int]:
        return roles[0] + 1, 99

    simulation = await make_simulation(settings=settings)
    await with_admin_group(simulation)
    assert "admin role: 99 does not exist (deleted?), so it gives nobody access" in caplog.text
    manager = simulation.guild.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    mia = simulation.guild.add_member(simulation.env.create_user("mia"), roles=[manager])
    assert await reply_to_look(simulation, simulation.administrator) == "looked "
    assert (await reply_to_look(simulation, mia)).startswith("⛔ Only **Administrator** can do this.")
    assert "⛔ Only **Dispatcher**" in await remove(simulation, who=simulation.administrator)
    await simulation.bot.http.delete_role(simulation.guild.id, simulation.bot.guard.policy.admin_role_ids[0])
    await simulation.env.settle()
    assert "`ADMIN_ROLE_IDS` names no role" in await reply_to_look(simulation, mia)
    assert "the admin role Administrator" in caplog.text
    assert "Put the new role's id into ADMIN_ROLE_IDS" in caplog.text


async def test_unknown_required_role_denies_everybody(simulation: Simulation) -> None:
    @app_commands.command(description="A mistake", extras={REQUIRED_ROLE: "admin"})
    async def mistake(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("admitted", ephemeral=True)

    guild = discord.Object(simulation.guild.id)
    simulation.bot.tree.add_command(mistake, guild=guild)
    await simulation.bot.tree.sync(guild=guild)
    assert (await reply_to_look(simulation, simulation.dispatcher, "mistake")).startswith(
        "⚠️ Something broke in the bot"
    )
    assert len(simulation.env.errors) == 1


async def test_member_who_just_lost_the_role_is_refused(simulation: Simulation) -> None:
    assert " removed (server" in await remove(simulation)
    await simulation.bot.http.remove_role(simulation.guild.id, simulation.dispatcher.id, simulation.dispatcher_role.id)
    assert "⛔ Only **" in await remove(simulation, call_id=301)
    assert len(simulation.cad.requests_of("REMOVE_911")) == 1


async def test_deleted_role_denies_everybody_and_is_logged(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    await simulation.bot.http.delete_role(simulation.guild.id, simulation.dispatcher_role.id)
    await simulation.env.settle()
    assert "`DISPATCHER_ROLE_IDS` names no role" in await remove(simulation)
    assert "the dispatcher role Dispatcher" in caplog.text
    assert "was deleted in Los Santos Roleplay" in caplog.text
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_everyone_role_in_the_settings_gives_no_access(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation: Simulation | None = None

    def everyone(account: Account, roles: Roles) -> Settings:
        # SimCord gives a guild its id before its roles: @everyone has that of the guild.
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=(*roles, roles[0] - 4))

    simulation = await make_simulation(settings=everyone)
    assert simulation.guild.id in simulation.bot.guard.policy.dispatcher_role_ids
    assert f"{simulation.guild.id} is @everyone in Los Santos Roleplay" in caplog.text
    assert "⛔ Only **Dispatcher** can do this." in await remove(simulation, who=simulation.civilian)
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_foreign_guild_gets_no_command_and_one_log_line(
    make_simulation: OpenSimulation, caplog: pytest.LogCaptureFixture
) -> None:
    simulation = await make_simulation()
    foreign = simulation.env.create_guild("Somewhere else")
    room = foreign.create_text_channel("general")
    outsider = foreign.add_member(simulation.env.create_user("sam"))
    await simulation.env.settle()
    assert [command.name for command in simulation.bot.tree.get_commands(guild=discord.Object(foreign.id))] == []
    assert caplog.text.count("is not a home guild") == 1
    # Another bot with this token may have left commands there.
    payload = [{"name": "remove911", "description": "left behind", "type": 1}]
    assert simulation.bot.application_id is not None
    await simulation.bot.http.bulk_upsert_guild_commands(simulation.bot.application_id, foreign.id, payload)  # type: ignore[arg-type]
    for _ in range(2):
        shown = await outsider.slash(room, "remove911")
        assert shown.response is not None
        assert "`DISPATCHER_ROLE_IDS` names no role" in shown.response.content
    assert caplog.text.count(f"denied a command in guild {foreign.id}") == 1
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_unavailable_guild_is_refused_as_not_seen_yet(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    """As at start, before Discord has sent the guild: no misleading refusal or log line."""
    fresh = CadBot(simulation.bot.settings, simulation.client, simulation.journal, simulation.call_cache)
    simulation.env.inject_error("PUT", "/applications/*/guilds/*/commands", status=500, times=5)
    await simulation.env.restart_bot(fresh)
    caplog.clear()
    simulation.env.backend.emit("GUILD_DELETE", {"id": str(simulation.guild.id), "unavailable": True})
    await simulation.env.settle()
    guild = fresh.get_guild(simulation.guild.id)
    assert guild is not None
    assert guild.unavailable
    assert (await remove(simulation)).startswith("⛔ The bot can't see this server yet")
    await fresh.on_ready()
    assert "is not a home guild" not in caplog.text
    assert "deleted" not in caplog.text


async def test_uncached_guild_is_refused_as_not_seen_yet(simulation: Simulation) -> None:
    # Discord sends this for a guild that the bot can't see at the moment, although its members can.
    simulation.env.backend.emit("GUILD_DELETE", {"id": str(simulation.guild.id)})
    await simulation.env.settle()
    assert simulation.bot.get_guild(simulation.guild.id) is None
    result = await remove(simulation)
    assert result.startswith("⛔ The bot can't see this server yet")
    assert simulation.cad.requests_of("REMOVE_911") == []
