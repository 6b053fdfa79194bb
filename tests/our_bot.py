"""Our bot as a real process: `python -m bot` but for where Discord, the CAD and the journal are.

More arguments let it be in a hurry: it waits neither for more guilds nor long for its turn at the CAD. They are the
version of the CAD's API, and a mark of the journal at which it is killed, such as `before sent` or `after ended`.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from yarl import URL

from bot import leftover, logs, serving
from bot.app import CadBot
from bot.cad.client import CadClient
from bot.cad.dialect import Dialect
from bot.cad.line import Line
from bot.cad.model import Account
from bot.journal import Journal
from bot.settings import Settings
from tests.bare_bot import meet

ROLE = 10**17 + 3
"""The dispatcher's role in the stand-in's guild."""


class Announced(CadBot):
    async def on_ready(self) -> None:
        print("READY", flush=True)  # noqa: T201 - whoever started this process waits for it
        await super().on_ready()


class InAHurry(Announced):
    async def setup_hook(self) -> None:
        self._connection.guild_ready_timeout = 0.05
        await super().setup_hook()


class SoonServed(CadClient):
    def __init__(self, account: Account, dialect: Dialect) -> None:
        limits = tuple(replace(window, seconds=window.seconds / 20) for window in dialect.LIMITS)
        super().__init__(account, dialect, line=Line(limits))


def die(when: str, mark: str) -> None:
    real = getattr(Journal, mark)

    async def marked(self: Journal, *given: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await real(self, *given)
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(Journal, mark, marked)


if __name__ == "__main__":
    meet(sys.argv[1])
    logs.set_up("INFO", ())
    serving.CadBot = Announced
    version = "v1"
    if len(sys.argv) > 4:
        version, mark = sys.argv[4:]
        serving.CadBot, serving.CadClient = InAHurry, SoonServed
        leftover.BETWEEN_TRIES = 3.0
        if mark:
            die(*mark.split())
    account = Account(URL(sys.argv[2]), "ours", "planted-key")
    settings = Settings(
        discord_token="a.b.c",
        account=account,
        dispatcher_role_ids=(ROLE,),
        database_path=Path(sys.argv[3]),
        api_version=version,
    )
    sys.exit(asyncio.run(serving.until_stopped(lambda stop: serving.serve(settings, stop))))
