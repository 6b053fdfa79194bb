"""Connects discord.py to the fake Discord: of this process, or of another one."""

from __future__ import annotations

from pathlib import Path
from string import Template

import discord
import discord.gateway
import discord.http
from yarl import URL


def connect_to(address: str) -> None:
    discord.http.Route.BASE = address
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(address).with_scheme("ws") / "gateway"


_SITECUSTOMIZE = Template("""\
import sys

# Not in a pip or venv that inherits the path: only where the bot's packages are.
try:
    import discord.gateway, discord.http
    from yarl import URL
except ImportError:
    pass
else:
    discord.http.Route.BASE = "$address"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL("$address").with_scheme("ws") / "gateway"
""")


def write_sitecustomize(folder: Path, address: str) -> None:
    """Write a module that leads every Python with `folder` on its PYTHONPATH to the fake Discord."""
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE.substitute(address=address), "utf-8")
