"""`init`: asks for the four needed settings, checks each answer at once, and writes .env. Never shows a secret."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import warnings
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import discord

from bot import proxy
from bot.cad.client import API_VERSIONS, CadClient, ProbeDeferred
from bot.cad.models import Plan
from bot.cad.results import Reason, Result
from bot.config.env_file import merge_environment, parse_env_file, replace_settings, write_private_file
from bot.config.errors import BAD_SETTINGS, SettingsError
from bot.config.parsers import parse_api_key, parse_community_id, parse_token
from bot.config.schema import REQUIRED
from bot.config.settings import Settings
from bot.health import cad_checks, discord_checks, report
from bot.health.discord_failure import explain
from bot.health.finding import Finding, fail
from bot.text import clean, truncate

T = TypeVar("T")

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
DISCORD_TIMEOUT = 60.0
"""Seconds for one question to Discord. discord.py retries failed requests itself."""

_PLACEHOLDER = "100000000000000000"
_WRONG_IN_THE_CAD = {Reason.COMMUNITY_ID, Reason.API_KEY}
"""The CAD says that the answer itself is wrong. After any other failure the same answers may work later."""


class CannotAskError(Exception):
    """The questions can't be asked here. The text says why, and what to do."""


def run(env_file: Path) -> int:
    """Ask, check and write; return the exit code."""
    try:
        return Dialog(env_file).run()
    except (CannotAskError, SettingsError) as error:
        print(f"{error}\nNothing was written.", file=sys.stderr)
        return BAD_SETTINGS
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. Nothing was written.")
        return STOPPED
    except OSError as error:
        print(f"{env_file.absolute()} can't be written ({error.strerror}). Nothing was written.", file=sys.stderr)
        return 1


class Dialog:
    """The questions, one after the other. Only the last step changes anything.

    Args:
        env_file: the file to write.
    """

    def __init__(self, env_file: Path) -> None:
        self._env_file = env_file
        self._answers: dict[str, str] = {}

    def run(self) -> int:
        """Ask everything, then write the file.

        Raises:
            CannotAskError, SettingsError: something else has to be put right first.
            OSError: the file can't be written.
        """
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CannotAskError(
                "init asks questions, so it needs a terminal. Without one, copy .env.example to .env and fill it in."
            )
        if taken := [name for name in REQUIRED if os.environ.get(name, "").strip()]:
            raise CannotAskError(
                f"{', '.join(taken)}: set in the environment, which wins over .env. Unset it, or do without .env."
            )
        old = self._read_old_file()
        print(f"Four questions, then {self._env_file.absolute()} is written. Ctrl-C stops, and nothing is written.")
        if old is not None:
            print("\nThere is a .env already. Only its answers to these four questions are replaced; the rest stays.")
            if not _yes("Replace them? [y/N] ", default=False):
                print("Nothing was written.")
                return 1
        self._ask_token()
        self._ask_role(self._ask_guild())
        self._ask_cad()
        write_private_file(
            self._env_file, replace_settings(old or "", {name: self._answers[name] for name in REQUIRED})
        )
        print(f"\nWritten: {self._env_file.absolute()}")
        print(f"Start the bot:       {_own_command()}")
        print(f"Check it at any time: {_own_command()} check")
        return 0

    def _read_old_file(self) -> str | None:
        folder = self._env_file.absolute().parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise CannotAskError(f"This user may not write into {folder}. Start init where the bot is to run.")
        try:
            content = self._env_file.read_bytes()
        except FileNotFoundError:
            return None
        if mistakes := parse_env_file(content)[1]:
            raise SettingsError(mistakes)
        return content.decode("utf-8-sig")

    def _ask_token(self) -> None:
        print(
            "\n1. The bot's token. On https://discord.com/developers/applications: your application (New Application\n"
            "   makes one), Bot, Reset Token, Copy. What you paste here is not shown."
        )
        self._ask("DISCORD_TOKEN", "   Token: ", parse_token, secret=True)
        for finding in discord_checks.check_application(self._discord(lambda client: client.application_info())):
            self._show(finding)

    def _ask_guild(self) -> discord.Guild:
        settings = self._settings()

        async def fetch(client: discord.Client) -> tuple[str, list[discord.Guild]]:
            app = await client.application_info()
            guilds = [guild async for guild in client.fetch_guilds(limit=discord_checks.MAX_GUILDS)]
            return discord_checks.invite_link(settings, app.id), guilds

        print("\n2. The Discord server, and the role of your dispatchers there.")
        while True:
            link, guilds = self._discord(fetch)
            if guilds:
                break
            print(f"   The bot is in no server yet. Open this link, and invite it to yours:\n   {link}")
            input("   Then press Enter. ")
        if len(guilds) == 1:
            print(f"   The server: {_name(guilds[0])}")
            return guilds[0]
        _list([f"{_name(guild)} ({guild.id})" for guild in guilds])
        return guilds[_pick("   The server's number: ", len(guilds), several=False)[0]]

    def _ask_role(self, guild: discord.Guild) -> None:
        while True:
            full = self._discord(lambda client: client.fetch_guild(guild.id, with_counts=False))
            # Members don't get a managed role from an admin: it belongs to a bot, or to Nitro.
            roles = [role for role in reversed(full.roles) if not role.is_default() and not role.managed]
            if roles:
                break
            input("   This server has no roles yet. Make one for your dispatchers, then press Enter. ")
        _list([_name(role) for role in roles])
        picked = _pick("   Who may remove calls? The numbers of the roles, with commas between them: ", len(roles))
        self._answers["DISPATCHER_ROLE_IDS"] = ",".join(str(roles[number].id) for number in picked)
        print(f"   Only {' and '.join(_name(roles[number]) for number in picked)} can remove calls. Nobody else can.")

    def _ask_cad(self) -> None:
        print(
            "\n3. The community id. In Sonoran CAD: Admin panel, Advanced, In-Game Integration, under Web API. A\n"
            "   click copies it."
        )
        again = True
        while again:
            self._ask("SONORAN_COMMUNITY_ID", "   Community id: ", parse_community_id)
            print("\n4. The community's API key, from the same place. What you paste here is not shown.")
            self._ask("SONORAN_API_KEY", "   API key: ", parse_api_key, secret=True)
            again = not self._cad_accepts()

    def _cad_accepts(self) -> bool:
        """Return whether the dialog goes on: the CAD accepts the answers, or can't be asked and the person goes on."""
        try:
            settings = self._settings()
        except SettingsError as error:  # all answers before these two were good
            print("".join(f"   {mistake}.\n" for mistake in error.mistakes), end="")
            print("\n3. The community id once more; copy both again.")
            return False

        async def probe() -> Plan | Result | ProbeDeferred:
            async with CadClient(settings.account, API_VERSIONS[settings.api_version]) as cad:
                found = await cad.probe()
                if not isinstance(found, ProbeDeferred):  # a new client's first probe never is
                    for finding in cad_checks.check_connection(settings, found, cad.plan_text):
                        self._show(finding)
                return found

        while True:
            found = asyncio.run(probe())
            if isinstance(found, Plan):
                return True
            if isinstance(found, Result) and found.reason in _WRONG_IN_THE_CAD:
                print("\n3. The community id once more; copy both again.")
                return False
            if not _yes("   Try once more? n keeps both without having been checked. [Y/n] ", default=True):
                return True

    def _ask(self, name: str, prompt: str, convert: Callable[[str], object], *, secret: bool = False) -> None:
        while True:
            text = (_hidden(prompt) if secret else input(prompt)).strip()
            try:
                convert(text)
            except ValueError as error:
                print(f"   {str(error)[0].upper()}{str(error)[1:]}.")
                continue
            if secret:
                print(f"   {len(text)} characters were read.")
            self._answers[name] = text
            return

    def _settings(self) -> Settings:
        """Return the settings so far, with the environment over them as in a start; the rest is filled up."""
        filler = {"SONORAN_COMMUNITY_ID": "x", "SONORAN_API_KEY": "x" * 8, "DISPATCHER_ROLE_IDS": _PLACEHOLDER}
        return Settings.from_mapping(merge_environment({**filler, **self._answers}, os.environ))

    def _discord(self, ask: Callable[[discord.Client], Awaitable[T]]) -> T:
        """Ask Discord over REST; if that fails, again when the person says so, or with another token."""

        async def work() -> T:
            async with (
                asyncio.timeout(DISCORD_TIMEOUT),
                discord.Client(intents=discord.Intents(guilds=True), **discord_checks.discord_proxy()) as client,
            ):
                await client.login(self._answers["DISCORD_TOKEN"])
                return await ask(client)

        while True:
            try:
                return asyncio.run(work())
            except Exception as error:  # noqa: BLE001 - an odd answer of Discord's edge makes discord.py raise any error
                told = explain(error)
            if told.token_refused:  # at any question: it can be reset meanwhile
                print("   Discord refuses this token. Copy it again, or reset it there once more.")
                self._ask("DISCORD_TOKEN", "   Token: ", parse_token, secret=True)
            else:
                self._show(fail("Discord", told.state, told.remedy))
                input("   Press Enter to try again. ")

    def _show(self, finding: Finding) -> None:
        secrets = [self._answers.get(name, "") for name in ("DISCORD_TOKEN", "SONORAN_API_KEY")]
        for line in report.table_lines(finding, report.table_width(), [*secrets, *proxy.secrets()]):
            print(line)


def _hidden(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except getpass.GetPassWarning:
            text = "This terminal would show the secrets. Copy .env.example to .env, and fill it in."
            raise CannotAskError(text) from None


def _yes(prompt: str, *, default: bool) -> bool:
    while True:
        answer = input(prompt).strip().casefold()
        if answer in {"", "y", "yes", "n", "no"}:
            return answer.startswith("y") if answer else default
        print("   Allowed: y or n.")


def _pick(prompt: str, count: int, *, several: bool = True) -> Sequence[int]:
    """Return what was chosen from a numbered list, counted from 0."""
    while True:
        parts = [part.strip() for part in input(prompt).split(",")]
        valid = all(part.isascii() and part.isdigit() and 1 <= int(part[:9]) <= count for part in parts)
        if valid and (several or len(parts) == 1):
            return [int(number) - 1 for number in dict.fromkeys(parts)]
        print(f"   Allowed: {'numbers' if several else 'one number'} from 1 to {count}.")


def _list(lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, 1):
        print(f"   {number:>3}  {line}")


def _name(named: discord.Guild | discord.Role) -> str:
    return truncate(clean(named.name), 60)


def _own_command() -> str:
    """Return the command that started this process, without its arguments."""
    if Path(sys.argv[0]).name.startswith("remove911"):
        return sys.argv[0]
    file_started = getattr(sys.modules["__main__"], "__spec__", None) is None
    return f"{sys.executable} {sys.argv[0]}" if file_started else f"{sys.executable} -m bot"
