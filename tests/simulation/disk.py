"""The disk: the journal's file, how long a statement takes, how it fails, and what of it outlives a process."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.simulation.loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

FILE = "remove911.db"
_SECONDS = {"": (0.001, 0.01), "slow": (0.1, 2.5), "stuck": (2.0, 20.0)}
"""How long a statement takes, by the fault."""
_ERRORS = {
    "locked": ("database is locked", 2.0),
    "full": ("database or disk is full", 0.01),
    "error": ("disk I/O error", 0.01),
}
"""How a statement fails, and after how many seconds. Only an error of the disk hits those that only read."""


class Disk:
    """The journal's file. SQLite is real, and runs statement by statement at virtual moments.

    Attributes:
        path: the file of the process that lives.
        connection: the one that a process made last. `_opened` is the same once the bot can work with it.
        recorded: the interactions' tokens that the journal has ever had.
        refused: by token, when the disk did not take a request, or that it is sent. Then the bot decided to send
            nothing.
        ended: by request, when its outcome was recorded.
        lost: True once the file is away and no process has it open: what it held is gone.
        left_open: the requests that had no outcome in the journal when a process ended.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self._world, self._folder, self._copies = world, folder, 0
        self._reader: sqlite3.Connection | None = None
        self._inode = 0
        self.connection: sqlite3.Connection | None = None
        self._opened: sqlite3.Connection | None = None
        self.recorded: set[str] = set()
        self.refused: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self._tokens: dict[str, str] = {}  # by request
        self.lost = False
        self.left_open: set[str] = set()
        self.path = self._new_folder()

    def take_away(self, *, moved: bool) -> None:
        """Delete the file alone, or move it away with the files beside it. Who has it open goes on with it."""
        self.query("SELECT 1 FROM entries")  # opens the oracle's reader, if it is not: it goes on with it as well
        if not self._is_open():
            self._lose()
        for end in ("", "-wal", "-shm") if moved else ("",):
            if (file := self.path.with_name(FILE + end)).exists():
                file.replace(file.with_name(f"moved{end}"))

    def crash(self) -> None:
        """Copy the file as a crash leaves it: the dead process still has the old one open."""
        self._opened = None
        if not self.path.exists():  # nobody has the file that was taken away any more
            self._lose()
        before, self.path = self.path, self._new_folder()
        for name in (FILE, f"{FILE}-wal"):
            if (old := before.with_name(name)).exists():
                shutil.copy(old, self.path.with_name(name))

    def _is_open(self) -> bool:
        try:
            return self._opened is not None and self._opened.total_changes >= 0
        except sqlite3.ProgrammingError:  # it was closed
            return False

    def _lose(self) -> None:
        self.lost = True
        self.recorded.clear()

    def note(self) -> None:
        """Note what the journal lacks as a process ends, and whether it is gone for good."""
        if not self.path.exists() and self._world.is_active("disk"):
            self._lose()  # the disk did not let the bot put it back
        self.left_open |= {name for (name,) in self.query("SELECT request FROM entries WHERE ended_at IS NULL")}

    def query(self, sql: str, *values: object) -> list[Any]:
        """Ask the journal, as it is on the disk at this moment."""
        if self.path.exists() and (found := self.path.stat().st_ino) != self._inode:
            self._inode, self._reader = found, sqlite3.connect(self.path, isolation_level=None)
        if self._reader is None:
            return []
        try:
            return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error:  # the bot has not made its table yet
            return []

    def statement(self, process: Process | None, function: Any) -> tuple[float, sqlite3.Error | None]:
        """Return how many seconds a statement takes, and how it fails."""
        sql = next((one.lstrip() for one in getattr(function, "args", ()) if isinstance(one, str)), "")
        if not sql:  # a cursor is closed, or the file is opened
            return 0.0002, None
        chance, writes = self._world.chance.next("disk", process and process.number), not sql.startswith("SELECT")
        if writes:
            self._world.mark("statement")
        fault = self._world.fault("disk")
        if fault in _ERRORS and (writes or fault == "error"):
            text, seconds = _ERRORS[fault]
            return seconds, sqlite3.OperationalError(text)
        return chance.uniform(*_SECONDS.get(fault, _SECONDS[""])), None

    def executed(self, function: Any, worked: bool) -> None:
        """Note what a statement has written, or has not."""
        sql, *parameters = getattr(function, "args", ()) or ("",)
        if isinstance(sql, str) and sql.startswith("SELECT 1 FROM sqlite_master"):  # the last step of opening
            self._opened = self.connection
        if not isinstance(sql, str) or not parameters:
            return
        given, failed = parameters[0], not worked or not self.path.exists()
        if "INSERT INTO entries" in sql and "token" in given:
            token = given["token"]
            self._tokens |= {new["request"]: token for new in json.loads(given["new"])}
            if worked:
                self.recorded.add(token)
            if failed:
                self.refused[token] = self._world.loop.now
        elif "SET ended_at" in sql and worked:
            self.ended.setdefault(given["request"], self._world.loop.now)
        elif "SET sent_at" in sql and failed:
            self.refused[self._tokens[given["request"]]] = self._world.loop.now

    def _new_folder(self) -> Path:
        self._copies += 1
        folder = self._folder / str(self._copies)
        folder.mkdir()
        return folder / FILE
