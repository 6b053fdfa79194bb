"""Our bot as a real process: `python -m bot` but for where Discord, the CAD and the journal are.

A fourth argument such as `before sent` or `after ended` lets it be killed at that mark of the journal.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from yarl import URL

from bot import serving
from bot.app import CadBot
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
    serving.CadBot = InAHurry if len(sys.argv) > 4 else Announced
    if len(sys.argv) > 4 and sys.argv[4]:
        die(*sys.argv[4].split())
    account = Account(URL(sys.argv[2]), "ours", "planted-key")
    settings = Settings(
        discord_token="a.b.c", account=account, dispatcher_role_ids=(ROLE,), database_path=Path(sys.argv[3])
    )
    sys.exit(asyncio.run(serving.until_stopped(lambda stop: serving.serve(settings, stop))))
