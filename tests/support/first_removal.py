"""A host's way to the first removal, played against a stand-in of Discord and the fake CAD on this machine.

    python -m tests.support.first_removal FOLDER --start COMMAND --stop COMMAND

Writes two files into FOLDER: `.env`, and a `sitecustomize.py` which leads the discord.py of every Python that has
FOLDER on its PYTHONPATH to the stand-in. Then runs the start command, waits until the bot has registered its commands,
removes a call as a dispatcher, and runs the stop command while that removal is on the wire. Exits with 0 only if the
CAD got one request and the dispatcher reads that the call was removed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from bot.cad.models import Account, CallRef
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.clocks import until
from tests.support.discord_address import write_sitecustomize
from tests.support.fake_discord import ROLE, FakeDiscord

PATIENCE = 120.0
"""Seconds for each step: a whole system may have to start first, on a slow machine."""
CAD_SECONDS = 2.0
"""How long the removal is on the wire, so that the stop comes while it is."""
KEY = "planted-$cad-key-0123456789"
"""With a $, which Compose would expand in a value without single quotes."""
TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.Gabcde.planted-discord-token-abcdefghijklmno"


def write_files(folder: Path, discord_address: str, account: Account) -> None:
    write_sitecustomize(folder, discord_address)
    settings = {
        "DISCORD_TOKEN": TOKEN,
        "SONORAN_COMMUNITY_ID": account.community_id,
        "SONORAN_API_KEY": f"'{account.key}'",
        "DISPATCHER_ROLE_IDS": f"{ROLE} # a remark",
        "SONORAN_API_URL": str(account.url),
    }
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    (folder / ".env").chmod(0o600)


async def play(folder: Path, start: str, stop: str) -> None:
    """Play the way; raise if it ends otherwise than with a removal.

    Raises:
        RuntimeError, TimeoutError: what did not happen.
    """
    stand_in, cad = FakeDiscord(), FakeCad(community_id="ours", key=KEY, delays={CallRef(1, 302): CAD_SECONDS})
    async with stand_in.serving() as address, cad.serving() as account:
        write_files(folder, address, account)
        _say("the bot is being started")
        started = await _bash(start)

        def registered() -> bool:
            return any(method == "PUT" for method, _, _ in stand_in.sent)

        await until(lambda: registered() or bool(started.returncode), PATIENCE)
        if started.returncode:
            raise RuntimeError(f"the start command failed with exit code {started.returncode}")
        _say("the commands are registered; a dispatcher uses /remove911")
        await stand_in.command("remove911", call_id=302, server_id=1)
        await until(lambda: len(cad.requests_of("REMOVE_911")) == 1, PATIENCE)
        _say("the removal is on the wire; the bot is being stopped")
        stopped = await _bash(stop)
        if await asyncio.wait_for(stopped.wait(), PATIENCE) != 0:
            raise RuntimeError(f"the stop command failed with exit code {stopped.returncode}")
        if await asyncio.wait_for(started.wait(), PATIENCE) != 0:
            raise RuntimeError(f"the start command failed with exit code {started.returncode}")
        answers = [body["content"] for method, path, body in stand_in.sent if path.endswith("/@original")]
        if len(cad.requests_of("REMOVE_911")) != 1 or CallRef(1, 302) in cad.calls:
            raise RuntimeError(f"the call was not removed with one request; the dispatcher reads {answers}")
        if not answers or not answers[-1].startswith("✅ Call **302** removed"):
            raise RuntimeError(f"the dispatcher reads {answers}")
        _say("the dispatcher reads: removed")


async def _bash(command: str) -> asyncio.subprocess.Process:
    # Not `create_subprocess_shell`: sh knows no functions that a script has exported.
    return await asyncio.create_subprocess_exec("bash", "-euo", "pipefail", "-c", command)


def _say(text: str) -> None:
    print(f"first removal: {text}", flush=True)  # noqa: T201 - progress, for the log of CI


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", required=True)
    parser.add_argument("--stop", required=True)
    chosen = parser.parse_args()
    try:
        asyncio.run(play(chosen.folder, chosen.start, chosen.stop))
    except (RuntimeError, TimeoutError, AssertionError) as error:
        _say(f"failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
