"""`sandbox --cad-only`: a bot with the printed settings can use it, in both versions of the API."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

from bot.cad.client import API_VERSIONS, CadClient
from bot.cad.models import CallRef
from bot.cad.results import Outcome
from bot.config.env_file import parse_env_file
from bot.config.settings import Settings
from tests.support.cad import remove_and_wait
from tests.support.platforms import WINDOWS
from tests.support.processes import environment, run


def end(process: subprocess.Popen[str]) -> int:
    """End a process, with Ctrl-C where a process can send that. Return the exit code that it should have."""
    if WINDOWS:
        process.terminate()
        return 1
    process.send_signal(signal.SIGINT)
    return 0


def test_cad_only_prints_settings_that_work_in_both_versions(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--cad-only"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        values, errors = parse_env_file("".join(lines).encode())
        required = {"DISCORD_TOKEN": "a.b.c", "DISPATCHER_ROLE_IDS": "1" * 18}
        settings = Settings.from_mapping({**values, **required}, errors)

        async def remove_two() -> list[Outcome]:
            outcomes: list[Outcome] = []
            for call_id, api in zip((301, 302), API_VERSIONS.values(), strict=True):
                async with CadClient(settings.account, api) as client:
                    outcomes.append((await remove_and_wait(client, CallRef(1, call_id))).outcome)
            return outcomes

        assert asyncio.run(remove_two()) == [Outcome.REMOVED, Outcome.REMOVED]
        expected = end(process)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == expected
    assert lines[-1] == "# SONORAN_API_VERSION=v2\n"


def test_port_in_use_ends_with_one_sentence_and_code_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finished = run("sandbox", "--cad-only", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert finished.returncode == 1
    assert "can't be used" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_plan_option_sets_the_cads_plan_and_rejects_unknown_names(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--cad-only", "--plan", "standard"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "the plan Standard" in "".join(process.stdout.readline() for _ in range(6))
        expected = end(process)
        process.communicate(timeout=20)
    assert process.returncode == expected
    finished = run("sandbox", "--plan", "platinum", cwd=tmp_path)
    assert finished.returncode == 2
    assert "choose from" in finished.stderr
