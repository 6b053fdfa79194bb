"""The command line: `python -m bot` runs the bot, `python -m bot sandbox` shows it without any account."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec

if missing := [name for name in ("aiohttp", "aiosqlite", "discord", "dotenv") if find_spec(name) is None]:
    sys.exit(
        f"This Python ({sys.executable}) lacks the packages that the bot needs ({', '.join(missing)}).\n"
        "README.md has the line that installs them; then start the bot with .venv/bin/python -m bot "
        "(on Windows .venv\\Scripts\\python -m bot)."
    )

# Until all is loaded, Ctrl-C ends the process at once: Python's own way would show where it was.
_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import io
import logging
import os
import re
from functools import partial
from pathlib import Path

from bot import __version__, logs
from bot.app import CadBot
from bot.board import Board
from bot.cad.client import DIALECTS, CadClient
from bot.cad.model import Plan
from bot.env_file import merged, parse_env_file
from bot.errors import BAD_SETTINGS, SettingsError
from bot.health import machine, to_the_log
from bot.health.check import Check
from bot.journal import Journal
from bot.journal_file import JournalError, forget
from bot.serving import serve, until_stopped
from bot.settings import Settings, journal_path
from bot.text import clean

signal.signal(signal.SIGINT, _ctrl_c)

log = logging.getLogger("bot")

LARGEST_USER_ID = 2**63 - 1
"""Discord's ids are 64-bit; none so far needs the last bit."""

PLANS = {plan.name.lower(): plan for plan in (Plan.FREE, Plan.STARTER, Plan.STANDARD, Plan.PLUS)}
"""The plans that the sandbox's CAD can have: those above Plus differ in nothing that the bot does."""


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for, and return the exit code."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a Windows console or pipe may know no emoji
        return _do(_command_line().parse_args(arguments))
    except KeyboardInterrupt:  # before the signals were ours
        return 130
    except BrokenPipeError:  # whoever read this has had enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _do(chosen: argparse.Namespace) -> int:
    if chosen.command == "sandbox" and chosen.cad_only:
        return _cad_alone(chosen.port, PLANS[chosen.plan])
    if chosen.command == "sandbox":
        return _sandbox(script=chosen.script, browser=not chosen.no_browser, plan=PLANS[chosen.plan])
    if chosen.command == "check":
        return _check()
    if chosen.command == "forget":
        return _forget(chosen.user_id)
    return _run()


def _command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="A Discord bot that removes 911 calls from Sonoran CAD."
    )
    parser.add_argument("--version", action="version", version=f"remove911 {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, about: str, more: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}. {more}".rstrip())

    command(
        "run",
        "run the bot with the settings in .env and the environment (the default)",
        "Ctrl-C or SIGTERM ends it. Exit code 2: the settings or the token can't be used; 1: it crashed.",
    )
    command(
        "check",
        "look at settings, Discord and CAD, and change nothing",
        "Each failure comes with its remedy. It may be run beside the bot. "
        "Exit code 0: it works; 1: something fails; 2: the settings or the token can't be used.",
    )
    sandbox = command("sandbox", "try the bot on a page in your browser: no account, no key, no settings")
    sandbox.add_argument("--no-browser", action="store_true", help="only print the page's address")
    sandbox.add_argument("--script", action="store_true", help="play a short story here, without a page")
    sandbox.add_argument(
        "--plan", choices=PLANS, default="plus", help="the pretend CAD's plan, plus by default; the story has its own"
    )
    sandbox.add_argument("--cad-only", action="store_true", help="only the pretend CAD, for a bot to be pointed at it")
    sandbox.add_argument("--port", type=int, default=0, help="where the pretend CAD listens; any free port by default")
    forgetting = command("forget", "take a person out of the journal; the entries stay. Works while the bot runs")
    forgetting.add_argument("user_id", metavar="USER_ID", help="the person's Discord id, 15 to 20 digits")
    return parser


def _sandbox(*, script: bool, browser: bool, plan: Plan) -> int:
    try:
        # Here, since a bot that runs for real needs none of it.
        from bot.sandbox import page, story  # noqa: PLC0415
    except ImportError as error:
        print(
            f"The sandbox needs more packages ({error.name} is missing). Install them with:\n"
            f'  {sys.executable} -m pip install -c constraints.txt -e ".[sandbox]"',
            file=sys.stderr,
        )
        return BAD_SETTINGS
    # What people see is on the page or in the story, which provokes errors and tells of those that it did not.
    logs.set_up("CRITICAL" if script else "ERROR", ())
    if script:
        return asyncio.run(story.play())
    return asyncio.run(until_stopped(lambda stop: page.show(stop, browser=browser, plan=plan)))


def _cad_alone(port: int, plan: Plan) -> int:
    from bot.sandbox import alone  # noqa: PLC0415 - a bot that runs for real needs none of it

    return asyncio.run(until_stopped(lambda stop: alone.serve(stop, port, plan)))


def _check() -> int:
    logs.set_up("CRITICAL", ())  # what the libraries have to say is in the table
    checking = Check(partial(print, flush=True), Path(".env"))
    try:
        settings = _settings()
    except SettingsError as error:
        return checking.refused_settings(error.mistakes)
    logs.set_up("CRITICAL", settings.secrets)
    try:
        return asyncio.run(_checked(checking, settings))
    except Exception:
        log.critical("the check itself failed", exc_info=True)  # through the log, so without secrets
        return 1


async def _checked(checking: Check, settings: Settings) -> int:
    client = CadClient(settings.account, DIALECTS[settings.api_version])
    bot = CadBot(settings, client, Journal(settings.database_path), Board(client))  # none of them opened
    await bot.load_commands()
    return await checking.run(settings, [command.name for command in bot.guild_commands])


def _run() -> int:
    try:
        settings = _settings()
    except SettingsError as error:
        return _refused(error)
    logs.set_up(settings.log_level, settings.secrets)
    to_the_log(machine.env_file(Path(".env")))
    try:
        return asyncio.run(until_stopped(lambda stop: serve(settings, stop)))
    except Exception:
        log.exception("the bot crashed")
        print("The bot stopped because of an error; the log above says which.", file=sys.stderr)
        return 1


def _forget(user_id: str) -> int:
    if not re.fullmatch("[0-9]{15,20}", user_id) or int(user_id) > LARGEST_USER_ID:
        print(
            f"USER_ID can't be {clean(user_id)!r}; allowed: a Discord id, 15 to 20 digits (Developer Mode on, "
            "right click on the person, Copy User ID). Nothing was changed.",
            file=sys.stderr,
        )
        return BAD_SETTINGS
    values, mistakes, _ = _written()
    try:
        # Token and key may be gone already: a person can be forgotten all the same.
        path = journal_path(values, mistakes)
    except SettingsError as error:
        return _refused(error)
    try:
        named, still_open = asyncio.run(forget(path, int(user_id)))
    except (JournalError, OSError) as error:
        print(f"The journal {path} can't be used: {error}. Nothing was changed.", file=sys.stderr)
        return 1
    if not named:
        print(f"No entry of {path} names user {user_id}. Nothing had to be changed.")
        return 0
    entries = "1 entry" if named == 1 else f"{named} entries"
    print(f"{entries} of {path} named user {user_id} ({still_open} not ended yet). Now no entry does.")
    print("Posts in the audit channel and log files are not touched: delete those there.")
    return 0


def _refused(error: SettingsError) -> int:
    """Say what is wrong with the settings."""
    print("The settings can't be used:", *(f"  - {mistake}" for mistake in error.mistakes), sep="\n", file=sys.stderr)
    print(
        "\nEvery setting is explained in .env.example; they are read from .env in the folder that the bot is "
        "started in,\nand from the environment. To see the bot without any: "
        f"{sys.executable} -m bot sandbox",
        file=sys.stderr,
    )
    return BAD_SETTINGS


def _settings() -> Settings:
    values, mistakes, missing = _written()
    try:
        return Settings.from_mapping(values, mistakes)
    except SettingsError as error:
        # No mistake in itself: all may stand in the environment.
        raise SettingsError(missing + error.mistakes) from None


def _written() -> tuple[dict[str, str], list[str], list[str]]:
    """Return the settings as they are written, the mistakes in that, and what to say where there is no .env."""
    values, mistakes, missing = dict[str, str](), list[str](), list[str]()
    try:
        values, mistakes = parse_env_file(Path(".env").read_bytes())
    except FileNotFoundError:
        remedy = ".env.txt is there: rename it" if Path(".env.txt").exists() else "copy .env.example to .env"
        missing = [f".env: there is none in {Path.cwd()}; {remedy}"]
    except OSError as error:
        mistakes = [f".env: it can't be read ({error.strerror}); allowed: a file that the bot may read"]
    return merged(values, os.environ), mistakes, missing


if __name__ == "__main__":
    sys.exit(main())
