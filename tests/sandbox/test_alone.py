"""`sandbox --cad-only`: the settings that it prints point a bot at it, in both versions of the API."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

from bot.cad.client import DIALECTS, CadClient
from bot.cad.model import CallRef, End
from bot.env_file import parse_env_file
from bot.settings import Settings
from tests.removing import removed
from tests.test_main import environment, run


def test_the_cad_alone_prints_settings_that_work(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--cad-only"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        values, mistakes = parse_env_file("".join(lines).encode())
        needed = {"DISCORD_TOKEN": "a.b.c", "DISPATCHER_ROLE_IDS": "1" * 18}
        settings = Settings.from_mapping({**values, **needed}, mistakes)

        async def remove() -> list[End]:
            ends: list[End] = []
            for number, dialect in zip((301, 302), DIALECTS.values(), strict=True):
                async with CadClient(settings.account, dialect) as client:
                    ends.append((await removed(client, CallRef(1, number))).end)
            return ends

        assert asyncio.run(remove()) == [End.REMOVED, End.REMOVED]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
    assert lines[-1] == "# SONORAN_API_VERSION=v2\n"


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("sandbox", "--cad-only", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert ended.returncode == 1
    assert "can't be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_plan_can_be_chosen(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--cad-only", "--plan", "standard"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "the plan Standard" in "".join(process.stdout.readline() for _ in range(6))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0
    ended = run("sandbox", "--plan", "platinum", cwd=tmp_path)
    assert ended.returncode == 2
    assert "choose from" in ended.stderr
