"""The command tree: access checks for commands and autocomplete, and replies to what a command raises."""

from __future__ import annotations

import discord
import pytest
import simcord
from discord import app_commands
from discord.ext import commands

from bot.sandbox.simulation import Simulation
from tests.support.simulation import KEY, remove

pytestmark = pytest.mark.both_api_versions


class Suggests(commands.Cog):
    """A command with suggestions, which must not reach members whom the guard denies."""

    @app_commands.command()
    async def suggests(self, interaction: discord.Interaction, word: str) -> None:
        await interaction.response.send_message(word, ephemeral=True)

    @suggests.autocomplete("word")
    async def suggestions(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"secret caller {typed}", value="1")]


async def with_suggestions(simulation: Simulation) -> None:
    guild = discord.Object(simulation.guild.id)
    await simulation.bot.add_cog(Suggests(), guild=guild)
    await simulation.bot.tree.sync(guild=guild)


async def suggested(simulation: Simulation, who: simcord.MemberActor) -> list[dict[str, object]]:
    return await who.autocomplete(simulation.room, "suggests", "word", "x")


async def test_members_without_the_role_are_refused_and_get_no_suggestions(simulation: Simulation) -> None:
    await with_suggestions(simulation)
    for member in (simulation.civilian, simulation.administrator):
        result = await remove(simulation, who=member)
        admin = " Being an admin isn't enough; give yourself the role." if member is simulation.administrator else ""
        assert result == f"⛔ Only **Dispatcher** can do this.{admin}"
        assert await suggested(simulation, member) == []
    assert len(await suggested(simulation, simulation.dispatcher)) == 1
    assert simulation.cad.requests_of("REMOVE_911") == []


async def test_denied_autocomplete_is_answered_with_an_empty_list(simulation: Simulation) -> None:
    await with_suggestions(simulation)
    before = len(simulation.env.http_requests)
    await suggested(simulation, simulation.civilian)
    (sent,) = [r for r in simulation.env.http_requests[before:] if r.path.endswith("/callback")]
    assert sent.json == {"type": 8, "data": {"choices": []}}


async def test_autocomplete_that_discord_does_not_accept_is_only_logged(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    await with_suggestions(simulation)
    simulation.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    await suggested(simulation, simulation.civilian)
    assert "could not be answered (HTTP 404, code 10062)" in caplog.text


async def test_bug_in_a_command_is_answered_with_a_reference_to_the_log(
    simulation: Simulation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> str:
        raise RuntimeError(f"no text {KEY[:4]}")

    monkeypatch.setattr("bot.messages.outcomes.removal_text", broken)
    result = await remove(simulation)
    assert result.startswith("⚠️ Something broke in the bot")
    assert "RuntimeError" not in result
    (error,) = simulation.env.errors
    assert isinstance(error, discord.app_commands.CommandInvokeError)
    reference = result.split("`")[1]
    assert f"interaction {reference} failed" in caplog.text
    assert any(record.exc_info for record in caplog.records if reference in record.getMessage())


async def test_bug_in_the_access_check_is_answered(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(type(simulation.bot.guard.policy), "refusal", broken)
    assert (await remove(simulation)).startswith("⚠️ Something broke in the bot")
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert len(simulation.env.errors) == 1


async def test_command_that_the_bot_no_longer_has_is_answered(simulation: Simulation) -> None:
    simulation.bot.tree.clear_commands(guild=discord.Object(simulation.guild.id))
    result = await remove(simulation)
    assert result.startswith("❌ Not done: this command has changed. Reload Discord")
    assert simulation.cad.requests_of("REMOVE_911") == []
    assert len(simulation.env.errors) == 1
