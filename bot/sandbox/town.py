"""A simulated guild with its people, and the real bot in it, connected to a loopback CAD."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import discord
import simcord

from bot.app import CadBot
from bot.board import Board
from bot.cad import v1
from bot.cad.client import CadClient, Removal, Told
from bot.cad.dialect import Dialect
from bot.cad.line import Line
from bot.cad.model import Account, Answer
from bot.cad.worker import Clock
from bot.journal import Journal
from bot.sandbox.cad import Call, LoopbackCad
from bot.settings import Settings

Roles = tuple[int, ...]


class ParkedCad(CadClient):
    """Tells SimCord that a command which waits for the CAD may go on waiting, so that others can act meanwhile.

    What autocomplete waits for is never parked: SimCord would answer it with nothing.

    Attributes:
        env: the simulated Discord, once it is there; without one nothing is parked.
    """

    env: simcord.Env | None = None

    async def follow(self, removal: Removal, told: Told | None = None) -> Answer:
        """Wait for a removal's end, as with the real client."""
        return await self._parked(super().follow(removal, told))

    async def recheck(self) -> Answer:
        """Ask for the plan, as with the real client: behind all removals that wait."""
        return await self._parked(super().recheck())

    async def _parked(self, asking: Awaitable[Answer]) -> Answer:
        return await (asking if self.env is None else self.env.external_wait(asking, reason="the CAD's answer"))


class _Prepared(simcord.run):
    """A simulated Discord that can be built before its bot comes, which so finds a server that exists already."""

    @property
    def env(self) -> simcord.Env:
        return self._env


@dataclass
class Town:
    """What there is to act with and to look at."""

    env: simcord.Env
    cad: LoopbackCad
    client: ParkedCad
    journal: Journal
    board: Board
    guild: simcord.GuildHandle
    room: simcord.ChannelHandle
    audit_room: simcord.ChannelHandle
    dispatcher_role: simcord.RoleHandle
    dispatcher: simcord.MemberActor
    civilian: simcord.MemberActor
    administrator: simcord.MemberActor
    bot: CadBot = field(init=False)

    @property
    def people(self) -> tuple[simcord.MemberActor, ...]:
        """Everybody there is to act as, the dispatcher first."""
        return (self.dispatcher, self.civilian, self.administrator)

    async def post_calls(self) -> None:
        """Post each open call to the room, as the CAD's own webhook does."""
        hook = self.guild.create_webhook(self.room, "Sonoran CAD")
        for call in sorted(self.cad.calls.values(), key=lambda call: -call.minutes):
            await hook.send(embed=_post(call, self.env.now()), username="Sonoran CAD")

    async def tell(self, text: str) -> None:
        """Post a note of the sandbox itself."""
        hook = self.guild.create_webhook(self.room, "Sandbox")
        await hook.send(text, username="Sandbox")


def settings_for(account: Account, roles: Roles) -> Settings:
    """Make the settings of the sandbox's bot: neither .env nor the environment is asked."""
    return Settings(discord_token="sandbox.has.none", account=account, dispatcher_role_ids=roles)


@asynccontextmanager
async def open_town(
    *,
    cad: LoopbackCad | None = None,
    account: Account | None = None,
    dialect: Dialect = v1,
    settings: Callable[[Account, Roles], Settings] = settings_for,
    patience: float = 10.0,
    journal: Path | None = None,
    audited: bool = False,
    clock: Clock | None = None,
    line: Line | None = None,
    parked: bool = False,
    check_errors: bool = False,
) -> AsyncGenerator[Town]:
    """Build the town, and bring the bot to it, as one that is started in a server which exists already.

    Args:
        cad: the CAD to talk to, a new one by default.
        account: where the client finds its CAD, if not at that one.
        dialect: how the client speaks to the CAD.
        settings: makes the bot's settings, from the account and the dispatcher role's id.
        journal: the journal's file; by default one that is gone afterwards.
        audited: whether there is an audit channel.
        patience: seconds that the client waits for the CAD.
        clock: what the client goes by, the wall's by default.
        line: the client's line, one at the CAD's pace by default.
        parked: whether others can act while a command waits for the CAD.
        check_errors: whether an error in the bot that nobody looked at is raised at the end.
    """
    cad = cad or LoopbackCad()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = journal or Path(folder, "remove911.db")
        async with cad.serving() as served:
            account = account or served
            # These are open before Discord and closed after it, and their workers belong to nobody's command.
            async with (
                Journal(path, audited=audited) as book,
                ParkedCad(account, dialect, patience=patience, clock=clock, line=line) as client,
                Board(client) as board,
            ):
                # Which bot it is has to wait for the ids of what is built.
                prepared = _Prepared(discord.Client(intents=discord.Intents(guilds=True)), check_errors=check_errors)
                town = _build(prepared.env, cad, client, book, board)
                made = settings(account, (town.dispatcher_role.id,))
                audit = town.audit_room.id if audited else None
                town.bot = CadBot(replace(made, audit_channel_id=audit, database_path=path), client, book, board)
                prepared.env.bot = town.bot
                client.env = prepared.env if parked else None
                async with prepared:
                    if me := town.guild.me:
                        await me.edit(nick="911 desk")
                    yield town


def _build(env: simcord.Env, cad: LoopbackCad, client: ParkedCad, journal: Journal, board: Board) -> Town:
    guild = env.create_guild("Los Santos Roleplay")
    room = guild.create_text_channel("dispatch")
    role = guild.create_role("Dispatcher", color=0x3498DB)
    admin = guild.create_role("Administrator", permissions=discord.Permissions(administrator=True))
    dana, joe, ada = (
        env.create_user(name, global_name=shown)
        for name, shown in (
            ("dana", "Dana, dispatcher"),
            ("joe", "Joe, civilian"),
            ("ada", "Ada, admin"),
        )
    )
    return Town(
        env=env,
        cad=cad,
        client=client,
        journal=journal,
        board=board,
        guild=guild,
        room=room,
        audit_room=guild.create_text_channel("audit"),
        dispatcher_role=role,
        dispatcher=guild.add_member(dana, roles=[role]),
        civilian=guild.add_member(joe),
        administrator=guild.add_member(ada, roles=[admin]),
    )


async def to_the_present(env: simcord.Env) -> None:
    """Set the simulated Discord's clock, which begins at the start of 2026, to now."""
    await env.advance_time(max(0.0, (datetime.now(UTC) - env.now()).total_seconds()))


def _post(call: Call, now: datetime) -> discord.Embed:
    """Build a post in the form in which the CAD posts a 911 call (its footer: user, type 8, call, server)."""
    embed = discord.Embed(
        title="NEW EMERGENCY CALL",
        description=call.description,
        colour=0xC0392B,
        timestamp=now - timedelta(minutes=call.minutes),
    )
    embed.set_author(name="Sonoran CAD")
    embed.add_field(name="CALLER", value=call.caller)
    embed.add_field(name="LOCATION", value=call.location)
    embed.set_footer(text=f"SonoranBrianABCDE | 8 | {call.ref.call_id} | {call.ref.server_id}")
    return embed
