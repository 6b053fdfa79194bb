"""`check`: what the host reads about each thing that can be wrong, over real HTTP, and what it must not do."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import discord.http
import pytest
from yarl import URL

from bot.cad.model import Account, Plan
from bot.errors import BAD_SETTINGS
from bot.health import Level, machine
from bot.health.check import FAILS, FINE, Check
from bot.journal import Journal
from bot.sandbox.cad import LoopbackCad
from bot.settings import Settings, journal_path
from tests.clocks import JumpClock
from tests.conftest import KEY
from tests.discord_stand_in import BOT, CHANNEL, GUILD, ROLE, StandIn, guild
from tests.faults import answering, http, serving

TOKEN = "planted.discord.token"
ELSEWHERE = str(10**17 + 9)


@dataclass
class World:
    """Both outside worlds and the settings, all in order until the test changes something."""

    folder: Path
    discord: StandIn = field(default_factory=StandIn)
    cad: LoopbackCad = field(default_factory=LoopbackCad)
    changes: dict[str, object] = field(default_factory=dict[str, object])
    account: Account | None = None
    mistyped: dict[str, str] = field(default_factory=dict[str, str])
    code: int = -1
    lines: list[str] = field(default_factory=list[str])

    async def check(self) -> str:
        """Run it, and return what stands in the terminal, without the line breaks."""
        async with self.discord.serving() as address, self.cad.serving() as account:
            discord.http.Route.BASE = address
            settings = Settings(
                discord_token=TOKEN,
                account=replace(self.account or account, **self.mistyped),  # type: ignore[arg-type]
                dispatcher_role_ids=(int(ROLE),),
                database_path=self.folder / "data" / "journal.db",
            )
            settings = replace(settings, **self.changes)  # type: ignore[arg-type]
            checking = Check(self.lines.append, self.folder / ".env", JumpClock())
            self.code = await checking.run(settings, ("remove911",))
        written = "\n".join(self.lines)
        assert TOKEN not in written
        assert KEY not in written
        return " ".join(written.split())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(discord.http.Route, "BASE", "")  # is put back at the end
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / ".env").touch(mode=0o600)
    world = World(tmp_path)
    world.discord.registered = ["remove911"]
    return world


async def test_everything_in_order(world: World) -> None:
    shown = await world.check()
    assert world.code == FINE
    for line in (
        "ok application 911 desk (100000000000000001)",
        "ok server Los Santos (100000000000000002)",
        "ok dispatcher role Dispatcher (100000000000000003)",
        "ok commands remove911 in Los Santos",
        "ok clock agrees with Discord's",
        "ok Sonoran CAD 127.0.0.1 accepts community sandbox-community by API v1",
        "ok plan STANDARD: removes calls, and has no list of the open ones",
        "ok .env nobody else can read it, and git does not keep it",
    ):
        assert line in shown
    assert shown.endswith("Everything is in order.")


async def test_it_changes_nothing_and_asks_the_cad_for_little(world: World) -> None:
    world.changes["audit_channel_id"] = int(CHANNEL)
    await world.check()
    assert {method for method, _, _ in world.discord.sent} == {"GET"}
    assert not any("gateway" in path for _, path, _ in world.discord.sent)
    assert {path for path, _ in world.cad.requests} <= {"/general/get_version", "/general/get_servers"}
    assert len(world.cad.requests) <= 2


async def test_the_table_reads_well(world: World) -> None:
    world.discord.guilds = {}
    await world.check()
    link = f"https://discord.com/oauth2/authorize?client_id={BOT}&scope=bot+applications.commands&permissions=0"
    assert any(link in line for line in world.lines)  # whole, to be clicked
    assert all(len(line) <= 99 or link in line or str(world.folder) in line for line in world.lines)
    assert all(line.isascii() for line in world.lines)
    heads = [line for line in world.lines if line.startswith("  ") and line.split()[0] in ("ok", "warn", "FAIL")]
    assert {len(line) - len(line[30:]) for line in heads} == {30}
    assert all(line[29] == " " and line[30] != " " for line in heads)


Change = Callable[[World], object]


@pytest.mark.parametrize(
    ("change", "says", "code"),
    [
        pytest.param(lambda w: w.discord.failing.update({"users/@me": (401, 0)}),
            "FAIL token Discord refuses it -> Developer Portal, Bot, Reset Token", BAD_SETTINGS, id="token"),
        pytest.param(lambda w: w.discord.failing.update({"users/@me": (403, 0)}),
            "FAIL Discord it answered with an error (HTTP 403, code 0)", FAILS, id="an error of Discord's"),
        pytest.param(lambda w: w.discord.guilds.clear(),
            "FAIL server the bot is in no Discord server -> Invite it: https://", FAILS, id="in no server"),
        pytest.param(lambda w: w.changes.update(dispatcher_role_ids=(5,)),
            "FAIL server none of the bot's servers is a home of it", FAILS, id="no home"),
        pytest.param(lambda w: w.changes.update(dispatcher_role_ids=(5,)),
            "FAIL dispatcher role 5 does not exist (deleted?), so nobody passes by it", FAILS, id="role"),
        pytest.param(lambda w: w.changes.update(dispatcher_role_ids=(int(ROLE), int(GUILD))),
            f"FAIL dispatcher role {GUILD} is @everyone in Los Santos", FAILS, id="everyone"),
        pytest.param(lambda w: w.changes.update(admin_role_ids=(6,)),
            "FAIL admin role 6 does not exist (deleted?), so nobody passes by it -> Put the id of a role that exists "
            "into ADMIN_ROLE_IDS", FAILS, id="admin role"),
        pytest.param(lambda w: w.changes.update(guild_ids=frozenset({int(GUILD), 77})),
            "FAIL server the bot is not in 77, which stands in GUILD_IDS", FAILS, id="not in a home guild"),
        pytest.param(lambda w: w.discord.guilds.update({ELSEWHERE: guild(ELSEWHERE, "Elsewhere")}),
            f"warn foreign server Elsewhere ({ELSEWHERE}) is not a home guild", FINE, id="foreign"),
        pytest.param(lambda w: w.discord.application.update(bot_public=True),
            "warn public bot on, so anybody can invite the bot", FINE, id="public"),
        pytest.param(lambda w: w.discord.application.update(bot_require_code_grant=True),
            "FAIL invitation it requires a code grant", FAILS, id="code grant"),
        pytest.param(lambda w: w.discord.application.update(interactions_endpoint_url="https://x.invalid"),
            "FAIL commands an Interactions Endpoint URL is set", FAILS, id="endpoint"),
        pytest.param(lambda w: w.discord.registered.clear(),
            "warn commands remove911 not registered in Los Santos -> Start the bot: it registers them.", FINE,
            id="not registered"),
        pytest.param(lambda w: w.discord.failing.update({"/commands": (403, 50001)}),
            "FAIL commands the bot may not have any in Los Santos -> Invite it again, with both scopes: https://",
            FAILS, id="scope"),
        pytest.param(lambda w: w.changes.update(audit_channel_id=int(CHANNEL)),
            "FAIL audit channel the bot lacks View Channel, Send Messages, Embed Links in #dispatch -> Give it those "
            "there", FAILS, id="audit channel without permissions"),
        pytest.param(lambda w: (w.changes.update(audit_channel_id=int(CHANNEL)),
                                w.discord.failing.update({f"channels/{CHANNEL}": (403, 50001)})),
            f"FAIL audit channel {CHANNEL} is not there, or the bot may not see it", FAILS, id="audit channel unseen"),
        pytest.param(lambda w: setattr(w.discord, "clock", lambda: time.time() - 120),
            "s ahead of Discord's, so the times in the bot's answers are wrong -> Let the system set it", FINE,
            id="clock"),
        pytest.param(lambda w: w.mistyped.update(key="another-key"),
            "FAIL Sonoran CAD the CAD does not accept the API key (HTTP 400) -> Correct SONORAN_API_KEY", FAILS,
            id="key"),
        pytest.param(lambda w: w.mistyped.update(community_id="another"),
            "the CAD does not know the community id (HTTP 400) -> Correct SONORAN_COMMUNITY_ID: Sonoran CAD, Admin "
            "panel, Advanced, In-Game Integration, under Web API. Look whether it was swapped with the API key", FAILS,
            id="community"),
        pytest.param(lambda w: setattr(w, "account", Account(URL("http://127.0.0.1:9"), "ours", KEY)),
            "FAIL Sonoran CAD it can't be reached -> Look at this machine's network", FAILS, id="unreachable CAD"),
        pytest.param(lambda w: setattr(w.cad, "api_enabled", False),
            "FAIL Sonoran CAD the API is switched off for this community (HTTP 400) -> Switch it on", FAILS, id="off"),
        pytest.param(lambda w: w.changes.update(default_server_id=2),
            "ok CAD servers 1 Los Santos, 2 Blaine County ok default server 2, so dispatchers may leave it out", FINE,
            id="servers"),
        pytest.param(lambda w: w.changes.update(default_server_id=3),
            "FAIL default server the CAD has no server 3 -> Correct SONORAN_SERVER_ID", FAILS, id="default server"),
        pytest.param(lambda w: w.changes.update(api_version="v2"),
            "accepts community sandbox-community by API v2 ok plan STANDARD (in the CAD's words: ", FINE, id="v2"),
        pytest.param(lambda w: setattr(w.cad, "plan", Plan.STARTER),
            "FAIL plan STARTER, which can't remove calls", FAILS, id="plan"),
        pytest.param(lambda w: setattr(w.cad, "plan", Plan.PLUS),
            "ok plan PLUS: removes calls, and has the list of the open ones", FINE, id="plus"),
        pytest.param(lambda w: (w.folder / ".env").chmod(0o644),
            "warn .env other users of this machine can read it, and it holds the token and the key -> Run: chmod 600",
            FINE, id=".env readable"),
        pytest.param(lambda w: in_git(w.folder),
            "FAIL .env git keeps it, so whoever gets the repository gets the token and the key -> Run: git rm "
            "--cached .env, and commit.", FAILS, id=".env in git"),
        pytest.param(lambda w: (w.folder / "data").write_text("a file"), "can't be made: ", FAILS, id="no folder"),
        pytest.param(lambda w: other_database(w.folder / "data"), "journal.db is some other program's database", FAILS,
            id="another program's file"),
        pytest.param(lambda w: (w.folder / "data").mkdir() or (w.folder / "data/journal.db").write_bytes(b"x" * 5000),
            "journal.db can't be read (file is not a database) -> Stop the bot, move the file aside", FAILS,
            id="damaged file"),
        pytest.param(lambda w: (w.folder / ".env").unlink(), "the environment has the settings", FINE, id="no .env"),
    ],
)  # fmt: skip
async def test_one_thing_is_wrong(world: World, change: Change, says: str, code: int) -> None:
    change(world)
    shown = await world.check()
    assert says in shown
    assert world.code == code
    assert ("->" in shown) == (world.code != FINE or "warn" in shown)


def other_database(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute("CREATE TABLE theirs (x)")


async def test_a_journal_that_a_running_bot_holds(world: World) -> None:
    path = world.folder / "data" / "journal.db"
    async with Journal(path):
        before = sorted(path.parent.iterdir())
        assert f"warn journal another process holds {path}, as the bot does while it runs" in await world.check()
        assert sorted(path.parent.iterdir()) == before
    assert world.code == FINE


async def test_a_journal_that_nobody_holds(world: World) -> None:
    path = world.folder / "data" / "journal.db"
    async with Journal(path):
        pass
    before = [(one, one.stat().st_mtime_ns) for one in sorted(path.parent.iterdir())]
    assert re.search(rf"ok journal {path}, [1-9][0-9]* kB", await world.check())
    assert [(one, one.stat().st_mtime_ns) for one in sorted(path.parent.iterdir())] == before
    async with Journal(path):  # nothing holds it back
        pass


def in_git(folder: Path) -> None:
    for command in ("init -q", "add -f .env"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True, capture_output=True)  # noqa: S607


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_a_cad_that_has_switched_v1_off(world: World, status: str) -> None:
    async with serving(answering(http(status, b"GONE"))) as account:
        world.account = account
        shown = await world.check()
    assert f"refuses v1 as if it were switched off (HTTP {status[:3]}) -> Set SONORAN_API_VERSION=v2" in shown
    assert world.code == FAILS


async def test_names_of_strangers_can_not_spoil_the_table(world: World) -> None:
    world.discord.guilds[GUILD]["name"] = "Los\x1b[31m\nSantos\u202e" + "x" * 90
    shown = await world.check()
    assert "\x1b" not in "".join(world.lines)
    assert "server Los[31m Santosxxx" in shown


async def test_the_invitation_asks_for_no_more_than_is_needed(world: World) -> None:
    world.discord.guilds.clear()
    world.changes["audit_channel_id"] = int(CHANNEL)
    # View Channel, Send Messages, Embed Links.
    assert f"permissions={1 << 10 | 1 << 11 | 1 << 14}" in await world.check()


async def test_the_audit_channel_is_writable(world: World) -> None:
    world.discord.guilds[GUILD]["roles"][0]["permissions"] = str(1 << 10 | 1 << 11 | 1 << 14)
    world.changes["audit_channel_id"] = int(CHANNEL)
    assert "ok audit channel #dispatch in Los Santos, and the bot may write there" in await world.check()
    assert world.code == FINE


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="needs another user, who can be turned back from")
async def test_a_journal_in_a_folder_that_is_closed_to_the_bot(tmp_path: Path) -> None:
    path = tmp_path / "closed" / "within" / "journal.db"
    path.parent.parent.mkdir(mode=0)
    root = os.geteuid() == 0
    if root:  # to whom nothing is closed
        os.setresuid(65534, 65534, 0)
    try:
        assert journal_path({"DATABASE_PATH": str(path)}, []) == path
        found = machine.journal(path)
    finally:
        if root:
            os.setresuid(0, 0, 0)
    assert found.level is Level.FAIL
    assert "takes no new files from this user" in found.found
