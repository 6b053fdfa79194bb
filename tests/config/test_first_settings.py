"""Twenty wrong settings, as newcomers write them: each time they read what it is and what to do, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import main
from bot.config.errors import BAD_SETTINGS
from tests.support.settings import GUILD, KEY, ROLE, TOKEN

GOOD = f"DISCORD_TOKEN={TOKEN}\nSONORAN_COMMUNITY_ID=ours\nSONORAN_API_KEY={KEY}\nDISPATCHER_ROLE_IDS={ROLE}\n"


def instead(name: str, value: str) -> str:
    return "".join(f"{name}={value}\n" if line.startswith(name) else f"{line}\n" for line in GOOD.splitlines())


def without(name: str) -> str:
    return "".join(f"{line}\n" for line in GOOD.splitlines() if not line.startswith(name))


MISTAKES = {
    "nothing filled in": (
        "DISCORD_TOKEN=\nSONORAN_COMMUNITY_ID=\n",
        "DISCORD_TOKEN it is missing -> Needed: the bot's token, from the Developer Portal under Bot",
    ),
    "the client secret for the token": (
        instead("DISCORD_TOKEN", "0123456789abcdefghijklmnopqrstuv"),
        "DISCORD_TOKEN this is not a bot token (its value is not shown) -> Allowed: three parts with dots between them",
    ),
    "Bot in front of the token": (instead("DISCORD_TOKEN", f"Bot {TOKEN}"), "DISCORD_TOKEN this is not a bot token"),
    "no community id": (
        without("SONORAN_COMMUNITY_ID"),
        "SONORAN_COMMUNITY_ID it is missing -> Needed: the community's id in the CAD",
    ),
    "id and key swapped": (
        instead("SONORAN_COMMUNITY_ID", "DF58F1E-FD8A-44C5-BA").replace(KEY, "mycommunity"),
        (
            "SONORAN_COMMUNITY_ID this looks like an API key (its value is not shown), and SONORAN_API_KEY does "
            "not: the two may be swapped -> Allowed: the community's id here, its API key there"
        ),
    ),
    "the example's own key": (instead("SONORAN_API_KEY", "YOUR_API_KEY"), "SONORAN_API_KEY this is not an API key"),
    "half a key": (instead("SONORAN_API_KEY", "DF58"), "SONORAN_API_KEY this is not an API key (its value is not"),
    "a role's name": (
        instead("DISPATCHER_ROLE_IDS", "Dispatcher"),
        (
            "DISPATCHER_ROLE_IDS found 'Dispatcher' -> Allowed: ids of 15 to 20 digits, commas between them (in "
            "Discord: Developer Mode on, right click, Copy ID)"
        ),
    ),
    "a mention of a person": (instead("DISPATCHER_ROLE_IDS", f"<@{ROLE}>"), "DISPATCHER_ROLE_IDS found '<@1000"),
    "a player's Steam hex for the key": (
        instead("SONORAN_API_KEY", "11000010a2b3c4d"),
        (
            "SONORAN_API_KEY this is a Steam hex, which names a player (its value is not shown) -> Allowed: the "
            "community's API key, in Sonoran CAD under Admin panel"
        ),
    ),
    "the server's id as the role": (
        instead("DISPATCHER_ROLE_IDS", GUILD) + f"GUILD_IDS={GUILD}\n",
        (
            f"DISPATCHER_ROLE_IDS {GUILD} is the id of a Discord server (it is in GUILD_IDS too). As a role, that is "
            "@everyone -> Allowed: ids of roles"
        ),
    ),
    "semicolons between the ids": (
        instead("DISPATCHER_ROLE_IDS", f"{ROLE};{GUILD}"),
        "DISPATCHER_ROLE_IDS found '100000000000000001;100000000000000002' -> Allowed: ids of 15 to 20 digits, commas",
    ),
    "TOKEN": (
        GOOD.replace("DISCORD_TOKEN", "TOKEN"),
        "TOKEN there is no such setting -> Did you mean DISCORD_TOKEN?",
    ),
    "SERVER_ID": (GOOD + "SERVER_ID=1\n", "SERVER_ID there is no such setting -> Did you mean SONORAN_SERVER_ID?"),
    "GUILD_ID": (GOOD + f"GUILD_ID={GUILD}\n", "GUILD_ID there is no such setting -> Did you mean GUILD_IDS?"),
    "a name of another bot's": (
        GOOD + "PREFIX=!\n",
        "PREFIX there is no such setting -> Allowed: the names in .env.example",
    ),
    "a key where a name should be": (
        GOOD + f"{KEY}=\n".replace("-", "") + "a1b2c3d4e5f6=x\n",
        "a name that is not shown, in case of a secret there is no such setting",
    ),
    "the server's name": (
        GOOD + "SONORAN_SERVER_ID=Main\n",
        "SONORAN_SERVER_ID found 'Main' -> Allowed: a whole number from 1 to 2147483647",
    ),
    "an address without https": (
        GOOD + "SONORAN_API_URL=http://api.sonorancad.com\n",
        "SONORAN_API_URL found 'http://api.sonorancad.com' -> Allowed: https://host, or http:// to this machine itself",
    ),
    "a version that is none": (
        GOOD + "SONORAN_API_VERSION=2\n",
        "SONORAN_API_VERSION found '2' -> Allowed: v1, v2",
    ),
    "a channel's name": (
        GOOD + "AUDIT_CHANNEL_ID=#audit\n",
        "AUDIT_CHANNEL_ID found '#audit' -> Allowed: ids of 15 to 20 digits",
    ),
    "a folder for the journal": (GOOD + "DATABASE_PATH=.\n", "DATABASE_PATH it is a folder, or no path at all"),
    "for ever": (
        GOOD + "RETENTION_DAYS=forever\n",
        "RETENTION_DAYS found 'forever' -> Allowed: a whole number from 1 to 3650",
    ),
    "a colon instead of =": (
        GOOD + "LOG_LEVEL: INFO\n",
        ".env line 5 is not a setting -> Allowed: NAME=value (a quote needs its end), or # first",
    ),
    "a quote without its end": (GOOD + 'EMERGENCY_NUMBER="999\n', ".env line 5 is not a setting -> Allowed:"),
}


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_common_first_mistake_is_named_with_its_remedy(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written, says = MISTAKES[mistake]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / ".env").write_text(written, "utf-8")
    assert main(["check"]) == BAD_SETTINGS
    shown = " ".join(capsys.readouterr().out.split())
    assert says in shown
    assert main([]) == BAD_SETTINGS
    told = capsys.readouterr().err
    assert says.partition(" -> ")[0].split(" ")[-1] in told
    for secret in (TOKEN, KEY, KEY.replace("-", ""), "DF58F1E-FD8A-44C5-BA", "a1b2c3d4e5f6", "11000010a2b3c4d"):
        assert secret not in shown + told
