"""The smallest discord.py bot, for comparison: one command and the same intents, and no import of our bot."""

from __future__ import annotations

import asyncio
import sys

import discord
import discord.gateway
import discord.http
from discord.ext import commands

from tests.support.discord_address import connect_to


class BareBot(commands.Bot):
    async def on_ready(self) -> None:
        print("READY", flush=True)  # noqa: T201 - the process that started this one waits for it
        for guild in self.guilds:
            self.tree.copy_global_to(guild=guild)
            await self.tree.sync(guild=guild)


async def run(address: str) -> None:
    connect_to(address)
    async with BareBot((), intents=discord.Intents(guilds=True), help_command=None, max_messages=None) as bot:

        @bot.tree.command(name="remove911", description="Remove a 911 call")
        async def remove911(interaction: discord.Interaction, call_id: int, server_id: int) -> None:  # pyright: ignore[reportUnusedFunction]
            await interaction.response.send_message(f"{call_id} {server_id}", ephemeral=True)

        await bot.start("a.b.c")


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
