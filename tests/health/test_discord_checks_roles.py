"""What the checks at start log about the configured roles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app import CadBot
from bot.sandbox.simulation import Simulation

pytestmark = pytest.mark.both_api_versions


async def test_role_of_another_home_guild_is_not_logged_as_deleted(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    other = simulation.env.create_guild("Staff")
    chief = other.create_role("Chief")
    await simulation.env.settle()
    both = replace(
        simulation.bot.settings, dispatcher_role_ids=(*simulation.bot.settings.dispatcher_role_ids, chief.id)
    )
    caplog.clear()
    await simulation.env.restart_bot(CadBot(both, simulation.client, simulation.journal, simulation.call_cache))
    assert "is not a home guild" not in caplog.text
    assert "deleted" not in caplog.text


async def test_role_that_only_a_foreign_guild_has_is_logged_as_missing(
    simulation: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    chief = simulation.env.create_guild("Strangers").create_role("Chief")
    await simulation.env.settle()
    ours = simulation.bot.settings
    ids = (*ours.dispatcher_role_ids, chief.id)
    settings = replace(ours, dispatcher_role_ids=ids, guild_ids=frozenset({simulation.guild.id}))
    caplog.clear()
    await simulation.env.restart_bot(CadBot(settings, simulation.client, simulation.journal, simulation.call_cache))
    assert f"dispatcher role: {chief.id} does not exist (deleted?), so it gives nobody access" in caplog.text
