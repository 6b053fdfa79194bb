"""The least discord.py bot to compare with: one command, the same intents, nothing of ours. Imports nothing of ours."""

import asyncio
import sys

import discord
import discord.gateway
import discord.http
from discord.ext import commands
from yarl import URL


def meet(address: str) -> None:
    """Let the discord.py of this process talk to the stand-in."""
    discord.http.Route.BASE = address
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(address).with_scheme("ws") / "gateway"


class Bare(commands.Bot):
    async def on_ready(self) -> None:
        print("READY", flush=True)  # noqa: T201 - whoever started this process waits for it
        for guild in self.guilds:
            self.tree.copy_global_to(guild=guild)
            await self.tree.sync(guild=guild)


async def run(address: str) -> None:
    meet(address)
    async with Bare((), intents=discord.Intents(guilds=True), help_command=None, max_messages=None) as bot:

        @bot.tree.command(name="remove911", description="Remove a 911 call")
        async def remove911(interaction: discord.Interaction, call_id: int, server_id: int) -> None:  # pyright: ignore[reportUnusedFunction]
            await interaction.response.send_message(f"{call_id} {server_id}", ephemeral=True)

        await bot.start("a.b.c")


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
