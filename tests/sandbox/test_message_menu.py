"""The sandbox's replacement for the Apps menu of a message."""

from __future__ import annotations

import pytest

from bot.cad.models import CallRef
from bot.sandbox.message_menu import MessageMenu
from bot.sandbox.simulation import Simulation
from tests.support.posts import post_of

pytestmark = pytest.mark.both_api_versions

CALL = CallRef(1, 302)


async def test_reply_that_says_apps_runs_the_message_command(simulation: Simulation) -> None:
    menu, post = MessageMenu(simulation), await post_of(simulation, CALL)
    await simulation.dispatcher.send(simulation.room, "apps")  # not a reply
    await simulation.dispatcher.send(simulation.room, "which apps?", reply_to=post)
    assert not await menu.process_replies()
    command = await simulation.dispatcher.send(simulation.room, " Apps ", reply_to=post)
    before = len(simulation.room.history())
    assert not await menu.process_replies()  # the page must first show that it arrived
    assert await menu.process_replies()
    assert not await menu.process_replies()
    after = simulation.room.history(viewer=simulation.dispatcher)
    assert command.id not in [message.id for message in after]
    assert after[-1].content.startswith("Remove call **302** (server **1**)?")
    assert len(after) == before  # one message was added, one deleted
