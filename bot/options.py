"""The options that commands share: a call's number and a server's, and what is suggested for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from discord import Interaction, app_commands

from bot.cad.model import MAX_ID, CallRef, Server, an_id
from bot.picker import label, matching, matching_servers, server_label

if TYPE_CHECKING:
    from bot.app import CadBot
    from bot.board import Board

Id = app_commands.Range[int, 1, MAX_ID]


@dataclass(frozen=True, slots=True)
class ServerOption:
    """The option `server_id`: which server is meant where it is left out, and which ones are suggested.

    Attributes:
        board: knows the servers.
        default: the server that is meant where none is given, or None where one has to be.
        number: the emergency number in texts.
    """

    board: Board
    default: int | None
    number: str

    @classmethod
    def of(cls, bot: CadBot) -> Self:
        """Take it from a bot's settings."""
        return cls(bot.board, bot.settings.default_server_id, bot.settings.emergency_number)

    @property
    def about(self) -> str:
        """What Discord shows beside it."""
        left_out = "" if self.default is None else f"; leave it out for server {self.default}"
        return f"The number of the CAD server that the call is on{left_out}"

    async def suggest(self, _: Interaction[CadBot], typed: str) -> list[app_commands.Choice[int]]:
        """Suggest servers by name and number, from memory."""
        seen = await self.board.servers()
        return [
            app_commands.Choice(name=server_label(one), value=one.id) for one in matching_servers(seen.servers, typed)
        ]

    async def suggest_calls(self, interaction: Interaction[CadBot], typed: str) -> list[app_commands.Choice[int]]:
        """Suggest open calls: those of the server that was given already, else those of all, each with its server."""
        given = str(getattr(interaction.namespace, "server_id", ""))  # typed by hand, and perhaps not to its end
        server = (an_id(int(given)) if re.fullmatch("[0-9]{1,10}", given) else None) or self.default
        seen = await self.board.calls(server)
        # Not waited for a second time: Discord gives three seconds in all.
        names = {one.id: one for one in self.board.known_servers}

        def where(ref: CallRef) -> Server | None:
            return names.get(ref.server_id, Server(ref.server_id)) if server is None else None

        return [
            app_commands.Choice(name=label(call, where(call.ref)), value=call.ref.call_id)
            for call in matching(seen.calls, typed)
        ]
