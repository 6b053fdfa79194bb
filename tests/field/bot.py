"""The bot in a process of its own, as in tests/support/bot_process.py, whose pauses are a hundredth as long."""

import asyncio
import sys
from pathlib import Path

from yarl import URL

from bot import gateway, logs, registration, runner
from bot.cad.models import Account
from bot.config.settings import Settings
from bot.delivery import pending_replies
from bot.journal import store
from tests.support.bot_process import ROLE, HurriedBot, HurriedClient
from tests.support.discord_address import connect_to

if __name__ == "__main__":
    connect_to(sys.argv[1])
    logs.configure("INFO", ())
    gateway.FIRST_PAUSE = runner.FIRST_PAUSE = 0.05
    gateway.MAX_PAUSE = gateway.MAX_LOGIN_PAUSE = runner.MAX_PAUSE = 0.45
    gateway.READY_TIMEOUT = 0.6
    registration.FIRST_PAUSE, registration.MAX_PAUSE = 0.3, 0.6
    store._MAINTENANCE_INTERVAL = 0.6
    pending_replies.RETRY_INTERVAL = 0.3
    runner.CadBot, runner.CadClient = HurriedBot, HurriedClient
    settings = Settings(
        discord_token="a.b.c",
        account=Account(URL(sys.argv[2]), "ours", "planted-key"),
        dispatcher_role_ids=(ROLE,),
        database_path=Path(sys.argv[3]),
    )
    sys.exit(logs.finish(asyncio.run(runner.run_until_stopped(lambda stop: runner.run_bot(settings, stop)))))
