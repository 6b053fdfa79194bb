"""The command line, as people run it: exit codes, and what they read."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord.gateway
import discord.http
import pytest
from aiohttp import web
from yarl import URL

from bot import __version__
from bot.__main__ import main
from bot.cad import v2
from bot.cad.model import Account, CallRef
from bot.entries import Asker
from bot.errors import BAD_SETTINGS
from bot.journal import Journal
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.story import play
from bot.sandbox.town import settings_for
from bot.serving import serve
from tests.clocks import until
from tests.discord_stand_in import StandIn
from tests.faults import serving
from tests.test_settings import GOOD, KEY, TOKEN

ROOT = Path(__file__).parent.parent


def environment(**settings: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DISCORD", "SONORAN", "DISPATCH", "GUILD"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8:strict", **settings}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal's default place is the folder that a bot is started in."""
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=cwd, env=environment(**settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_any_settings_it_says_what_is_needed_and_points_to_the_sandbox(tmp_path: Path) -> None:
    ended = run(cwd=tmp_path)
    assert ended.returncode == BAD_SETTINGS
    assert "DISCORD_TOKEN: it is missing" in ended.stderr
    assert f".env: there is none in {tmp_path}; copy .env.example to .env" in ended.stderr
    assert "python -m bot sandbox" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_python_without_the_packages_is_told_which_one_has_them() -> None:
    ended = subprocess.run(  # -S: without site-packages
        [sys.executable, "-S", "-m", "bot", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "lacks the packages that the bot needs (aiohttp, aiosqlite, discord, dotenv)" in ended.stderr
    assert ".venv/bin/python -m bot" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_windows_named_env_txt(tmp_path: Path) -> None:
    (tmp_path / ".env.txt").write_text("LOG_LEVEL=INFO")
    ended = run(cwd=tmp_path)
    assert f".env: there is none in {tmp_path}; .env.txt is there: rename it" in ended.stderr


def test_mistakes_in_file_and_environment_are_told_together(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DISCORD_TOKEN={TOKEN}\nSONORAN_API_KEY={KEY}\nSONORAN_COMUNITY_ID=ours\n")
    ended = run(cwd=tmp_path, DISPATCHER_ROLE_IDS="Dispatcher")
    assert ended.returncode == BAD_SETTINGS
    assert "SONORAN_COMUNITY_ID: there is no such setting; did you mean SONORAN_COMMUNITY_ID?" in ended.stderr
    assert "DISPATCHER_ROLE_IDS: found 'Dispatcher'" in ended.stderr
    assert KEY not in ended.stderr
    assert TOKEN not in ended.stderr


def test_an_env_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    ended = run(cwd=tmp_path)
    assert ended.returncode == BAD_SETTINGS
    assert ".env: it can't be read" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        ("--version", __version__),
        ("--help", "no account, no key, no settings"),
        ("run --help", "Run the bot with the settings in .env and the environment (the default). Ctrl-C or SIGTERM"),
        ("check --help", "Exit code 0: it works; 1: something fails; 2: the settings or the token can't be used."),
        ("sandbox --help", "only print the page's address"),
        ("forget --help", "Take a person out of the journal"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments.split())
        assert ended.value.code == 0
        assert says in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_the_sandboxs_story(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISCORD_TOKEN=would be a mistake\n")
    ended = run("sandbox", "--script", cwd=tmp_path, SONORAN_SERVER_ID="would be a mistake")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "dana reads  ✅ Call 302 on server 1 was removed." in ended.stdout
    assert "Everybody saw what they should." in ended.stdout
    assert ended.stdout.count("You need the role") == 2
    assert not set("*`<>") & set(ended.stdout)  # as Discord shows it
    assert "DIFFERS" not in ended.stdout


def test_the_story_where_no_emoji_can_be_shown(tmp_path: Path) -> None:
    ended = run("sandbox", "--script", cwd=tmp_path, PYTHONIOENCODING="cp1252")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "dana reads  \\u2705 Call" in ended.stdout


@pytest.mark.usefixtures("own_logging")
async def test_the_story_is_the_same_in_v2(capsys: pytest.CaptureFixture[str]) -> None:
    assert await play(v2) == 0
    told = capsys.readouterr().out
    assert "dana reads  ✅ Call 302 on server 1 was removed." in told
    assert "DIFFERS" not in told


@pytest.mark.usefixtures("own_logging")
def test_a_story_that_goes_differently_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.words.role_needed", lambda _: "Do come in.")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert main(["sandbox", "--script"]) == 1
    assert "DIFFERS: the answer lacks 'You need the role'" in capsys.readouterr().out


def test_ctrl_c_while_the_libraries_load_shows_no_traceback(tmp_path: Path) -> None:
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


def test_whoever_stops_reading_gets_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "check"], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandboxs_page_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--no-browser"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert re.match(
            r"The sandbox is at +http://127\.0\.0\.1:\d+/#\S+ +\(Ctrl-C ends it\)", process.stdout.readline()
        )
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out == "The sandbox is closed. Nothing of it is kept.\n"


def test_a_real_run_imports_nothing_that_only_the_sandbox_needs() -> None:
    code = "import sys, bot.__main__, cogs.remove911; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"simcord", "PIL", "markdown_it", "av", "dotenv.main"} & set(loaded.stdout.split())
    assert "discord" in loaded.stdout.split()


@pytest.mark.usefixtures("own_logging")
def test_without_the_sandboxs_packages_it_says_how_to_get_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("bot.sandbox", "simcord"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "simcord", None)
    assert main(["sandbox"]) == BAD_SETTINGS
    assert 'pip install -c constraints.txt -e ".[sandbox]"' in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_real_process_that_is_stopped_in_the_middle_of_a_removal(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Over a real websocket: what is on the wire ends, its reply is edited, and only then the bot leaves."""
    stand_in, cad = StandIn(), LoopbackCad(community_id="ours", key="planted-key", seconds={CallRef(1, 302): 0.5})
    async with stand_in.serving() as address, cad.serving() as account:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.our_bot", address, str(account.url), str(tmp_path / "journal.db"), "v1", "",
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"READY\n"
            await until(lambda: any(method == "PUT" for method, _, _ in stand_in.sent))
            await stand_in.command("remove911", call_id=302, server_id=1)
            await until(lambda: len(cad.asked_for("REMOVE_911")) == 1)
            process.send_signal(number)
            _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"registered /remove911, /calls911, /cad911, Remove 911 call in Los Santos" in errors
    assert b"Traceback" not in errors
    method, path, body = stand_in.sent[-1]
    assert (method, path.rpartition("/")[2]) == ("PATCH", "@original")
    assert body["content"] == "✅ Call **302** on server **1** was removed. The CAD confirmed it."
    puts = [path for method, path, _ in stand_in.sent if method == "PUT"]
    assert len(puts) == 1
    assert "/guilds/" in puts[0]


@asynccontextmanager
async def discord_that_answers(status: int, body: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Discord's REST side on this machine, to which a real log-in goes."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield asked
    finally:
        await runner.cleanup()


ACCOUNT = Account(URL("https://cad.invalid"), "ours", KEY)


async def test_a_refused_token_is_no_crash_and_no_restart(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with discord_that_answers(401, {"message": "401: Unauthorized", "code": 0}, monkeypatch) as asked:
        assert await serve(settings_for(ACCOUNT, (1,)), asyncio.Event()) == BAD_SETTINGS
    assert asked == ["/users/@me"]
    assert "Discord refused DISCORD_TOKEN" in caplog.text


async def test_a_token_that_the_gateway_refuses_is_no_crash_either(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with StandIn(refuse_with=4004).serving() as address:
        monkeypatch.setattr(discord.http.Route, "BASE", address)
        gateway = URL(address).with_scheme("ws") / "gateway"
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        assert await serve(settings_for(ACCOUNT, (1,)), asyncio.Event()) == BAD_SETTINGS
    assert "Discord refused DISCORD_TOKEN" in caplog.text


async def test_without_a_network_it_keeps_trying_and_stops_when_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with discord_that_answers(200, {}, monkeypatch):
        pass
    stop = asyncio.Event()
    running = asyncio.create_task(serve(settings_for(ACCOUNT, (1,)), stop))
    async with asyncio.timeout(10):
        while "Discord can't be reached" not in caplog.text:
            await asyncio.sleep(0.01)
    assert "next try in 5 s" in caplog.text
    stop.set()
    assert await running == 0


async def test_stopping_while_discord_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with serving(silent) as account:
        monkeypatch.setattr(discord.http.Route, "BASE", str(account.url).rstrip("/"))
        stop = asyncio.Event()
        running = asyncio.create_task(serve(settings_for(ACCOUNT, (1,)), stop))
        await arrived.wait()
        stop.set()
        async with asyncio.timeout(5):
            assert await running == 0


async def test_a_crash_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discord_that_answers(200, "no user", monkeypatch):
        with pytest.raises(TypeError):
            await serve(settings_for(ACCOUNT, (1,)), asyncio.Event())


@pytest.mark.usefixtures("own_logging")
def test_a_crash_ends_with_1_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def crash(*_: object) -> int:
        raise RuntimeError(f"something with {TOKEN} in it")

    monkeypatch.chdir(tmp_path)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bot.__main__.serve", crash)
    assert main([]) == 1
    told = capsys.readouterr().err
    assert "RuntimeError: something with [secret] in it" in told
    assert told.endswith("The bot stopped because of an error; the log above says which.\n")


def test_forget_takes_a_person_out_of_the_journal(tmp_path: Path) -> None:
    async def note() -> None:
        async with Journal(tmp_path / "journal.db") as journal:
            asker = Asker(user_id=100000000000000001, guild_id=1, channel_id=2, way="/remove911")
            await journal.asked("r1", CallRef(1, 302), asker)

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
    assert "audit channel and log files are not touched" in re.sub(r"\s+", " ", ended.stdout)
    again = run("forget", "100000000000000001", cwd=tmp_path, **settings)
    assert again.stdout == "No entry of journal.db names user 100000000000000001. Nothing had to be changed.\n"


def test_forget_does_not_guess_which_journal_is_meant(tmp_path: Path) -> None:
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
