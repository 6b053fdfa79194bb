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

import discord.gateway
import discord.http
import pytest
from yarl import URL

from bot.cad.models import Account, Plan
from bot.config.errors import BAD_SETTINGS
from bot.config.settings import Settings, journal_path
from bot.health import discord_checks, host_checks
from bot.health.check import EXIT_FAILED, EXIT_OK, Check
from bot.health.finding import Severity
from bot.journal.store import Journal
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.clocks import InstantClock
from tests.support.discord_address import connect_to
from tests.support.fake_discord import BOT, CHANNEL, GUILD, ROLE, FakeDiscord, guild
from tests.support.faulty_server import http, responding, serve
from tests.support.platforms import WINDOWS, needs_file_modes, needs_git
from tests.support.simulation import KEY

TOKEN = "planted.discord.token"
ELSEWHERE = str(10**17 + 9)


@dataclass
class World:
    """Both outside worlds and the settings, all in order until the test changes something."""

    folder: Path
    discord: FakeDiscord = field(default_factory=FakeDiscord)
    cad: FakeCad = field(default_factory=FakeCad)
    changes: dict[str, object] = field(default_factory=dict[str, object])
    account: Account | None = None
    mistyped: dict[str, str] = field(default_factory=dict[str, str])
    code: int = -1
    lines: list[str] = field(default_factory=list[str])

    async def check(self) -> str:
        """Run it, and return what stands in the terminal, without the line breaks."""
        async with self.discord.serving() as address, self.cad.serving() as account:
            connect_to(address)
            settings = Settings(
                discord_token=TOKEN,
                account=replace(self.account or account, **self.mistyped),  # type: ignore[arg-type]
                dispatcher_role_ids=(int(ROLE),),
                database_path=self.folder / "data" / "journal.db",
            )
            settings = replace(settings, **self.changes)  # type: ignore[arg-type]
            checking = Check(self.lines.append, self.folder / ".env", InstantClock())
            self.code = await checking.run(settings, ("remove911",))
        written = "\n".join(self.lines)
        assert TOKEN not in written
        assert KEY not in written
        return " ".join(written.split())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(discord.http.Route, "BASE", "")  # is put back at the end
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL())
    monkeypatch.setattr(discord_checks, "GATEWAY_TIMEOUT", 2.0)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / ".env").touch(mode=0o600)
    world = World(tmp_path)
    world.discord.registered = ["remove911"]
    return world


async def test_healthy_setup_exits_0(world: World) -> None:
    shown = await world.check()
    assert world.code == EXIT_OK
    for line in (
        "ok application remove911 (100000000000000001)",
        "ok server Los Santos (100000000000000002)",
        "ok dispatcher role Dispatcher (100000000000000003)",
        "ok commands remove911 in Los Santos",
        "ok gateway Discord's gateway answers",
        "ok clock agrees with Discord's",
        "ok Sonoran CAD 127.0.0.1 accepts community sandbox-community over API v1",
        "ok plan STANDARD: removes calls, and has no list of the open ones",
        "ok .env who can read it is not checked on Windows" if WINDOWS else "ok .env nobody else can read it",
    ):
        assert line in shown
    assert shown.endswith("Everything is in order.")


async def test_check_changes_nothing_and_sends_two_requests_to_the_cad(world: World) -> None:
    world.changes["audit_channel_id"] = int(CHANNEL)
    await world.check()
    assert {method for method, _, _ in world.discord.sent} == {"GET"}
    assert world.discord.attempts == ["connect"]  # no log-in: a running bot is not affected
    assert {path for path, _ in world.cad.requests} <= {"/general/get_version", "/general/get_servers"}
    assert len(world.cad.requests) <= 2


async def test_table_is_aligned_and_wrapped(world: World) -> None:
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
            "FAIL Discord it refuses this machine (HTTP 403)", EXIT_FAILED,
            id="an error of Discord's"),
        pytest.param(lambda w: setattr(w.discord, "gateway", "503"),
            "FAIL gateway Discord's gateway, through which commands arrive: it answers with an error (HTTP 503) -> "
            "discordstatus.com", EXIT_FAILED, id="gateway down"),
        pytest.param(lambda w: setattr(w.discord, "gateway", "no hello"),
            "FAIL gateway Discord's gateway, through which commands arrive: it did not answer in time", EXIT_FAILED,
            id="gateway hangs"),
        pytest.param(lambda w: w.discord.guilds.clear(),
            "FAIL server the bot is in no Discord server -> Invite it: https://", EXIT_FAILED,
            id="in no server"),
        pytest.param(lambda w: w.changes.update(dispatcher_role_ids=(5,)),
            "FAIL server none of the bot's servers is a home server", EXIT_FAILED,
            id="no home"),
        pytest.param(lambda w: w.changes.update(dispatcher_role_ids=(5,)),
            "FAIL dispatcher role 5 does not exist (deleted?), so it gives nobody access", EXIT_FAILED,
            id="role"),
        pytest.param(lambda w: w.changes.update(dispatcher_role_ids=(int(ROLE), int(GUILD))),
            f"FAIL dispatcher role {GUILD} is @everyone in Los Santos", EXIT_FAILED,
            id="everyone"),
        pytest.param(lambda w: w.changes.update(admin_role_ids=(6,)),
            "FAIL admin role 6 does not exist (deleted?), so it gives nobody access -> Put the id of a role that "
            "exists into ADMIN_ROLE_IDS", EXIT_FAILED,
            id="admin role"),
        pytest.param(lambda w: w.changes.update(guild_ids=frozenset({int(GUILD), 77})),
            "FAIL server the bot is not in 77, which GUILD_IDS lists", EXIT_FAILED,
            id="not in a home guild"),
        pytest.param(lambda w: w.discord.guilds.update({ELSEWHERE: guild(ELSEWHERE, "Elsewhere")}),
            f"warn foreign server Elsewhere ({ELSEWHERE}) is not a home guild", EXIT_OK,
            id="foreign"),
        pytest.param(lambda w: w.discord.application.update(bot_public=True),
            "warn public bot on, so anybody can invite the bot", EXIT_OK,
            id="public"),
        pytest.param(lambda w: w.discord.application.update(bot_require_code_grant=True),
            "FAIL invitation it requires a code grant", EXIT_FAILED,
            id="code grant"),
        pytest.param(lambda w: w.discord.application.update(interactions_endpoint_url="https://x.invalid"),
            "FAIL commands an Interactions Endpoint URL is set", EXIT_FAILED,
            id="endpoint"),
        pytest.param(lambda w: w.discord.registered.clear(),
            "warn commands remove911 not registered in Los Santos -> Start the bot: it registers them.", EXIT_OK,
            id="not registered"),
        pytest.param(lambda w: w.discord.failing.update({"/commands": (403, 50001)}),
            "FAIL commands the bot may not have any in Los Santos -> Invite it again, with both scopes: https://",
            EXIT_FAILED, id="scope"),
        pytest.param(lambda w: w.discord.failing.update({"/commands": (403, 20012)}),
            "FAIL commands unknown in Los Santos: it refuses (code 20012: injected by the test) -> Look up the code",
            EXIT_FAILED, id="another refusal"),
        pytest.param(lambda w: w.changes.update(audit_channel_id=int(CHANNEL)),
            "FAIL audit channel the bot lacks View Channel, Send Messages, Embed Links in #dispatch -> Give it those "
            "there", EXIT_FAILED,
            id="audit channel without permissions"),
        pytest.param(lambda w: (w.changes.update(audit_channel_id=int(CHANNEL)),
                                w.discord.failing.update({f"channels/{CHANNEL}": (403, 50001)})),
            f"FAIL audit channel {CHANNEL} is not there, or the bot may not see it", EXIT_FAILED,
            id="audit channel unseen"),
        pytest.param(lambda w: setattr(w.discord, "clock", lambda: time.time() - 120),
            "s ahead of Discord's, so the times in the bot's answers are wrong -> Let the system set it", EXIT_OK,
            id="clock"),
        pytest.param(lambda w: w.mistyped.update(key="another-key"),
            "FAIL Sonoran CAD the CAD does not accept the API key (HTTP 400) -> Correct SONORAN_API_KEY", EXIT_FAILED,
            id="key"),
        pytest.param(lambda w: w.mistyped.update(community_id="another"),
            "the CAD does not know the community id (HTTP 400) -> Correct SONORAN_COMMUNITY_ID: Sonoran CAD, Admin "
            "panel, Advanced, In-Game Integration, under Web API. Check that it was not swapped with the API key",
            EXIT_FAILED,
            id="community"),
        pytest.param(lambda w: setattr(w, "account", Account(URL("http://127.0.0.1:9"), "ours", KEY)),
            "FAIL Sonoran CAD it can't be reached -> Look at this machine's network", EXIT_FAILED,
            id="unreachable CAD"),
        pytest.param(lambda w: setattr(w.cad, "api_enabled", False),
            "FAIL Sonoran CAD the API is switched off for this community (HTTP 400) -> Switch it on", EXIT_FAILED,
            id="off"),
        pytest.param(lambda w: w.changes.update(default_server_id=2),
            "ok CAD servers 1 Los Santos, 2 Blaine County ok default server 2, so dispatchers may leave it out",
            EXIT_OK,
            id="servers"),
        pytest.param(lambda w: w.changes.update(default_server_id=3),
            "FAIL default server the CAD has no server 3 -> Correct SONORAN_SERVER_ID", EXIT_FAILED,
            id="default server"),
        pytest.param(lambda w: w.changes.update(api_version="v2"),
            "accepts the key over API v2 ok plan STANDARD (in the CAD's words: ", EXIT_OK,
            id="v2"),
        pytest.param(lambda w: setattr(w.cad, "plan", Plan.STARTER),
            "FAIL plan STARTER, which can't remove calls", EXIT_FAILED,
            id="plan"),
        pytest.param(lambda w: setattr(w.cad, "plan", Plan.FREE),
            "FAIL plan FREE, which can't remove calls", EXIT_FAILED,
            id="free plan"),
        pytest.param(lambda w: setattr(w.cad, "plan", Plan.PLUS),
            "ok plan PLUS: removes calls, and has the list of the open ones", EXIT_OK,
            id="plus"),
        pytest.param(lambda w: (w.folder / ".env").chmod(0o644),
            "warn .env other users of this machine can read it, and it holds the token and the key -> Run: chmod 600",
            EXIT_OK, id=".env readable", marks=needs_file_modes),
        pytest.param(lambda w: in_git(w.folder),
            "FAIL .env git tracks it, so whoever gets the repository gets the token and the key -> Run: git rm "
            "--cached .env, and commit.", EXIT_FAILED,
            id=".env in git", marks=needs_git),
        pytest.param(lambda w: (in_git(w.folder), (w.folder / ".git" / "index").write_bytes(b"damaged")),
            "warn .env git would not say whether it tracks it -> Run: git ls-files .env", EXIT_OK,
            id="git refuses", marks=needs_git),
        pytest.param(lambda w: (w.folder / "data").write_text("a file"), "can't be created: ", EXIT_FAILED,
            id="no folder"),
        pytest.param(lambda w: other_database(w.folder / "data"),
            "journal.db is some other program's database", EXIT_FAILED,
            id="another program's file"),
        pytest.param(lambda w: (w.folder / "data").mkdir() or (w.folder / "data/journal.db").write_bytes(b"x" * 5000),
            "journal.db can't be read (file is not a database) -> Stop the bot, move the file aside", EXIT_FAILED,
            id="damaged file"),
        pytest.param(lambda w: (w.folder / ".env").unlink(), "the environment has the settings", EXIT_OK,
            id="no .env"),
    ],
)  # fmt: skip
async def test_single_problem_is_reported_with_its_remedy(world: World, change: Change, says: str, code: int) -> None:
    change(world)
    shown = await world.check()
    assert says in shown
    assert world.code == code
    assert ("->" in shown) == (world.code != EXIT_OK or "warn" in shown)


def other_database(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute("CREATE TABLE theirs (x)")


async def test_journal_of_a_running_bot_is_a_warning(world: World) -> None:
    path = world.folder / "data" / "journal.db"
    async with Journal(path):
        before = sorted(path.parent.iterdir())
        assert f"warn journal another process holds {path}, as the bot does while it runs" in await world.check()
        assert sorted(path.parent.iterdir()) == before
    assert world.code == EXIT_OK


async def test_unlocked_journal_is_ok(world: World) -> None:
    path = world.folder / "data" / "journal.db"
    async with Journal(path):
        pass
    before = [(one, one.stat().st_mtime_ns) for one in sorted(path.parent.iterdir())]
    assert re.search(rf"ok journal {re.escape(str(path))}, [1-9][0-9]* kB", await world.check())
    assert [(one, one.stat().st_mtime_ns) for one in sorted(path.parent.iterdir())] == before
    async with Journal(path):  # nothing holds it back
        pass


def in_git(folder: Path) -> None:
    for command in ("init -q", "add -f .env"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True, capture_output=True)  # noqa: S607


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_v1_switched_off_suggests_v2(world: World, status: str) -> None:
    async with serve(responding(http(status, b"GONE"))) as account:
        world.account = account
        shown = await world.check()
    assert f"refuses v1 as if it were switched off (HTTP {status[:3]}) -> Set SONORAN_API_VERSION=v2" in shown
    assert world.code == EXIT_FAILED


async def test_control_characters_in_names_are_escaped(world: World) -> None:
    world.discord.guilds[GUILD]["name"] = "Los\x1b[31m\nSantos\u202e" + "x" * 90
    shown = await world.check()
    assert "\x1b" not in "".join(world.lines)
    assert "server Los[31m Santosxxx" in shown


async def test_invite_link_requests_only_needed_permissions(world: World) -> None:
    world.discord.guilds.clear()
    world.changes["audit_channel_id"] = int(CHANNEL)
    # View Channel, Send Messages, Embed Links.
    assert f"permissions={1 << 10 | 1 << 11 | 1 << 14}" in await world.check()


async def test_writable_audit_channel_is_ok(world: World) -> None:
    world.discord.guilds[GUILD]["roles"][0]["permissions"] = str(1 << 10 | 1 << 11 | 1 << 14)
    world.changes["audit_channel_id"] = int(CHANNEL)
    assert "ok audit channel #dispatch in Los Santos, and the bot may write there" in await world.check()
    assert world.code == EXIT_OK


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="needs another user, who can be turned back from")
async def test_journal_in_a_closed_folder_fails_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "closed" / "within" / "journal.db"
    path.parent.parent.mkdir(mode=0)
    root = os.geteuid() == 0
    if root:  # to whom nothing is closed
        os.setresuid(65534, 65534, 0)
    try:
        assert journal_path({"DATABASE_PATH": str(path)}, []) == path
        found = host_checks.check_journal(path)
    finally:
        if root:
            os.setresuid(0, 0, 0)
    assert found.severity is Severity.FAIL
    assert "takes no new files from this user" in found.state


THREAD = str(10**17 + 20)
MAY_ALL = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 38
"""View Channel, Send Messages, Embed Links, Send Messages in Threads."""


def thread(world: World, *, permissions: int = MAY_ALL, parent: int = 0, **state: bool) -> None:
    """Let the audit channel be a thread, or a post in a forum."""
    home = world.discord.guilds[GUILD]
    home["roles"][0]["permissions"] = str(permissions)
    home["channels"][0]["type"] = parent
    metadata = {"archived": False, "locked": False, "auto_archive_duration": 60, **state}
    times = {"archive_timestamp": "2026-01-01T00:00:00+00:00"}
    home["threads"] = [
        {
            "id": THREAD, "type": 11, "name": "removals", "parent_id": CHANNEL, "owner_id": BOT, "message_count": 0,
            "member_count": 1, "thread_metadata": {**metadata, **times},
        }
    ]  # fmt: skip
    world.changes["audit_channel_id"] = int(THREAD)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(thread, "ok audit channel the thread removals in Los Santos, and the bot may write",
            id="thread"),
        pytest.param(lambda w: thread(w, parent=15), "ok audit channel the thread removals in Los Santos",
            id="post of a forum"),
        pytest.param(lambda w: thread(w, archived=True), "ok audit channel the thread removals in Los Santos",
            id="archived"),
        pytest.param(lambda w: thread(w, archived=True, locked=True),
            "FAIL audit channel the thread removals is locked",
            id="locked"),
        pytest.param(lambda w: thread(w, permissions=MAY_ALL & ~(1 << 38)),
            "FAIL audit channel the bot lacks Send Messages in Threads in #removals -> Give it that there",
            id="without permission"),
        pytest.param(lambda w: (thread(w, parent=15), w.changes.update(audit_channel_id=int(CHANNEL))),
            "FAIL audit channel #dispatch is a forum, which takes no messages -> Use the id of a channel or thread",
            id="forum"),
    ],
)  # fmt: skip
async def test_audit_channel_may_be_a_thread(world: World, change: Change, says: str) -> None:
    """https://github.com/9vult/nino/issues/19: a thread ended `check` and the status."""
    change(world)
    assert says in await world.check()
    assert world.code == (EXIT_OK if says.startswith("ok") else EXIT_FAILED)


@pytest.mark.parametrize("path", ["/commands", f"/channels/{CHANNEL}", "/members/", "/oauth2/applications"])
async def test_odd_answer_to_one_check_does_not_take_the_others_along(world: World, path: str) -> None:
    world.changes["audit_channel_id"] = int(CHANNEL)
    world.discord.odd[path] = "<html>not from Discord</html>"
    shown = await world.check()
    assert "it sent an unusable answer (" in shown
    assert "ok Sonoran CAD" in shown
    for finding in ("ok dispatcher role", "audit channel", "ok gateway"):
        assert (finding in shown) == (path != "/oauth2/applications")
    assert world.code == EXIT_FAILED


def crowd(world: World, count: int) -> None:
    """Put the bot into foreign servers, and its home behind them."""
    foreign = {str(2 * 10**17 + number): f"Foreign {number}" for number in range(count)}
    home = world.discord.guilds.pop(GUILD)
    world.discord.guilds.update({number: guild(number, name) for number, name in foreign.items()} | {GUILD: home})


@pytest.mark.parametrize("named", [False, True])
async def test_home_behind_thirty_foreign_servers_is_found(world: World, named: bool) -> None:
    """https://github.com/nextcord/nextcord/issues/648"""
    crowd(world, 30)
    if named:
        world.changes["guild_ids"] = frozenset({int(GUILD)})
    shown = await world.check()
    assert f"ok server Los Santos ({GUILD})" in shown
    assert "ok dispatcher role Dispatcher" in shown
    assert shown.count("foreign server") == 1
    assert "Foreign 2 (200000000000000002) and 27 more are not home guilds" in shown
    assert world.code == EXIT_OK
    looked_at = [path for _, path, _ in world.discord.sent if re.fullmatch(r"/guilds/\d+", path)]
    assert len(looked_at) == (1 if named else 31)


async def test_home_that_was_not_looked_at_is_not_called_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord_checks, "MAX_GUILDS", 5)
    crowd(world, 10)
    shown = await world.check()
    assert "does not exist" not in shown
    assert f"? dispatcher role {ROLE} is in none of the first 100 of the bot's servers, and only those were" in shown
    assert "? server no home server is among the first 100 of the bot's servers, and only those were looked at" in shown
    assert "-> Put the id of the right server into GUILD_IDS: then it is looked at directly" in shown
    world.changes["guild_ids"] = frozenset({int(GUILD)})
    world.lines.clear()
    assert f"ok server Los Santos ({GUILD})" in await world.check()


BUSY = http("429 Too Many Requests", b"", "Retry-After: 900")
NO_ANSWER = b""  # the connection ends instead


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (BUSY, "it is busy and takes no more for now (HTTP 429)"),
        (NO_ANSWER, "the connection broke before it answered"),
    ],
)
async def test_cad_of_which_nothing_is_known_is_not_said_to_work(
    world: World, answer: bytes, says: str, version: str
) -> None:
    world.changes["api_version"] = version
    async with serve(responding(answer)) as account:
        world.account = account
        shown = await world.check()
    assert f"? Sonoran CAD {says} -> Run the check again" in shown
    assert shown.endswith("Not known whether it works: 1 check has no result. Each arrow (->) says what to do.")
    assert world.code == EXIT_FAILED


async def test_failure_does_not_hide_what_is_not_known(world: World) -> None:
    world.discord.guilds.clear()
    async with serve(responding(BUSY)) as account:
        world.account = account
        shown = await world.check()
    assert shown.endswith("1 check failed, and 1 check has no result. Each arrow (->) says what to do.")


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("written", [KEY, f"id:{KEY}", KEY.replace("-", ""), TOKEN])
async def test_secret_in_another_setting_is_not_printed(world: World, written: str, version: str) -> None:
    world.changes.update(api_version=version, database_path=world.folder / written / "journal.db")
    world.account = replace(Account(URL("http://127.0.0.1:9"), "ours", KEY), community_id=written)
    if version == "v2":
        world.account = None
        world.mistyped["community_id"] = written
    shown = await world.check()
    assert written not in shown
    assert "accepts the key over API v2" in shown or version == "v1"
    assert "ok journal (not shown: it repeats a secret)" in shown or "[secret]" in shown
