"""The command line: `run` (the default), `init`, `check`, `sandbox` and `forget`. Arguments in, exit code out."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import io
import logging
import os
import re
import sys
from pathlib import Path

from bot import __version__, logs, proxy
from bot.app import CadBot
from bot.cad.client import API_VERSIONS, CadClient
from bot.cad.models import Plan
from bot.calls.cache import CallCache
from bot.config.env_file import merge_environment, parse_env_file
from bot.config.errors import BAD_SETTINGS, SettingsError
from bot.config.schema import REQUIRED
from bot.config.settings import Settings, journal_path
from bot.health import host_checks
from bot.health.check import Check
from bot.health.finding import log_findings
from bot.journal.database import JournalError, forget_user
from bot.journal.store import Journal
from bot.runner import run_bot, run_until_stopped
from bot.text import clean

log = logging.getLogger("bot")

LARGEST_USER_ID = 2**63 - 1
"""Discord's ids have 64 bits; none needs the last one yet."""

MAX_PORT = 65_535

PLANS = {plan.name.lower(): plan for plan in (Plan.FREE, Plan.STARTER, Plan.STANDARD, Plan.PLUS)}
"""The plans of the fake CAD. For this bot, the plans above Plus are the same as Plus."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return the exit code."""
    return logs.finish(_main(arguments))


def _main(arguments: list[str] | None) -> int:
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a Windows console or pipe may not support emoji
        return _dispatch(_parser().parse_args(arguments))
    except KeyboardInterrupt:  # before the signal handlers are set
        return 130
    except _OutputError as error:
        return _output_failed(error.errno, str(error))
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and not (os.name == "nt" and error.errno == errno.EINVAL):
            raise
        return _output_failed(error.errno, "")


_CLOSED = (errno.EPIPE, errno.EINVAL)
"""The reader has closed the pipe, as `head` does. Windows says EINVAL."""


class _OutputError(Exception):
    """Standard output can't be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or type(error).__name__)
        self.errno = error.errno


def _show(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        raise _OutputError(error) from None


def _output_failed(number: int | None, reason: str) -> int:
    """Say so, unless the reader has closed the pipe: nobody reads any more."""
    # What is still buffered would fail once more when the process ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if number not in _CLOSED:
        with contextlib.suppress(OSError):
            print(f"Standard output can't be written: {reason}.", file=sys.stderr)
    return 1


def _dispatch(chosen: argparse.Namespace) -> int:
    if not _has_folder():
        print("The folder that this was started in no longer exists. Start it in the bot's folder.", file=sys.stderr)
        return BAD_SETTINGS
    if chosen.command == "sandbox" and chosen.cad_only:
        return _cad_only(chosen.port, PLANS[chosen.plan])
    if chosen.command == "sandbox":
        return _sandbox(play_script=chosen.script, browser=not chosen.no_browser, plan=PLANS[chosen.plan])
    if chosen.command == "init":
        from bot import init  # noqa: PLC0415 - a running bot asks nothing

        logs.configure("CRITICAL", ())  # the dialog says what the libraries would log
        return init.run(Path(".env"))
    if chosen.command == "check":
        return _check()
    if chosen.command == "forget":
        return _forget(chosen.user_id)
    return _run()


def _has_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _port(written: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", written) or int(written) > MAX_PORT:
        raise argparse.ArgumentTypeError(
            f"found {written!r}; allowed: a number from 0 to {MAX_PORT}; 0 is any free one"
        )
    return int(written)


def _parser() -> argparse.ArgumentParser:
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
        "Ctrl-C or SIGTERM stops it. Exit code 2: the settings or the token can't be used; 1: it crashed.",
    )
    command(
        "init",
        "ask for the four settings, check each, and write .env",
        "What you type for the token and the key is not shown. Exit code 0: written; 1: not wanted, or it can't be "
        "written; 2: there is no terminal; 130: stopped by Ctrl-C.",
    )
    command(
        "check",
        "check the settings, Discord and the CAD; changes nothing",
        "Each problem comes with what to do about it. The bot may be running. "
        "Exit code 0: it works; 1: something fails, or is not known; 2: the settings or the token can't be used.",
    )
    sandbox = command("sandbox", "try the bot on a page in your browser: no account, no key, no settings")
    sandbox.add_argument("--no-browser", action="store_true", help="only print the page's address")
    sandbox.add_argument("--script", action="store_true", help="play a short story in the terminal, without a page")
    sandbox.add_argument(
        "--plan", choices=PLANS, default="plus", help="the fake CAD's plan (default: plus); the story uses its own"
    )
    sandbox.add_argument("--cad-only", action="store_true", help="start only the fake CAD, to point a bot at")
    sandbox.add_argument("--port", type=_port, default=0, help="the fake CAD's port (default: any free port)")
    forgetting = command("forget", "remove a person from the journal; the entries stay. The bot may be running")
    forgetting.add_argument("user_id", metavar="USER_ID", help="the person's Discord id, 15 to 20 digits")
    return parser


def _sandbox(*, play_script: bool, browser: bool, plan: Plan) -> int:
    try:
        # Here, since a bot that runs for real needs none of it.
        from bot.sandbox import page, script  # noqa: PLC0415
    except ImportError as error:
        print(
            f"The sandbox needs more packages ({error.name} is missing). Install them with:\n"
            f'  {sys.executable} -m pip install -c constraints.txt -e ".[sandbox]"',
            file=sys.stderr,
        )
        return BAD_SETTINGS
    # The page and the story show what matters. The story causes errors on purpose, and reports the others itself.
    logs.configure("CRITICAL" if play_script else "ERROR", ())
    if play_script:
        return asyncio.run(script.play())
    return asyncio.run(run_until_stopped(lambda stop: page.show(stop, browser=browser, plan=plan)))


def _cad_only(port: int, plan: Plan) -> int:
    from bot.sandbox import cad_only  # noqa: PLC0415 - a bot that runs for real needs none of it

    return asyncio.run(run_until_stopped(lambda stop: cad_only.serve(stop, port, plan)))


def _check() -> int:
    logs.configure("CRITICAL", ())  # the table shows what the libraries would log
    checking = Check(_show, Path(".env"))
    try:
        settings = _load_settings()
    except SettingsError as error:
        return checking.report_mistakes(error.mistakes)
    logs.configure("CRITICAL", (*settings.secrets, *proxy.secrets()))
    try:
        return asyncio.run(_run_check(checking, settings))
    except _OutputError:
        raise
    except Exception:
        log.critical("the check itself failed", exc_info=True)  # through the log, which redacts secrets
        return 1


async def _run_check(checking: Check, settings: Settings) -> int:
    client = CadClient(settings.account, API_VERSIONS[settings.api_version])
    bot = CadBot(settings, client, Journal(settings.database_path), CallCache(client))  # none of them opened
    await bot.load_commands()
    return await checking.run(settings, [command.name for command in bot.guild_commands])


def _run() -> int:
    try:
        settings = _load_settings()
    except SettingsError as error:
        return _report_mistakes(error)
    logs.configure(settings.log_level, (*settings.secrets, *proxy.secrets()))
    log_findings([*host_checks.check_env_file(Path(".env")), *host_checks.check_proxy()])
    try:
        return asyncio.run(run_until_stopped(lambda stop: run_bot(settings, stop)))
    except Exception:
        log.exception("the bot crashed")
        logs.flush()
        print("The bot crashed. The log above shows the error.", file=sys.stderr)
        return 1


def _forget(user_id: str) -> int:
    if not re.fullmatch("[0-9]{15,20}", user_id) or int(user_id) > LARGEST_USER_ID:
        print(
            f"USER_ID can't be {clean(user_id)!r}; allowed: a Discord id, 15 to 20 digits (switch Developer Mode on, "
            "right click on the person, Copy User ID). Nothing was changed.",
            file=sys.stderr,
        )
        return BAD_SETTINGS
    values, mistakes, _ = _read_env()
    try:
        # Works without token and key, for a bot that is no longer used.
        path = journal_path(values, mistakes)
    except SettingsError as error:
        return _report_mistakes(error)
    try:
        named, still_open = asyncio.run(forget_user(path, int(user_id)))
    except (JournalError, OSError) as error:
        print(f"The journal {path} can't be used: {error}. Nothing was changed.", file=sys.stderr)
        return 1
    if not named:
        print(f"No entry of {path} names user {user_id}. Nothing had to be changed.")
        return 0
    entries = "1 entry" if named == 1 else f"{named} entries"
    print(f"{entries} of {path} named user {user_id} ({still_open} not ended yet). Now no entry does.")
    print("Posts in the audit channel and log files are not changed: delete those by hand.")
    return 0


def _report_mistakes(error: SettingsError) -> int:
    """Print the mistakes in the settings."""
    print("The settings can't be used:", *(f"  - {mistake}" for mistake in error.mistakes), sep="\n", file=sys.stderr)
    print(
        "\n.env.example explains every setting. The bot reads them from .env in the folder that it is started in,\n"
        "and from the environment. To try the bot without settings: "
        f"{sys.executable} -m bot sandbox",
        file=sys.stderr,
    )
    return BAD_SETTINGS


def _load_settings() -> Settings:
    values, mistakes, missing = _read_env()
    try:
        return Settings.from_mapping(values, mistakes)
    except SettingsError as error:
        # A missing .env is no mistake by itself: all settings may be in the environment.
        raise SettingsError(missing + error.mistakes) from None


def _read_env() -> tuple[dict[str, str], list[str], list[str]]:
    """Return the settings as written, the mistakes in .env, and the message for a missing .env."""
    values, mistakes, missing = dict[str, str](), list[str](), list[str]()
    try:
        values, mistakes = parse_env_file(Path(".env").read_bytes())
    except FileNotFoundError:
        # Where the environment has needed settings, even empty ones, nobody wants a file: in a container, for example.
        if not any(name in os.environ for name in REQUIRED):
            wrong_name = Path(".env.txt").exists()
            remedy = ".env.txt is there: rename it" if wrong_name else "init makes it, or copy .env.example to .env"
            missing = [f".env: there is none in {Path.cwd()}; {remedy}"]
    except OSError as error:
        mistakes = [f".env: it can't be read ({error.strerror}); allowed: a file that the bot may read"]
    return merge_environment(values, os.environ), mistakes, missing
