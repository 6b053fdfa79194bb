"""The journal's file as the tests read, change and lock it, and an entry for tests."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from bot.journal.entries import Entry, Requester

DANA, JOE = 100000000000000001, 100000000000000002


ENTRY = Entry(
    number=1, request="r", action="remove", asked_at=0.0, sent_at=None, ended_at=1.0, outcome="removed",
    why="CONFIRMED", status=200, reference=None, guild_id=10**18, channel_id=10**18, user_id=1456074443980800025,
    way="/remove911", server_id=1, call_id=302, token="never shown", unposted=None,
)  # fmt: skip


async def stream(*given: Entry) -> AsyncIterator[Entry]:
    for entry in given:
        yield entry


def requester(user_id: int = DANA, token: str | None = "interaction-token", way: str = "/remove911") -> Requester:
    return Requester(user_id=user_id, guild_id=10, channel_id=20, way=way, token=token)


def rows(path: Path, columns: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT {columns} FROM entries ORDER BY number").fetchall()


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


class WriteLock:
    """Another program's lock on the journal's file: nothing can be written while it is held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def acquire(self) -> None:
        self._other = sqlite3.connect(self._path, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._other.close()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()
