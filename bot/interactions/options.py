"""The options that commands share, a call's number and a server's, and their autocomplete."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

import discord
from discord import app_commands

from bot.cad.models import MAX_ID, Server, valid_id
from bot.calls.cache import CallCache
from bot.calls.search import call_label, search_calls, search_servers, server_label
from bot.config.settings import Settings
from bot.interactions import Interaction

Id = app_commands.Range[int, 1, MAX_ID]


@dataclass(frozen=True, slots=True)
class ServerOption:
    """The option `server_id`, as the settings make it.

    Attributes:
        cache: the open calls and servers that autocomplete suggests.
        default_id: the server of a call if the option is left out; None makes the option required.
        emergency_number: the emergency number in descriptions.
    """

    cache: CallCache
    default_id: int | None
    emergency_number: str

    @classmethod
    def from_settings(cls, settings: Settings, cache: CallCache) -> Self:
        """Build the option from the settings."""
        return cls(cache, settings.default_server_id, settings.emergency_number)

    @property
    def default(self) -> Any:
        """Default of the callback's parameter. discord.py makes an option required if its default is MISSING."""
        return discord.utils.MISSING if self.default_id is None else self.default_id

    @property
    def description(self) -> str:
        """The option's description in Discord."""
        left_out = "" if self.default_id is None else f"; leave it out for server {self.default_id}"
        return f"The number of the CAD server that the call is on{left_out}"

    async def suggest_servers(self, _: Interaction, typed: str) -> list[app_commands.Choice[int]]:
        """Suggest servers by name and number, from the cache."""
        servers = (await self.cache.servers()).listed.servers
        return [app_commands.Choice(name=server_label(one), value=one.id) for one in search_servers(servers, typed)]

    async def suggest_calls(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[int]]:
        """Suggest open calls of the given or default server; without either, of all servers, each with its server."""
        given = str(getattr(interaction.namespace, "server_id", ""))  # as typed so far: perhaps no complete number
        server_id = (valid_id(int(given)) if re.fullmatch("[0-9]{1,10}", given) else None) or self.default_id
        snapshot = await self.cache.calls(server_id)
        # No second wait for the servers' names: Discord allows autocomplete three seconds in all.
        servers = {one.id: one for one in self.cache.cached_servers.listed.servers}
        suggestions: list[app_commands.Choice[int]] = []
        for call in search_calls(snapshot.calls, typed):
            ref = call.ref
            server = servers.get(ref.server_id, Server(ref.server_id)) if server_id is None else None
            suggestions.append(app_commands.Choice(name=call_label(call, server), value=ref.call_id))
        return suggestions
