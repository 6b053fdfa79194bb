"""Our bot as a real process: `python -m bot` but for where Discord, the CAD and the journal are."""

import asyncio
import sys
from pathlib import Path

from yarl import URL

from bot import __main__ as command_line
from bot.app import CadBot
from bot.cad.model import Account
from bot.settings import Settings
from tests.bare_bot import meet

ROLE = 10**17 + 3
"""The dispatcher's role in the stand-in's guild."""


class Announced(CadBot):
    async def on_ready(self) -> None:
        print("READY", flush=True)  # noqa: T201 - whoever started this process waits for it
        await super().on_ready()


if __name__ == "__main__":
    meet(sys.argv[1])
    command_line.CadBot = Announced
    account = Account(URL(sys.argv[2]), "ours", "planted-key")
    settings = Settings(
        discord_token="a.b.c", account=account, dispatcher_role_ids=(ROLE,), database_path=Path(sys.argv[3])
    )
    sys.exit(asyncio.run(command_line.until_stopped(lambda stop: command_line.serve(settings, stop))))
