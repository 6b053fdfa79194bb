"""What people do: commands, picks, menus, clicks; twice, late, and on what is not theirs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.cad.models import CallRef
from bot.journal.database import JournalError, forget_user
from tests.simulation.discord_side import BUTTON, COMMAND, SELECT, Discord, Interaction, Message, user_id
from tests.simulation.gateway import ADMIN_ROLE
from tests.simulation.loop import Process
from tests.simulation.plan import ADMIN, PEOPLE, STRANGER, Item
from tests.support.fake_discord import GUILD, ROLE

if TYPE_CHECKING:
    from tests.simulation.world import World

PATIENCE = 120.0
"""Seconds for which a person looks at a reply that does not change."""


class People:
    """Everybody in the guild."""

    def __init__(self, world: World, discord: Discord) -> None:
        self._world, self._discord = world, discord
        discord.roles = {who: {ROLE} for who in PEOPLE}
        discord.roles[ADMIN] = {ROLE, ADMIN_ROLE}
        discord.roles[STRANGER] = set()

    async def do(self, item: Item) -> None:
        """Do what an item of the plan says."""
        actions = {
            "remove": self._remove, "pick": self._pick, "list": self._list, "post": self._post, "forget": self._forget,
            "recreate": self._recreate, "history": self._admin, "status": self._admin,
            "give role": self._role, "take role": self._role,
        }  # fmt: skip
        ref = CallRef(item.server, item.number)
        await actions[item.what](item, ref, self._world.chance.of("person", item.key))

    # One command each.

    async def _remove(self, item: Item, ref: CallRef, _: random.Random) -> Interaction:
        one = self._command(item.who, "remove911", call_id=ref.call_id, server_id=ref.server_id)
        self._world.oracle.expect(one, [ref], "remove")
        return one

    async def _pick(self, item: Item, ref: CallRef, chance: random.Random) -> None:
        typed = chance.choice(("", str(ref.call_id), "Caller", "fire alta"))
        data = self._data("remove911", call_id=typed, server_id=ref.server_id)
        data["options"][0]["focused"] = True
        one = self._discord.interact(item.who, "autocomplete", "remove911", data)
        if await self._until(lambda: one.choices is not None, 4.0) and one.choices:
            await asyncio.sleep(1.0)
            ref = CallRef(ref.server_id, chance.choice(one.choices[:5])["value"])
        await self._remove(item, ref, chance)

    async def _list(self, item: Item, _: CallRef, chance: random.Random) -> None:
        one = self._command(item.who, "calls911", **({"server_id": item.server} if item.server else {}))
        message = one.message
        if chance.random() < 0.3 and await self._press(item.who, message, "Refresh", "refresh"):
            await asyncio.sleep(2.0)
        if not await self._until(lambda: message.items(SELECT), PATIENCE):
            return
        await asyncio.sleep(item.seconds)
        selects = message.items(SELECT)
        if not selects:
            return
        values = [option["value"] for option in selects[0]["options"]]
        values = values[: chance.randint(1, min(len(values), selects[0].get("max_values", 1)))]
        click = self._click(item.who, message, selects[0]["custom_id"], "select", values)
        await self._until(lambda: click.message is not message, PATIENCE)
        refs = [CallRef(*map(int, value.split("/"))) for value in values]
        await self._decide(item, click.message, refs, "remove", chance)

    async def _post(self, item: Item, ref: CallRef, chance: random.Random) -> None:
        embed = {
            "type": "rich", "title": "NEW EMERGENCY CALL", "author": {"name": "Sonoran CAD"},
            "footer": {"text": f"SonoranBrianABCDE | 8 | {ref.call_id} | {ref.server_id}"},
            "fields": [{"name": "CALLER", "value": "Ana"}],
        }  # fmt: skip
        post = {**self._discord.json(Message(10**17 + 7)), "embeds": [embed], "webhook_id": "9"}
        data = {**self._data("Remove 911 call"), "type": 3, "target_id": post["id"]}
        data["resolved"] = {"messages": {post["id"]: post}}
        one = self._discord.interact(item.who, "menu", f"Remove 911 call, on the post of {ref}", data)
        await self._decide(item, one.message, [ref], "remove", chance)

    async def _recreate(self, item: Item, ref: CallRef, chance: random.Random) -> None:
        listed = self._command(item.who, "calls911", server_id=item.server)
        await self._until(lambda: listed.texts, 10.0)
        message = (await self._remove(item, ref, chance)).message
        click = await self._press(item.who, message, "Re-create", "re-create", seconds=PATIENCE)
        if click is None:
            return
        await self._until(lambda: click.message is not message, 10.0)
        again = await self._press(item.who, message, "Re-create", "re-create again") if chance.random() < 0.5 else None
        await self._decide(item, click.message, [ref], "create", chance)
        if again is not None:  # a second question, still open
            await self._decide(item, again.message, [ref], "create", chance)

    async def _admin(self, item: Item, _: CallRef, chance: random.Random) -> None:
        data = {**self._data("cad911"), "options": [{"name": item.what, "type": 1, "options": []}]}
        one = self._discord.interact(item.who, "command", item.what, data)
        label = chance.choice(("Older", "Newer", "All as CSV"))
        if item.what == "history" and await self._press(item.who, one.message, label, "history", seconds=10.0):
            await asyncio.sleep(1.0)
            await self._press(item.who, one.message, chance.choice(("Newer", "All as CSV")), "history")

    async def _role(self, item: Item, *_: object) -> None:
        gets, held = item.what == "give role", self._discord.roles[item.who]
        self._world.tell(item.who, f"{'gets' if gets else 'loses'} the role")
        (held.add if gets else held.discard)(ROLE)

    async def _forget(self, item: Item, *_: object) -> None:
        self._world.tell("host", "runs `forget` for dana")
        try:
            work = forget_user(self._world.disk.path, int(user_id("dana")))
            await self._world.loop.start(work, Process(-item.key))
        except JournalError as error:
            self._world.tell("host", f"reads: {error}")

    async def _decide(
        self, item: Item, message: Message, refs: list[CallRef], what: str, chance: random.Random
    ) -> None:
        """Answer a question: perhaps late, twice, with Cancel, and perhaps others try it as well."""
        if not await self._until(lambda: message.items(BUTTON), PATIENCE):
            return
        await asyncio.sleep(item.seconds)
        buttons = message.items(BUTTON)
        if not buttons or "?" not in message.text.partition("\n")[0]:  # Discord may never have shown the question
            return
        no, yes = buttons[0]["custom_id"], buttons[-1]["custom_id"]
        if chance.random() < 0.1:
            other = chance.choice(tuple(who for who in PEOPLE if who != item.who))
            self._click(other, message, yes, "confirm (not theirs)", owner=item.who)
        if chance.random() < 0.1:
            self._click(item.who, message, no, "cancel")
            return
        for _ in range(chance.choice((1, 1, 1, 2))):
            click = self._click(item.who, message, yes, f"confirm ({what})")
            self._world.oracle.expect(click, refs, what)
            await asyncio.sleep(chance.choice((0.0, 0.3, 2.0)))

    # Helpers.

    def _data(self, name: str, **options: int | str) -> dict[str, Any]:
        filled_in = [{"name": option, "type": 4, "value": value} for option, value in options.items()]
        return {"id": COMMAND, "name": name, "type": 1, "guild_id": GUILD, "options": filled_in}

    def _command(self, who: str, name: str, **options: int) -> Interaction:
        about = " ".join([name, *map(str, options.values())])
        return self._discord.interact(who, "command", about, self._data(name, **options))

    def _click(
        self, who: str, message: Message, custom_id: str, about: str, values: list[str] | None = None, owner: str = ""
    ) -> Interaction:
        kind = BUTTON if values is None else SELECT
        data = {"custom_id": custom_id, "component_type": kind, "values": values}
        click = self._discord.interact(who, "click", about, data, message)
        click.allowed = click.allowed and owner in ("", who)
        return click

    async def _press(
        self, who: str, message: Message, label: str, about: str, seconds: float = 4.0
    ) -> Interaction | None:
        """Click on a button, if it is there in time."""

        def found() -> list[str]:
            return [one["custom_id"] for one in message.items(BUTTON) if (one.get("label") or "").startswith(label)]

        there = await self._until(found, seconds) and found()
        return self._click(who, message, there[0], about) if there else None

    async def _until(self, condition: Callable[[], object], seconds: float) -> bool:
        end = self._world.loop.now + seconds
        while not condition():
            if self._world.loop.now > end:
                return False
            await asyncio.sleep(0.4)
        return True
