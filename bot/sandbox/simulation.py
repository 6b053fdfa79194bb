"""A simulated guild with its people, and the real bot in it, connected to a fake CAD."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import discord
import simcord

from bot.app import CadBot
from bot.cad import v1
from bot.cad.api import CadApi
from bot.cad.client import CadClient, OnWait, ProbeDeferred
from bot.cad.models import Account, Plan
from bot.cad.operation import Operation
from bot.cad.request_queue import RequestQueue
from bot.cad.results import Result
from bot.calls.cache import CallCache
from bot.clock import REAL_CLOCK, Clock
from bot.config.settings import Settings
from bot.journal.store import Journal
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.state import FakeCall

T = TypeVar("T")
Roles = tuple[int, ...]

NAME = "remove911"
"""Of the application and its bot."""


class ParkedCadClient(CadClient):
    """Tells SimCord which commands wait for the CAD, so that other people can act meanwhile.

    Autocomplete is never parked: SimCord would end it with an empty list. Without `env` nothing is parked.
    """

    env: simcord.Env | None = None

    async def wait_for(self, operation: Operation, on_wait: OnWait | None = None) -> Result:
        """Wait for an operation, as the real client does."""
        return await self._parked(super().wait_for(operation, on_wait))

    async def probe(self) -> Plan | ProbeDeferred | Result:
        """Fetch the plan, as the real client does: it queues behind all removals."""
        return await self._parked(super().probe())

    async def _parked(self, waiting: Awaitable[T]) -> T:
        return await (waiting if self.env is None else self.env.external_wait(waiting, reason="the CAD's response"))


class _Prepared(simcord.run):
    """A simulated Discord whose guild is built before the bot connects, as for a bot that joined long ago."""

    @property
    def env(self) -> simcord.Env:
        return self._env


class _PrivateBot(CadBot):
    """Nobody else can invite it, as the set-up asks. SimCord's applications are public."""

    async def application_info(self) -> discord.AppInfo:
        about = await super().application_info()
        about.bot_public = False
        return about


class Simulation:
    """The guild, its rooms and people, and the bot's services. Creating one builds the guild."""

    bot: CadBot

    def __init__(
        self, env: simcord.Env, cad: FakeCad, client: ParkedCadClient, journal: Journal, call_cache: CallCache
    ) -> None:
        self.env, self.cad, self.client, self.journal, self.call_cache = env, cad, client, journal, call_cache
        env.backend.bot_user.name = NAME
        self.guild = guild = env.create_guild("Los Santos Roleplay")
        self.room = guild.create_text_channel("dispatch")
        self.dispatcher_role = guild.create_role("Dispatcher", color=0x3498DB)
        admin = guild.create_role("Administrator", permissions=discord.Permissions(administrator=True))
        dana = env.create_user("dana", global_name="Dana, dispatcher")
        self.dispatcher = guild.add_member(dana, roles=[self.dispatcher_role])
        self.civilian = guild.add_member(env.create_user("joe", global_name="Joe, civilian"))
        self.administrator = guild.add_member(env.create_user("ada", global_name="Ada, admin"), roles=[admin])
        # No person, but a place among the page's viewers: it shows the audit channel, where nothing can be typed.
        self.audit_view = guild.add_member(env.create_user("audit", global_name="#audit channel"))
        read_only = discord.PermissionOverwrite(send_messages=False, use_application_commands=False)
        self.audit_room = guild.create_text_channel("audit", overwrites={self.audit_view: read_only})

    @property
    def people(self) -> tuple[simcord.MemberActor, ...]:
        """Everybody you can act as, the dispatcher first."""
        return (self.dispatcher, self.civilian, self.administrator)

    async def post_calls(self) -> None:
        """Post each open call to the room, as the CAD's own webhook does."""
        hook = self.guild.create_webhook(self.room, "Sonoran CAD")
        for call in sorted(self.cad.calls.values(), key=lambda call: -call.minutes):
            await hook.send(embed=_call_post(call, self.env.now()), username="Sonoran CAD")

    async def sync_clock(self) -> None:
        """Set the simulated Discord's clock, which starts with the year 2026, to the bot's."""
        await self.env.advance_time(max(0.0, self.bot.clock.wall() - self.env.now().timestamp()))

    async def post_note(self, text: str) -> None:
        """Post a note of the sandbox itself."""
        hook = self.guild.create_webhook(self.room, "Sandbox")
        await hook.send(text, username="Sandbox")


def settings_for(account: Account, roles: Roles) -> Settings:
    """Return the settings of the sandbox's bot. They come neither from .env nor from the environment."""
    return Settings(discord_token="sandbox.has.none", account=account, dispatcher_role_ids=roles)


@asynccontextmanager
async def open_simulation(
    *,
    cad: FakeCad | None = None,
    account: Account | None = None,
    api: CadApi = v1,
    settings: Callable[[Account, Roles], Settings] = settings_for,
    timeout: float = 10.0,
    journal: Path | None = None,
    audited: bool = False,
    clock: Clock = REAL_CLOCK,
    queue: RequestQueue | None = None,
    parked: bool = False,
    check_errors: bool = False,
) -> AsyncGenerator[Simulation]:
    """Build the guild, and start the bot in it.

    `account` is for a bot that connects elsewhere than to the fake CAD. `settings` makes the bot's settings from the
    account and the dispatcher role's id. The journal is temporary unless `journal` names a file. With `audited` the
    bot reports to the audit channel. With `parked` other people can act while a command waits for the CAD. With
    `check_errors` an error of the bot that the caller has not read is raised at the end.
    """
    cad = cad or FakeCad()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = journal or Path(folder, "remove911.db")
        async with cad.serving() as served:
            account = account or served
            # Opened outside SimCord, so that their background tasks do not count as part of a command.
            async with (
                Journal(path, audited=audited, clock=clock) as store,
                ParkedCadClient(account, api, timeout=timeout, clock=clock, queue=queue) as client,
                CallCache(client) as cache,
            ):
                # The bot's settings need ids that exist only once the guild is built: a plain client stands in first.
                prepared = _Prepared(discord.Client(intents=discord.Intents(guilds=True)), check_errors=check_errors)
                simulation = Simulation(prepared.env, cad, client, store, cache)
                made = settings(account, (simulation.dispatcher_role.id,))
                audit = simulation.audit_room.id if audited else None
                made = replace(made, audit_channel_id=audit, database_path=path)
                simulation.bot = _PrivateBot(made, client, store, cache)
                prepared.env.bot = simulation.bot
                client.env = prepared.env if parked else None
                async with prepared:
                    await simulation.sync_clock()
                    yield simulation


def _call_post(call: FakeCall, now: datetime) -> discord.Embed:
    """Build a post as the CAD does for a 911 call. Its footer: user, type 8, call, server."""
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
