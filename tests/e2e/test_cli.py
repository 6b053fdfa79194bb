"""The command line in processes of its own: exit codes, and what a host reads."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bot import __version__
from bot.cad.models import CallRef
from bot.config.errors import BAD_SETTINGS
from bot.journal.entries import Requester
from bot.journal.store import Journal
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.clocks import until
from tests.support.fake_discord import FakeDiscord
from tests.support.platforms import needs_signals
from tests.support.processes import ROOT, environment, run
from tests.support.settings import GOOD, KEY, TOKEN

pytestmark = pytest.mark.usefixtures("own_folder")


def test_start_without_settings_lists_them_and_mentions_the_sandbox(tmp_path: Path) -> None:
    ended = run(cwd=tmp_path)
    assert ended.returncode == BAD_SETTINGS
    assert "DISCORD_TOKEN: it is missing" in ended.stderr
    assert f".env: there is none in {tmp_path}; init makes it, or copy .env.example to .env" in ended.stderr
    assert f"{sys.executable} -m bot sandbox" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_missing_packages_are_named_with_the_right_python() -> None:
    ended = subprocess.run(  # -S: without site-packages
        [sys.executable, "-S", "-m", "bot", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "lacks the packages that the bot needs (aiohttp, aiosqlite, discord, dotenv)" in ended.stderr
    assert ".venv/bin/python -m bot" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("start", ["bot/__main__.py", "bot", str(ROOT / "bot" / "__main__.py"), str(ROOT / "bot")])
@pytest.mark.parametrize("folder", ["the project's", "another"])
def test_file_starts_the_bot_without_m(tmp_path: Path, start: str, folder: str) -> None:
    if folder == "another":
        start = str(ROOT / start)
    # -S with the packages' folder: as on a panel, where the project is not installed in editable mode.
    ended = subprocess.run(
        [sys.executable, "-S", start, "--version"], cwd=ROOT if folder == "the project's" else tmp_path,
        env={**environment(), "PYTHONPATH": sysconfig.get_path("purelib")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"remove911 {__version__}\n", "")


def test_env_txt_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / ".env.txt").write_text("LOG_LEVEL=INFO")
    ended = run(cwd=tmp_path)
    assert f".env: there is none in {tmp_path}; .env.txt is there: rename it" in ended.stderr


def test_settings_from_the_environment_need_no_env_file(tmp_path: Path) -> None:
    for arguments in ((), ("check",)):
        ended = run(*arguments, cwd=tmp_path, DISCORD_TOKEN="", DISPATCHER_ROLE_IDS="x")  # as Compose sets
        assert ended.returncode == BAD_SETTINGS
        said = ended.stdout + ended.stderr
        assert "DISCORD_TOKEN" in said
        assert "there is none in" not in said


def test_mistakes_in_file_and_environment_are_listed_together(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DISCORD_TOKEN={TOKEN}\nSONORAN_API_KEY={KEY}\nSONORAN_COMUNITY_ID=ours\n")
    ended = run(cwd=tmp_path, DISPATCHER_ROLE_IDS="Dispatcher")
    assert ended.returncode == BAD_SETTINGS
    assert "SONORAN_COMUNITY_ID: there is no such setting; did you mean SONORAN_COMMUNITY_ID?" in ended.stderr
    assert "DISPATCHER_ROLE_IDS: found 'Dispatcher'" in ended.stderr
    assert KEY not in ended.stderr
    assert TOKEN not in ended.stderr


def test_env_folder_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    for arguments, says in (((), ".env: it can't be read"), (("check",), "FAIL  .env")):
        ended = run(*arguments, cwd=tmp_path)
        assert ended.returncode == BAD_SETTINGS
        told = ended.stdout + ended.stderr
        assert says in told
        assert "Traceback" not in told
        assert "it is missing" not in told


def test_sandbox_script_plays_its_story(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISCORD_TOKEN=would be a mistake\n")
    ended = run("sandbox", "--script", cwd=tmp_path, SONORAN_SERVER_ID="would be a mistake")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.strip() in (ROOT / "README.md").read_text("utf-8")
    assert not set("*`<>") & set(ended.stdout)  # as Discord shows it


def test_sandbox_script_works_without_emoji(tmp_path: Path) -> None:
    ended = run("sandbox", "--script", cwd=tmp_path, PYTHONIOENCODING="cp1252")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\n    \\u2705 Call" in ended.stdout


@needs_signals
def test_ctrl_c_while_libraries_load_shows_no_traceback(tmp_path: Path) -> None:
    slow = tmp_path / "discord"
    slow.mkdir()
    (slow / "__init__.py").write_text("import time\nprint('LOADING', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "bot"], cwd=ROOT, env=environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "LOADING\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == -signal.SIGINT


def test_closed_pipe_shows_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "check"], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 1


FILLED = {**GOOD, "SONORAN_API_URL": "http://127.0.0.1:9"}


def test_reader_that_closes_the_pipe_of_a_full_check_reads_no_traceback(tmp_path: Path) -> None:
    """As in `python -m bot check | head -1`."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "check"], cwd=tmp_path, env=environment(**FILLED),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "This machine\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.skipif(
    os.name == "nt" or not Path("/dev/full").exists(), reason="only Linux has a device that is always full"
)
@pytest.mark.parametrize("settings", [{}, FILLED])
def test_full_standard_output_is_told_in_a_sentence(tmp_path: Path, settings: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "bot", "check"], cwd=tmp_path, env=environment(**settings),
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.stderr == "Standard output can't be written: No space left on device.\n"
    assert ended.returncode == 1


@pytest.mark.skipif(os.name == "nt", reason="started by a shell of Unix")
def test_closed_standard_output_keeps_the_exit_code_and_says_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m bot check >&-', sys.executable], cwd=tmp_path, env=environment(),
        stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (BAD_SETTINGS, "")


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINVAL])
def test_closed_pipe_is_silent_whatever_the_system_calls_it(number: int, tmp_path: Path) -> None:
    """Windows reports a closed pipe as EINVAL."""
    code = (
        "import sys, bot.cli as cli\n"
        "def closed(*_, **__): raise OSError(int(sys.argv[1]), 'closed')\n"
        "cli.print = closed\n"
        "sys.exit(cli.main(['check']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(number)], cwd=tmp_path, env=environment(), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize("port", ["99999", "-1", "http", "8080.5"])
def test_port_out_of_range_is_named(tmp_path: Path, port: str) -> None:
    ended = run("sandbox", "--cad-only", f"--port={port}", cwd=tmp_path)
    assert ended.returncode == 2
    assert f"argument --port: found '{port}'; allowed: a number from 0 to 65535" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no folder that a process is in")
@pytest.mark.parametrize("command", ["check", "run", "forget 100000000000000001", "sandbox --script"])
def test_deleted_working_folder_is_told_in_a_sentence(tmp_path: Path, command: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = subprocess.run(
        ["/bin/sh", "-c", f'rmdir "$PWD" && exec "$0" -m bot {command}', sys.executable], cwd=gone, env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == BAD_SETTINGS
    assert "The folder that this was started in no longer exists. Start it in the bot's folder." in ended.stderr
    assert "Traceback" not in ended.stderr


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_page_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--no-browser"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "The sandbox starts. That takes a few seconds.\n"
        assert re.match(
            r"The sandbox is at +http://127\.0\.0\.1:\d+/#\S+ +\(Ctrl-C ends it\)", process.stdout.readline()
        )
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out == "The sandbox is closed. Nothing of it is kept.\n"


def test_real_run_imports_no_sandbox_packages() -> None:
    code = "import sys, bot.__main__, cogs.remove911; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"simcord", "PIL", "markdown_it", "av", "dotenv.main"} & set(loaded.stdout.split())
    assert "discord" in loaded.stdout.split()


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_stopped_process_finishes_the_removal_on_the_wire(number: signal.Signals, tmp_path: Path) -> None:
    """Over a real websocket: what is on the wire ends, its reply is edited, and only then the bot leaves."""
    stand_in, cad = FakeDiscord(), FakeCad(community_id="ours", key="planted-key", delays={CallRef(1, 302): 0.5})
    async with stand_in.serving() as address, cad.serving() as account:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.bot_process", address, str(account.url),
            str(tmp_path / "journal.db"), "v1", "",
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"READY\n"
            await until(lambda: any(method == "PUT" for method, _, _ in stand_in.sent))
            await stand_in.command("remove911", call_id=302, server_id=1)
            await until(lambda: len(cad.requests_of("REMOVE_911")) == 1)
            process.send_signal(number)
            _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"registered /remove911, /calls911, /cad911, Remove 911 call in Los Santos" in errors
    assert b"Traceback" not in errors
    method, path, body = stand_in.sent[-1]
    assert (method, path.rpartition("/")[2]) == ("PATCH", "@original")
    assert body["content"] == "✅ Call **302** removed (server **1**)."
    puts = [path for method, path, _ in stand_in.sent if method == "PUT"]
    assert len(puts) == 1
    assert "/guilds/" in puts[0]


def test_forget_removes_a_person_from_the_journal(tmp_path: Path) -> None:
    async def note() -> None:
        async with Journal(tmp_path / "journal.db") as journal:
            requester = Requester(user_id=100000000000000001, guild_id=1, channel_id=2, way="/remove911")
            await journal.record_request("r1", CallRef(1, 302), requester)

    settings = {"DATABASE_PATH": "journal.db"}  # no token and no key: the bot may be gone already
    missing = run("forget", "100000000000000001", cwd=tmp_path, **settings)
    assert missing.returncode == 1
    assert "The journal journal.db can't be used: there is no such file" in missing.stderr
    asyncio.run(note())
    wrong = run("forget", "dana", cwd=tmp_path, **settings)
    assert wrong.returncode == BAD_SETTINGS
    assert "USER_ID can't be 'dana'; allowed: a Discord id, 15 to 20 digits" in wrong.stderr
    ended = run("forget", "100000000000000001", cwd=tmp_path, **settings)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 entry of journal.db named user 100000000000000001 (1 not ended yet). Now no entry does." in ended.stdout
    assert "audit channel and log files are not changed" in re.sub(r"\s+", " ", ended.stdout)
    again = run("forget", "100000000000000001", cwd=tmp_path, **settings)
    assert again.stdout == "No entry of journal.db names user 100000000000000001. Nothing had to be changed.\n"


def test_forget_refuses_a_wrong_database_path(tmp_path: Path) -> None:
    for written, mistake in (
        ("DATABASE_PATH", ".env: line 1 is not a setting"),
        ("DATABASE_PAHT=journal.db", "did you mean DATABASE_PATH?"),
        ("DATABASE_PATH=.", "DATABASE_PATH: it is a folder"),
    ):
        (tmp_path / ".env").write_text(written)
        ended = run("forget", "100000000000000001", cwd=tmp_path)
        assert ended.returncode == BAD_SETTINGS
        assert mistake in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {".env"}
