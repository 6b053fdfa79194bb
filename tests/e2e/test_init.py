"""`init` in a real terminal, against the fake Discord and the fake CAD: what a host reads and types."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.config.env_file import parse_env_file
from bot.config.errors import BAD_SETTINGS
from bot.sandbox.fake_cad.server import FakeCad
from tests.support.discord_address import write_sitecustomize
from tests.support.fake_discord import ROLE, FakeDiscord, guild
from tests.support.processes import ROOT, environment, run
from tests.support.settings import KEY, TOKEN

if sys.platform == "win32":
    pytest.skip("Windows has no pty", allow_module_level=True)

import pexpect

ANSWERS = (("Token:", TOKEN), ("numbers of the roles", "1"), ("Community id:", "ours"), ("API key:", KEY))
CTRL_C = "\x03"
PATIENCE = 60


@dataclass
class Host:
    """A person at a terminal, in a folder that is empty at first."""

    folder: Path
    discord: FakeDiscord
    cad: FakeCad
    environment: dict[str, str]
    transcript: str = ""

    async def play(self, *steps: tuple[str, str | None]) -> int:
        """Start `init`; wait for each text, and type the answer to it (None: nothing). Return the exit code."""
        return await asyncio.to_thread(self._play, steps)

    def _play(self, steps: tuple[tuple[str, str | None], ...]) -> int:
        child: Any = pexpect.spawn(
            sys.executable, ["-m", "bot", "init"], cwd=str(self.folder), env=self.environment, timeout=PATIENCE,
            encoding="utf-8", dimensions=(50, 110),
        )  # fmt: skip
        try:
            for prompt, answer in steps:
                child.expect_exact(prompt)
                self.transcript += child.before + child.after
                if prompt in {"Token:", "API key:"}:
                    child.waitnoecho()
                if answer == CTRL_C:
                    child.sendintr()
                elif answer is not None:
                    child.sendline(answer)
            child.expect(pexpect.EOF)
            self.transcript += child.before
        finally:
            child.close()
        return child.exitstatus if child.exitstatus is not None else -child.signalstatus

    @property
    def written(self) -> dict[str, str]:
        values, mistakes = parse_env_file((self.folder / ".env").read_bytes())
        assert mistakes == []
        return values


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    folder, world = tmp_path / "bot", tmp_path / "world"
    folder.mkdir()
    world.mkdir()
    stand_in, cad = FakeDiscord(), FakeCad(community_id="ours", key=KEY)
    async with stand_in.serving() as address, cad.serving() as account:
        write_sitecustomize(world, address)
        settings = environment(PYTHONPATH=f"{world}{os.pathsep}{ROOT}", SONORAN_API_URL=str(account.url))
        person = Host(folder, stand_in, cad, settings)
        yield person
    for secret in (TOKEN, KEY):
        assert secret not in person.transcript


async def test_four_answers_lead_to_settings_that_work(host: Host) -> None:
    assert await host.play(*ANSWERS) == 0
    assert host.written == {
        "DISCORD_TOKEN": TOKEN, "SONORAN_COMMUNITY_ID": "ours", "SONORAN_API_KEY": KEY, "DISPATCHER_ROLE_IDS": ROLE,
    }  # fmt: skip
    assert (host.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in host.folder.iterdir()] == [".env"]
    for said in ("remove911", "Los Santos", "Only Dispatcher can remove calls", "accepts community ours", "STANDARD"):
        assert said in host.transcript
    assert f"Start the bot:       {sys.executable} -m bot\r\n" in host.transcript
    checked = await asyncio.to_thread(run, "check", cwd=host.folder, **host.environment)
    assert checked.returncode == 0, checked.stdout


async def test_wrong_answers_are_explained_and_asked_again(host: Host) -> None:
    host.discord.guilds[ROLE] = guild(ROLE, "Paleto Bay")
    code = await host.play(
        ("Token:", "no token"),
        ("three parts with dots between them", None),
        ("Token:", TOKEN),
        ("server's number:", "3"),
        ("Allowed: one number from 1 to 2.", None),
        ("server's number:", "1"),
        ("numbers of the roles", "Dispatcher"),
        ("Allowed: numbers from 1 to 1.", None),
        ("numbers of the roles", "1"),
        ("Community id:", "theirs"),
        ("API key:", KEY),
        ("does not know the community id", None),
        ("Community id:", "ours"),
        ("API key:", "some-other-key"),
        ("does not accept the API key", None),
        *ANSWERS[2:],
    )
    assert (code, host.written["SONORAN_COMMUNITY_ID"], host.written["SONORAN_API_KEY"]) == (0, "ours", KEY)


async def test_refused_token_is_asked_again(host: Host) -> None:
    host.discord.failing["users/@me"] = (401, 0)

    async def mend() -> None:
        while not host.discord.sent:
            await asyncio.sleep(0.01)
        host.discord.failing.clear()

    mending = asyncio.create_task(mend())
    assert await host.play(("Token:", TOKEN), ("Discord refuses this token", None), *ANSWERS) == 0
    await mending


async def test_bot_in_no_server_gets_an_invite_link(host: Host) -> None:
    there = dict(host.discord.guilds)
    host.discord.guilds.clear()

    async def invite() -> None:
        while not any(path.endswith("/guilds") for _, path, _ in host.discord.sent):
            await asyncio.sleep(0.01)
        host.discord.guilds.update(there)

    inviting = asyncio.create_task(invite())
    assert await host.play(ANSWERS[0], ("Then press Enter.", ""), *ANSWERS[1:]) == 0
    assert re.search(
        r"https://discord\.com/oauth2/authorize\?client_id=\d+&scope=bot\+applications\.commands", host.transcript
    )
    await inviting


async def test_unreachable_cad_leaves_the_answers_unchecked_on_request(host: Host) -> None:
    await host.cad.go_down()
    assert await host.play(*ANSWERS, ("Try once more?", "y"), ("Try once more?", "n")) == 0
    assert host.written["SONORAN_API_KEY"] == KEY
    assert "it can't be reached" in host.transcript


@pytest.mark.parametrize("answered", range(4))
async def test_ctrl_c_leaves_nothing_behind(host: Host, answered: int) -> None:
    assert await host.play(*ANSWERS[:answered], (ANSWERS[answered][0], CTRL_C)) == 128 + signal.SIGINT
    assert "Stopped. Nothing was written." in host.transcript
    assert "Traceback" not in host.transcript
    assert list(host.folder.iterdir()) == []


async def test_existing_file_is_kept_unless_the_host_agrees(host: Host) -> None:
    old = "# mine\nLOG_LEVEL=DEBUG\nDISCORD_TOKEN=a.b.c\n"
    (host.folder / ".env").write_text(old)
    for answer in ("", "n"):
        assert await host.play(("Replace them? [y/N]", answer)) == 1
        assert (host.folder / ".env").read_text() == old
    assert await host.play(("Replace them? [y/N]", "y"), *ANSWERS) == 0
    assert (host.folder / ".env").read_text().startswith(f"# mine\nLOG_LEVEL=DEBUG\nDISCORD_TOKEN='{TOKEN}'\nSONORAN")
    assert (host.folder / ".env").stat().st_mode & 0o777 == 0o600


async def test_unreadable_file_is_not_replaced(host: Host) -> None:
    (host.folder / ".env").write_text("no setting\n")
    assert await host.play() == BAD_SETTINGS
    assert ".env: line 1 is not a setting" in host.transcript
    assert (host.folder / ".env").read_text() == "no setting\n"


async def test_setting_in_the_environment_is_refused(host: Host) -> None:
    host.environment["DISCORD_TOKEN"] = TOKEN
    assert await host.play() == BAD_SETTINGS
    assert "DISCORD_TOKEN: set in the environment, which wins over .env" in host.transcript


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    ended = run("init", cwd=tmp_path)
    assert ended.returncode == BAD_SETTINGS
    assert "init asks questions, so it needs a terminal" in ended.stderr
    assert list(tmp_path.iterdir()) == []


async def test_failure_of_discord_is_explained_and_tried_again(host: Host) -> None:
    host.discord.failing["users/@me/guilds"] = (403, 40333)

    async def mend() -> None:
        while not any(path.endswith("/guilds") for _, path, _ in host.discord.sent):
            await asyncio.sleep(0.01)
        host.discord.failing.clear()

    mending = asyncio.create_task(mend())
    assert await host.play(ANSWERS[0], ("FAIL  Discord", None), ("Press Enter to try again.", ""), *ANSWERS[1:]) == 0
    await mending


async def test_token_that_is_reset_between_two_questions_is_asked_again(host: Host) -> None:
    there = dict(host.discord.guilds)
    host.discord.guilds.clear()

    def logins() -> int:
        return sum(path.endswith("users/@me") for _, path, _ in host.discord.sent)

    async def reset() -> None:
        while not any(path.endswith("/guilds") for _, path, _ in host.discord.sent):
            await asyncio.sleep(0.01)
        host.discord.guilds.update(there)
        host.discord.failing["users/@me"], before = (401, 0), logins()
        while logins() == before:
            await asyncio.sleep(0.01)
        host.discord.failing.clear()

    resetting = asyncio.create_task(reset())
    refused = ("Discord refuses this token. Copy it again", None)
    assert await host.play(ANSWERS[0], ("Then press Enter.", ""), refused, *ANSWERS) == 0
    await resetting
    assert "Traceback" not in host.transcript
    assert host.written["DISCORD_TOKEN"] == TOKEN


@pytest.mark.parametrize("path", ["/oauth2/applications/@me", "/users/@me/guilds", "/guilds/1"])
async def test_odd_answer_of_discord_is_explained_and_tried_again(host: Host, path: str) -> None:
    host.discord.odd[path] = "<html>not from Discord</html>"

    async def mend() -> None:
        while not any(path in sent for _, sent, _ in host.discord.sent):
            await asyncio.sleep(0.01)
        host.discord.odd.clear()

    mending = asyncio.create_task(mend())
    told = (("it sent an unusable answer (", None), ("Press Enter to try again.", ""))
    assert await host.play(ANSWERS[0], *told, *ANSWERS[1:]) == 0
    await mending
    assert "Traceback" not in host.transcript


async def test_key_in_place_of_the_community_id_is_asked_again(host: Host) -> None:
    twice = (("Community id:", "another-key"), ("API key:", "another-key"))
    told = ("SONORAN_COMMUNITY_ID: it repeats SONORAN_API_KEY (its value is not shown)", None)
    assert await host.play(*ANSWERS[:2], *twice, told, *ANSWERS[2:]) == 0
    assert host.written["SONORAN_COMMUNITY_ID"] == "ours"
