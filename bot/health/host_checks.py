"""Checks of this machine: versions, who can read .env, whether git tracks it, the journal's file."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

from bot import __version__
from bot.health.finding import Finding, fail, warn
from bot.journal.file import lock_path
from bot.proxy import UNREADABLE, configured_proxy

_SCHEMA_QUERY = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"
_REMEDY = "Give the user that runs the bot that folder, or let DATABASE_PATH name a file elsewhere"


def versions() -> Finding:
    """Return the versions that a bug report needs."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("discord.py", "aiohttp"))
    system = f"{platform.system()} {platform.release()}".strip()
    return Finding("versions", f"remove911 {__version__}, {libraries}, Python {platform.python_version()}, {system}")


def check_env_file(path: Path) -> list[Finding]:
    """Check who else can read the settings."""
    if not path.is_file():
        return [Finding(".env", "not needed: the environment has the settings")]
    findings: list[Finding] = []
    if os.name == "posix" and path.stat().st_mode & 0o077:
        findings.append(
            warn(".env", "other users of this machine can read it, and it holds the token and the key",
                 "Run: chmod 600 .env")
        )  # fmt: skip
    tracked = _tracked_by_git(path)
    if tracked is None:
        findings.append(
            warn(
                ".env",
                "git would not say whether it tracks it",
                "Run: git ls-files .env, in its folder and as its owner. It has to print nothing",
            )
        )
    elif tracked:
        findings.append(
            fail(
                ".env",
                "git tracks it, so whoever gets the repository gets the token and the key",
                "Run: git rm --cached .env, and commit. Then make a new token and a new API key: "
                "the old ones stay in git's history",
            )
        )
    readers = "nobody else can read it" if os.name == "posix" else "who can read it is not checked on Windows"
    kept = ", and git does not track it" if shutil.which("git") else ""
    return findings or [Finding(".env", readers + kept)]


def check_proxy() -> list[Finding]:
    """Say which proxy is used, if the environment names one."""
    proxy = configured_proxy()
    if proxy is None:
        return []
    if proxy is UNREADABLE:
        return [
            warn("proxy", "HTTPS_PROXY can't be read (its value is not shown), so the bot goes without it",
                 "Write http://name:password@host:port, and in the password %23 for #, %2F for / and %3F for ?")
        ]  # fmt: skip
    if not proxy.usable:
        return [
            warn("proxy", f"HTTPS_PROXY names a proxy of the kind {proxy.address.scheme}, so the bot goes without it",
                 "Name a proxy that begins with http://, or take HTTPS_PROXY out of the bot's environment")
        ]  # fmt: skip
    return [Finding("proxy", f"Discord and the CAD are reached through {proxy.address} (HTTPS_PROXY)")]


def _tracked_by_git(path: Path) -> bool | None:
    """Return None if git is there and does not say, for instance because the folder belongs to another user."""
    git = shutil.which("git")
    if git is None:
        return False
    try:
        listed = subprocess.run(  # noqa: S603 - only reads, in the folder of .env
            [git, "ls-files", "--", path.name],
            cwd=path.absolute().parent, capture_output=True, timeout=5, check=False, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    if listed.returncode and b"not a git repository" not in listed.stderr:
        return None
    return bool(listed.stdout.strip())


def check_journal(path: Path) -> Finding:
    """Check whether the bot could open its journal. Creates and locks nothing."""
    subject = "journal"
    # Not Path.exists: before Python 3.14 it raises for a folder that this user may not read.
    if not os.path.exists(path):  # noqa: PTH110
        folder = next(one for one in path.absolute().parents if os.path.exists(one))  # noqa: PTH110
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Finding(subject, f"{path} will be created at the first start")
        return fail(subject, f"{path} can't be created: {folder} takes no new files from this user", _REMEDY)
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        return fail(subject, f"this user may not write {path} or its folder", _REMEDY)
    lock = lock_path(path)
    try:
        # Read-only: SQLite leaves the file as it is.
        version, tables = _peek(f"{path.absolute().as_uri()}?mode=ro&immutable=1", _SCHEMA_QUERY)
        if not version and tables:
            return fail(subject, f"{path} is some other program's database", "Let DATABASE_PATH name another file")
    except sqlite3.Error as error:
        return fail(subject, f"{path} can't be read ({error})", "Stop the bot, move the file aside, and start again")
    try:
        if lock.exists():
            _peek(f"{lock.absolute().as_uri()}?mode=ro", "SELECT count(*) FROM sqlite_master")
    except sqlite3.Error:
        return warn(
            subject,
            f"another process holds {path}, as the bot does while it runs",
            "If it should run: all is well. If not: find and stop it, or a start is refused",
        )
    return Finding(subject, f"{path}, {journal_size(path)}")


def journal_size(path: Path) -> str:
    """Return the size of the journal, with SQLite's write-ahead log."""
    there = [one for one in (path, path.with_name(path.name + "-wal")) if one.exists()]
    return f"{sum(one.stat().st_size for one in there) / 1000:,.0f} kB"


def _peek(uri: str, question: str) -> tuple[int, ...]:
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0)) as database:
        return tuple(database.execute(question).fetchone())
