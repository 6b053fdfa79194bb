"""The bot in a process of its own, like `python -m bot`, with other addresses of Discord, the CAD and the journal.

With two more arguments it hurries: it does not wait for more guilds, and its rate limits pass 20 times as fast. They
are the version of the CAD's API, and the moment at which it is killed, such as `before mark_sent` (empty: never).
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from yarl import URL

from bot import logs, runner
from bot.app import CadBot
from bot.cad.api import CadApi
from bot.cad.client import CadClient
from bot.cad.models import Account
from bot.cad.request_queue import RequestQueue
from bot.clock import Clock
from bot.config.settings import Settings
from bot.delivery import pending_replies
from bot.journal.store import Journal
from tests.support.discord_address import connect_to

ROLE = 10**17 + 3
"""The dispatcher's role in the fake Discord's guild."""


KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""What ends a process at once, without a word: on Windows, SIGTERM does."""


class AnnouncingBot(CadBot):
    async def on_ready(self) -> None:
        sys.stdout.buffer.write(b"READY\n")  # the process that started this one waits for it
        sys.stdout.buffer.flush()
        await super().on_ready()


class HurriedBot(AnnouncingBot):
    async def setup_hook(self) -> None:
        self._connection.guild_ready_timeout = 0.05
        await super().setup_hook()


class HurriedClient(CadClient):
    def __init__(self, account: Account, api: CadApi, *, clock: Clock) -> None:
        limits = tuple(replace(limit, per_seconds=limit.per_seconds / 20) for limit in api.RATE_LIMITS)
        super().__init__(account, api, clock=clock, queue=RequestQueue(limits))


def kill_at(when: str, method: str) -> None:
    """Kill this process before or after the first call of one of the journal's methods."""
    real = getattr(Journal, method)

    async def deadly(self: Journal, *arguments: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), KILL)
        result = await real(self, *arguments)
        os.kill(os.getpid(), KILL)
        return result

    setattr(Journal, method, deadly)


if __name__ == "__main__":
    connect_to(sys.argv[1])
    logs.configure("INFO", ())
    runner.CadBot = AnnouncingBot
    version = "v1"
    if len(sys.argv) > 4:
        version, moment = sys.argv[4:]
        runner.CadBot, runner.CadClient = HurriedBot, HurriedClient
        pending_replies.RETRY_INTERVAL = 3.0
        if moment:
            kill_at(*moment.split())
    account = Account(URL(sys.argv[2]), "ours", "planted-key")
    settings = Settings(
        discord_token="a.b.c",
        account=account,
        dispatcher_role_ids=(ROLE,),
        database_path=Path(sys.argv[3]),
        api_version=version,
    )
    sys.exit(logs.finish(asyncio.run(runner.run_until_stopped(lambda stop: runner.run_bot(settings, stop)))))
