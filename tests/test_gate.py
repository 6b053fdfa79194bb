"""Who may, and where: by the table, and as people meet it in Discord."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
import simcord
from discord import app_commands
from discord.ext import commands

from bot.access import Gate, Need
from bot.app import CadBot
from bot.cad.model import Account
from bot.sandbox.town import Roles, Town
from bot.settings import Settings
from tests.conftest import OpenTown
from tests.test_remove911 import ask

HOME, FOREIGN = 10, 20
ROLES = {HOME: "@everyone", 11: "Dispatcher", 12: "Supervisor", 13: "Admin"}


@pytest.mark.parametrize(
    ("gate", "guild", "guild_roles", "held", "says"),
    [
        pytest.param(Gate(frozenset(), (11,)), HOME, ROLES, [HOME, 11], None, id="has the role"),
        pytest.param(Gate(frozenset({HOME}), (11, 12)), HOME, ROLES, [HOME, 12], None, id="has one of two"),
        pytest.param(Gate(frozenset(), (11,)), HOME, ROLES, [HOME, 13], "the role `Dispatcher`", id="lacks it"),
        pytest.param(
            Gate(frozenset(), (11, 12)), HOME, ROLES, [], "one of the roles `Dispatcher`, `Supervisor`", id="lacks both"
        ),
        pytest.param(Gate(frozenset(), (11,)), None, None, [11], "Discord server only", id="direct message"),
        pytest.param(Gate(frozenset({HOME}), (11,)), FOREIGN, ROLES, [11], "another community", id="not in GUILD_IDS"),
        pytest.param(Gate(frozenset({HOME}), (11,)), FOREIGN, None, [11], "another community", id="foreign, uncached"),
        pytest.param(Gate(frozenset(), (99,)), FOREIGN, ROLES, [99], "none of the roles", id="a role from elsewhere"),
        pytest.param(Gate(frozenset({HOME}), (99,)), HOME, ROLES, [99], "none of the roles", id="a deleted role"),
        pytest.param(Gate(frozenset({HOME}), (HOME,)), HOME, ROLES, [HOME], "none of the roles", id="@everyone"),
        pytest.param(Gate(frozenset({HOME}), (HOME, 11)), HOME, ROLES, [HOME], "`Dispatcher`", id="@everyone beside"),
        pytest.param(Gate(frozenset(), (11,)), HOME, None, [11], "cannot see this server yet", id="uncached"),
        pytest.param(Gate(frozenset({HOME}), ()), HOME, ROLES, [11], "none of the roles", id="nothing configured"),
    ],
)
def test_the_table(
    gate: Gate, guild: int | None, guild_roles: dict[int, str] | None, held: list[int], says: str | None
) -> None:
    refusal = gate.refusal(guild, guild_roles, held)
    if says is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert says in refusal
        assert "Nothing was sent to the CAD." in refusal


ADMIN_BY_ROLE, ADMIN_BY_PERMISSION = Gate(frozenset(), (11,), (13,)), Gate(frozenset(), (11,))


@pytest.mark.parametrize(
    ("gate", "guild_roles", "held", "manages", "says"),
    [
        pytest.param(ADMIN_BY_ROLE, ROLES, [13], False, None, id="has the role"),
        pytest.param(ADMIN_BY_ROLE, ROLES, [11], True, "the role `Admin` for this", id="the permission is not enough"),
        pytest.param(Gate(frozenset(), (11,), (99,)), ROLES, [99], True, "`ADMIN_ROLE_IDS` exists", id="deleted role"),
        pytest.param(ADMIN_BY_PERMISSION, ROLES, [], True, None, id="manages the server"),
        pytest.param(ADMIN_BY_PERMISSION, ROLES, [11], False, "permission **Manage Server**", id="a dispatcher only"),
        pytest.param(Gate(frozenset(), (99,)), ROLES, [], True, "`DISPATCHER_ROLE_IDS` exists", id="no home"),
        pytest.param(Gate(frozenset({FOREIGN}), (11,)), ROLES, [], True, "another community", id="not in GUILD_IDS"),
        pytest.param(Gate(frozenset({HOME}), (99,)), ROLES, [], True, None, id="home by GUILD_IDS"),
        pytest.param(ADMIN_BY_PERMISSION, None, [], True, "cannot see this server yet", id="uncached"),
        pytest.param(Gate(frozenset({HOME}), (11,), (HOME,)), ROLES, [HOME], True, "none of the roles", id="@everyone"),
    ],
)
def test_the_table_of_the_admins(
    gate: Gate, guild_roles: dict[int, str] | None, held: list[int], manages: bool, says: str | None
) -> None:
    refusal = gate.refusal(HOME, guild_roles, held, Need.ADMIN, manages_server=manages)
    if says is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert says in refusal
        assert "Nothing was sent to the CAD." in refusal


def test_a_server_is_home_by_either_kind_of_role() -> None:
    assert ADMIN_BY_ROLE.is_home(HOME, {HOME: "@everyone", 13: "Admin"})
    assert not ADMIN_BY_PERMISSION.is_home(HOME, {HOME: "@everyone", 13: "Admin"})
    # In a server of the admins alone, a dispatcher's command says which setting is about it.
    refusal = ADMIN_BY_ROLE.refusal(HOME, {HOME: "@everyone", 13: "Admin"}, [13])
    assert refusal is not None
    assert "`DISPATCHER_ROLE_IDS` exists" in refusal


class Office(app_commands.Group):
    """What admins may do; the need stands at the group."""

    @app_commands.command(description="Look")
    async def look(self, interaction: discord.Interaction, word: str = "") -> None:
        await interaction.response.send_message(f"looked {word}", ephemeral=True)

    @look.autocomplete("word")
    async def words(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"secret {typed}", value="1")]


async def with_office(town: Town) -> None:
    guild = discord.Object(town.guild.id)
    office = Office(name="office", description="For admins", extras={"need": Need.ADMIN})
    office.add_command(Office(name="back", description="A room in it"))
    town.bot.tree.add_command(office, guild=guild)
    await town.bot.tree.sync(guild=guild)


async def looked(town: Town, who: simcord.MemberActor, command: str = "office look") -> str:
    shown = await who.slash(town.room, command)
    assert shown.ephemeral
    assert shown.response is not None
    return shown.response.content


async def test_admins_are_who_may_manage_the_server_where_no_role_is_set(town: Town) -> None:
    await with_office(town)
    manager = town.guild.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    mia = town.guild.add_member(town.env.create_user("mia"), roles=[manager])
    for command in ("office look", "office back look"):
        for admin in (town.administrator, mia):
            assert await looked(town, admin, command) == "looked "
        for nobody in (town.dispatcher, town.civilian):
            assert (await looked(town, nobody, command)).startswith("You need the permission **Manage Server**")
    assert await town.dispatcher.autocomplete(town.room, "office look", "word", "x") == []
    assert len(await mia.autocomplete(town.room, "office look", "word", "x")) == 1


async def test_where_a_role_is_set_for_admins_only_that_one_passes(
    make_town: OpenTown, caplog: pytest.LogCaptureFixture
) -> None:
    def settings(account: Account, roles: Roles) -> Settings:
        # SimCord gives ids in a row: the role after the dispatchers' is the administrators'.
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=roles, admin_role_ids=(ids(roles)))

    def ids(roles: Roles) -> tuple[int, int]:
        return roles[0] + 1, 99

    town = await make_town(settings=settings)
    await with_office(town)
    assert "admin role: 99 does not exist (deleted?), so nobody passes by it" in caplog.text
    manager = town.guild.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    mia = town.guild.add_member(town.env.create_user("mia"), roles=[manager])
    assert await looked(town, town.administrator) == "looked "
    assert (await looked(town, mia)).startswith("You need the role `Administrator` for this.")
    assert "You need the role `Dispatcher`" in await ask(town, who=town.administrator)
    await town.bot.http.delete_role(town.guild.id, town.bot.gate.admin_role_ids[0])
    await town.env.settle()
    assert "none of the roles in `ADMIN_ROLE_IDS` exists" in await looked(town, mia)
    assert "the admin role Administrator" in caplog.text
    assert "Put the new role's id into ADMIN_ROLE_IDS" in caplog.text


async def test_a_need_that_nobody_knows_lets_nobody_in(town: Town) -> None:
    @app_commands.command(description="A slip", extras={"need": "admin"})
    async def slip(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("came in", ephemeral=True)

    guild = discord.Object(town.guild.id)
    town.bot.tree.add_command(slip, guild=guild)
    await town.bot.tree.sync(guild=guild)
    assert (await looked(town, town.dispatcher, "slip")).startswith("Something broke in the bot")
    assert len(town.env.errors) == 1


class Suggests(commands.Cog):
    """A command with suggestions, which must reach nobody whom the gate turns away."""

    @app_commands.command()
    async def suggests(self, interaction: discord.Interaction, word: str) -> None:
        await interaction.response.send_message(word, ephemeral=True)

    @suggests.autocomplete("word")
    async def suggestions(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"secret caller {typed}", value="1")]


async def with_suggestions(town: Town) -> None:
    guild = discord.Object(town.guild.id)
    await town.bot.add_cog(Suggests(), guild=guild)
    await town.bot.tree.sync(guild=guild)


async def suggested(town: Town, who: simcord.MemberActor) -> list[dict[str, object]]:
    return await who.autocomplete(town.room, "suggests", "word", "x")


async def test_strangers_are_refused_and_get_no_suggestions(town: Town) -> None:
    await with_suggestions(town)
    for stranger in (town.civilian, town.administrator):
        answer = await ask(town, who=stranger)
        assert answer.startswith("You need the role `Dispatcher` for this. That goes for administrators too.")
        assert await suggested(town, stranger) == []
    assert len(await suggested(town, town.dispatcher)) == 1
    assert town.cad.asked_for("REMOVE_911") == []


async def test_a_refused_autocomplete_is_answered_and_not_left_spinning(town: Town) -> None:
    await with_suggestions(town)
    before = len(town.env.http_requests)
    await suggested(town, town.civilian)
    (sent,) = [r for r in town.env.http_requests[before:] if r.path.endswith("/callback")]
    assert sent.json == {"type": 8, "data": {"choices": []}}


async def test_a_role_that_was_taken_away_a_moment_ago(town: Town) -> None:
    assert "was removed" in await ask(town)
    await town.bot.http.remove_role(town.guild.id, town.dispatcher.id, town.dispatcher_role.id)
    assert "You need the role" in await ask(town, call_id=301)
    assert len(town.cad.asked_for("REMOVE_911")) == 1


async def test_a_deleted_role_lets_nobody_pass_and_is_logged(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    await town.bot.http.delete_role(town.guild.id, town.dispatcher_role.id)
    await town.env.settle()
    assert "none of the roles in `DISPATCHER_ROLE_IDS` exists" in await ask(town)
    assert "the dispatcher role Dispatcher" in caplog.text
    assert "was deleted in Los Santos Roleplay" in caplog.text
    assert town.cad.asked_for("REMOVE_911") == []


async def test_everyone_is_no_role_whatever_the_settings_say(
    make_town: OpenTown, caplog: pytest.LogCaptureFixture
) -> None:
    town: Town | None = None

    def everyone(account: Account, roles: Roles) -> Settings:
        # SimCord gives a guild its id before its roles: @everyone has that of the guild.
        return Settings(discord_token="a.b.c", account=account, dispatcher_role_ids=(*roles, roles[0] - 4))

    town = await make_town(settings=everyone)
    assert town.guild.id in town.bot.gate.dispatcher_role_ids
    assert f"{town.guild.id} is @everyone in Los Santos Roleplay" in caplog.text
    assert "You need the role `Dispatcher` for this." in await ask(town, who=town.civilian)
    assert town.cad.asked_for("REMOVE_911") == []


async def test_a_role_of_another_home_is_not_called_deleted(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    other = town.env.create_guild("Staff")
    chief = other.create_role("Chief")
    await town.env.settle()
    both = replace(town.bot.settings, dispatcher_role_ids=(*town.bot.settings.dispatcher_role_ids, chief.id))
    caplog.clear()
    await town.env.restart_bot(CadBot(both, town.client, town.journal, town.board))
    assert "is not a home guild" not in caplog.text
    assert "deleted" not in caplog.text


async def test_a_role_that_a_foreign_guild_alone_has_is_said_at_start(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    chief = town.env.create_guild("Strangers").create_role("Chief")
    await town.env.settle()
    ours = town.bot.settings
    ids = (*ours.dispatcher_role_ids, chief.id)
    settings = replace(ours, dispatcher_role_ids=ids, guild_ids=frozenset({town.guild.id}))
    caplog.clear()
    await town.env.restart_bot(CadBot(settings, town.client, town.journal, town.board))
    assert f"dispatcher role: {chief.id} does not exist (deleted?), so nobody passes by it" in caplog.text


async def test_a_foreign_guild_gets_no_command_and_one_log_line(
    make_town: OpenTown, caplog: pytest.LogCaptureFixture
) -> None:
    town = await make_town()
    foreign = town.env.create_guild("Somewhere else")
    room = foreign.create_text_channel("general")
    stranger = foreign.add_member(town.env.create_user("sam"))
    await town.env.settle()
    assert [command.name for command in town.bot.tree.get_commands(guild=discord.Object(foreign.id))] == []
    assert caplog.text.count("is not a home guild") == 1
    # An earlier bot with this token may have left its commands there.
    payload = [{"name": "remove911", "description": "left behind", "type": 1}]
    assert town.bot.application_id is not None
    await town.bot.http.bulk_upsert_guild_commands(town.bot.application_id, foreign.id, payload)  # type: ignore[arg-type]
    for _ in range(2):
        shown = await stranger.slash(room, "remove911")
        assert shown.response is not None
        assert "none of the roles in `DISPATCHER_ROLE_IDS` exists in this server" in shown.response.content
    assert caplog.text.count(f"refused in guild {foreign.id}") == 1
    assert town.cad.asked_for("REMOVE_911") == []


def test_many_roles_with_long_names_still_fit_into_an_answer() -> None:
    roles = {number: f"{number} " + "x" * 97 for number in range(1, 26)}
    refusal = Gate(frozenset(), tuple(roles)).refusal(99, roles, [])
    assert refusal is not None
    assert len(refusal) < 2000
    assert "and 20 more" in refusal


async def test_a_guild_that_discord_lists_as_unavailable(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """As at start, before Discord has told of it: no false word to people, and registered when it comes."""
    fresh = CadBot(town.bot.settings, town.client, town.journal, town.board)
    town.env.inject_error("PUT", "/applications/*/guilds/*/commands", status=500, times=5)
    await town.env.restart_bot(fresh)
    caplog.clear()
    town.env.backend.emit("GUILD_DELETE", {"id": str(town.guild.id), "unavailable": True})
    await town.env.settle()
    guild = fresh.get_guild(town.guild.id)
    assert guild is not None
    assert guild.unavailable
    assert (await ask(town)).startswith("I cannot see this server yet")
    await fresh.on_ready()
    assert "is not a home guild" not in caplog.text
    assert "deleted" not in caplog.text


async def test_a_guild_that_is_not_cached_yet_is_no_lack_of_a_role(town: Town) -> None:
    # Discord's own event for a guild that the bot can't see at the moment, while its people still can.
    town.env.backend.emit("GUILD_DELETE", {"id": str(town.guild.id)})
    await town.env.settle()
    assert town.bot.get_guild(town.guild.id) is None
    answer = await ask(town)
    assert answer.startswith("I cannot see this server yet")
    assert town.cad.asked_for("REMOVE_911") == []


async def test_an_autocomplete_that_discord_does_not_take_is_only_logged(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    await with_suggestions(town)
    town.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    await suggested(town, town.civilian)
    assert "could not be answered (HTTP 404, code 10062)" in caplog.text
