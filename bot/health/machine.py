"""This machine: versions, who can read .env, whether git has it, the journal's file, and the clock."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import shutil
import sqlite3
import subprocess
import time
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import aiohttp

from bot import __version__
from bot.health import Finding, fail, warn
from bot.journal_file import lock_beside

log = logging.getLogger(__name__)

_ABOUT = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"
_REMEDY = "Give the user that runs the bot that folder, or let DATABASE_PATH name a file elsewhere"

CLOCK_TOLERANCE = 10.0
"""Seconds that the clock may be wrong; Discord's header has whole seconds, and the answer took its time."""


def versions() -> Finding:
    """Name what runs here, as a report of a fault needs it."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("discord.py", "aiohttp"))
    system = f"{platform.system()} {platform.release()}".strip()
    return Finding("versions", f"remove911 {__version__}, {libraries}, Python {platform.python_version()}, {system}")


def env_file(path: Path) -> list[Finding]:
    """Look at who else can read the settings."""
    if not path.is_file():
        return [Finding(".env", f"there is none in {path.absolute().parent}; the environment has the settings")]
    findings: list[Finding] = []
    if os.name == "posix" and path.stat().st_mode & 0o077:
        findings.append(
            warn(".env", "other users of this machine can read it, and it holds the token and the key",
                 "Run: chmod 600 .env")
        )  # fmt: skip
    if _in_git(path):
        findings.append(
            fail(
                ".env",
                "git keeps it, so whoever gets the repository gets the token and the key",
                "Run: git rm --cached .env, and commit. Then make a new token and a new API key: "
                "the old ones stay in git's history",
            )
        )
    return findings or [Finding(".env", "nobody else can read it, and git does not keep it")]


def _in_git(path: Path) -> bool:
    git = shutil.which("git")
    if git is None:
        return False
    try:
        listed = subprocess.run(  # noqa: S603 - asks git, in the folder of .env, and changes nothing
            [git, "ls-files", "--", path.name],
            cwd=path.absolute().parent, capture_output=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and bool(listed.stdout.strip())


def journal(path: Path) -> Finding:
    """Look whether the bot could open its journal, without making or locking anything."""
    what = "journal"
    # Not the path's own exists: before Python 3.14 that raises for a folder into which we may not look.
    if not os.path.exists(path):  # noqa: PTH110
        folder = next(one for one in path.absolute().parents if os.path.exists(one))  # noqa: PTH110
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Finding(what, f"{path} is made at the first start")
        return fail(what, f"{path} can't be made: {folder} takes no new files from this user", _REMEDY)
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        return fail(what, f"this user may not write {path} or its folder", _REMEDY)
    lock = lock_beside(path)
    try:
        # Read only: the file as it is on the disk.
        version, tables = _peek(f"{path.absolute().as_uri()}?mode=ro&immutable=1", _ABOUT)
        if not version and tables:
            return fail(what, f"{path} is some other program's database", "Let DATABASE_PATH name another file")
    except sqlite3.Error as error:
        return fail(what, f"{path} can't be read ({error})", "Stop the bot, move the file aside, and start again")
    try:
        if lock.exists():
            _peek(f"{lock.absolute().as_uri()}?mode=ro", "SELECT count(*) FROM sqlite_master")
    except sqlite3.Error:
        return warn(
            what,
            f"another process holds {path}, as the bot does while it runs",
            "If it should run: all is well. If not: find and stop it, or a start is refused",
        )
    return Finding(what, f"{path}, {size(path)}")


def size(path: Path) -> str:
    """Say how large the journal is, what SQLite keeps beside it included."""
    there = [one for one in (path, path.with_name(path.name + "-wal")) if one.exists()]
    return f"{sum(one.stat().st_size for one in there) / 1000:,.0f} kB"


def _peek(uri: str, question: str) -> tuple[int, ...]:
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0)) as database:
        return tuple(database.execute(question).fetchone())


class DiscordsClock:
    """Compares this machine's clock with the `Date` of Discord's answers, which costs no request of its own.

    Attributes:
        ahead: seconds by which this machine is ahead of Discord, or None where nothing was heard yet.
    """

    def __init__(self) -> None:
        self.ahead: float | None = None

    def trace(self) -> aiohttp.TraceConfig:
        """Return what discord.py's session needs to report its answers here."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._heard)
        return trace

    async def _heard(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, heard: aiohttp.TraceRequestEndParams
    ) -> None:
        try:
            self.ahead = time.time() - parsedate_to_datetime(heard.response.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            log.debug("an answer of Discord without a date")

    def findings(self) -> list[Finding]:
        """Say how right the clock is, where that is known."""
        if self.ahead is None:
            return []
        if abs(self.ahead) <= CLOCK_TOLERANCE:
            return [Finding("clock", "agrees with Discord's")]
        off = f"{abs(self.ahead):.0f} s {'ahead of' if self.ahead > 0 else 'behind'} Discord's"
        return [
            warn("clock", f"{off}, so the times in the bot's answers are wrong", "Let the system set it (NTP)")
        ]  # fmt: skip
