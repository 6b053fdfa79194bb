"""The settings: what is taken, and what a host reads about each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.env_file import merged, parse_env_file
from bot.errors import SettingsError
from bot.settings import Settings
from bot.settings_list import NAMES

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.planted-discord-token-aaaaaaaaaaaaaaa"
KEY = "planted-cad-key-0123456789"
ROLE, GUILD = "100000000000000001", "100000000000000002"
GOOD = {"DISCORD_TOKEN": TOKEN, "SONORAN_COMMUNITY_ID": "ours", "SONORAN_API_KEY": KEY, "DISPATCHER_ROLE_IDS": ROLE}


def mistakes(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({**GOOD, **changes})
    told = str(caught.value)
    assert TOKEN not in told
    assert KEY not in told
    return caught.value.mistakes


def test_the_least_there_is() -> None:
    settings = Settings.from_mapping(GOOD)
    assert str(settings.account.url) == "https://api.sonorancad.com"
    assert settings.dispatcher_role_ids == (int(ROLE),)
    assert settings.guild_ids == frozenset()
    assert settings.default_server_id is None
    assert settings.log_level == "INFO"


def test_everything_set() -> None:
    settings = Settings.from_mapping(
        {
            **GOOD,
            "DISPATCHER_ROLE_IDS": f" {ROLE}, 100000000000000003,{ROLE},",
            "GUILD_IDS": GUILD,
            "SONORAN_SERVER_ID": "2147483647",
            "SONORAN_API_URL": "https://proxy.example:8443/sonoran/",
            "LOG_LEVEL": "debug",
            "ADMIN_ROLE_IDS": "100000000000000004",
            "AUDIT_CHANNEL_ID": "100000000000000005",
            "SONORAN_API_VERSION": "V2",
            "DATABASE_PATH": "C:\\bot\\journal.db",
            "RETENTION_DAYS": "30",
            "EMERGENCY_NUMBER": "999",
        }
    )
    assert settings.admin_role_ids == (100000000000000004,)
    assert settings.audit_channel_id == 100000000000000005
    assert settings.api_version == "v2"
    assert str(settings.database_path) == "C:\\bot\\journal.db"
    assert (settings.retention_days, settings.emergency_number) == (30, "999")
    assert settings.dispatcher_role_ids == (int(ROLE), 100000000000000003)
    assert settings.guild_ids == {int(GUILD)}
    assert settings.default_server_id == 2147483647
    assert (
        str(settings.account.url / "emergency/remove_911") == "https://proxy.example:8443/sonoran/emergency/remove_911"
    )
    assert settings.log_level == "DEBUG"


def test_every_setting_is_explained_in_the_example() -> None:
    example = (Path(__file__).parent.parent / ".env.example").read_bytes()
    assert re.findall(rb"(?m)^([A-Z_]+)=$", example) == [name.encode() for name in NAMES]


def test_v2_needs_no_community_id() -> None:
    values = {**GOOD, "SONORAN_API_VERSION": "v2"}
    del values["SONORAN_COMMUNITY_ID"]
    assert Settings.from_mapping(values).account.community_id == ""


def test_a_community_may_be_called_what_it_likes() -> None:
    assert (
        Settings.from_mapping({**GOOD, "SONORAN_COMMUNITY_ID": "your_city_rp"}).account.community_id == "your_city_rp"
    )


def test_the_secrets_are_the_token_and_the_key() -> None:
    assert Settings.from_mapping(GOOD).secrets == (TOKEN, KEY)


def test_mistakes_of_the_file_are_told_with_the_others() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({**GOOD, "LOG_LEVEL": "LOUD"}, [".env: line 3"])
    assert [line.partition(":")[0] for line in caught.value.mistakes] == [".env", "LOG_LEVEL"]


def test_secrets_are_in_no_repr() -> None:
    shown = repr(Settings.from_mapping(GOOD))
    assert TOKEN not in shown
    assert KEY not in shown


def test_nothing_set_names_all_that_is_needed() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({"DISCORD_TOKEN": "  "})
    assert [line.partition(":")[0] for line in caught.value.mistakes] == list(GOOD)


def test_every_mistake_is_told_at_once() -> None:
    told = mistakes(DISCORD_TOKEN="secret of the app", SONORAN_SERVER_ID="one", GUILD_IDS="ours", LOG_LEVEL="LOUD")
    assert [line.partition(":")[0] for line in told] == ["DISCORD_TOKEN", "GUILD_IDS", "SONORAN_SERVER_ID", "LOG_LEVEL"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DISCORD_TOKEN", "Bot abc.def.ghi", "not a bot token (its value is not shown)"),
        ("DISCORD_TOKEN", "0123456789abcdef0123456789abcdef", "not a bot token"),
        ("SONORAN_API_KEY", "two words", "not an API key (its value is not shown)"),
        ("SONORAN_API_KEY", "YOUR_API_KEY", "not an API key"),
        ("SONORAN_API_KEY", "on", "not an API key"),
        ("SONORAN_API_URL", "https://x:0", "allowed: https://host"),
        ("SONORAN_COMMUNITY_ID", "our town", "found 'our town'"),
        ("SONORAN_COMMUNITY_ID", "YOUR_COMMUNITY_ID", "found 'YOUR_COMMUNITY_ID'"),
        ("DISPATCHER_ROLE_IDS", "Dispatcher", "found 'Dispatcher'; allowed: ids of 15 to 20 digits"),
        ("DISPATCHER_ROLE_IDS", f"{ROLE},@here", "24 characters that are not shown"),
        ("DISPATCHER_ROLE_IDS", f"{ROLE} 100000000000000003", "found '100000000000000001 100000000000000003'"),
        ("DISPATCHER_ROLE_IDS", "abc,def012345678", "16 characters that are not shown, in case of a secret"),
        ("DISPATCHER_ROLE_IDS", "１０００００００００００００００１", "found '１０"),
        ("DISPATCHER_ROLE_IDS", ",", "found ','"),
        ("DISPATCHER_ROLE_IDS", TOKEN, "characters that are not shown"),
        ("SONORAN_SERVER_ID", "0", "found '0'; allowed: a whole number from 1 to 2147483647"),
        ("SONORAN_SERVER_ID", "2147483648", "found '2147483648'"),
        ("SONORAN_SERVER_ID", "1.0", "found '1.0'"),
        ("SONORAN_SERVER_ID", KEY, "characters that are not shown"),
        ("SONORAN_API_URL", "http://api.sonorancad.com", "found 'http://api.sonorancad.com'; allowed: https://host"),
        ("SONORAN_API_URL", "api.sonorancad.com", "found 'api.sonorancad.com'"),
        ("SONORAN_API_URL", "https://", "found 'https://'"),
        ("SONORAN_API_URL", f"http://api.sonorancad.com/{KEY}", "found 'http://api.sonorancad.com'; allowed"),
        ("SONORAN_API_URL", KEY, "characters that are not shown"),
        ("SONORAN_API_URL", "https://a..b.com", "not an address"),
        ("SONORAN_API_URL", f"https://{'a' * 70}.com", "not an address"),
        ("SONORAN_API_URL", "https://host:port", "not an address"),
        ("SONORAN_API_URL", f"https://me:{KEY}@host", "a name or password in it (its value is not shown)"),
        ("SONORAN_API_URL", f"https://host/?key={KEY}", "a ? or # in it (its value is not shown)"),
        ("SONORAN_API_URL", "https://host/#v1", "a ? or # in it"),
        ("SONORAN_API_URL", "ftp://host", "found 'ftp://host'"),
        ("LOG_LEVEL", "chatty", "allowed: DEBUG, INFO, WARNING, ERROR"),
        ("GUILD_IDS", "https://discord.gg/ours", "found 'https://discord.gg/ours'"),
        ("GUILD_IDS", ROLE, "is the id of a server (it stands in GUILD_IDS too)"),
        ("ADMIN_ROLE_IDS", "Admin", "found 'Admin'; allowed: ids of 15 to 20 digits"),
        ("AUDIT_CHANNEL_ID", "#audit", "found '#audit'; allowed: ids of 15 to 20 digits"),
        ("AUDIT_CHANNEL_ID", f"{ROLE},{GUILD}", "allowed: one id"),
        ("SONORAN_API_VERSION", "v3", "found 'v3'; allowed: v1, v2"),
        ("DATABASE_PATH", ".", "it is a folder"),
        ("DATABASE_PATH", "x" * 300, "no path at all"),
        ("DATABASE_PATH", "~no-such-user/x.db", "there is no such home folder"),
        ("RETENTION_DAYS", "0", "found '0'; allowed: a whole number from 1 to 3650"),
        ("EMERGENCY_NUMBER", "nine", "found 'nine'; allowed: 2 to 5 digits, such as 911, 999 or 112"),
    ],
)
def test_one_mistake(name: str, value: str, says: str) -> None:
    (line,) = mistakes(**{name: value})
    assert line.startswith("DISPATCHER_ROLE_IDS: " if name == "GUILD_IDS" and value == ROLE else f"{name}: ")
    assert says in line


@pytest.mark.parametrize("url", ["http://127.0.0.1:8911", "http://[::1]:8911", "http://localhost/cad"])
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    assert str(Settings.from_mapping({**GOOD, "SONORAN_API_URL": url}).account.url).rstrip("/") == url


def test_a_near_miss_is_pointed_out() -> None:
    values = {**GOOD, "DISCORD_TOKN": TOKEN, "sonoran_server_id": "1"}
    del values["DISCORD_TOKEN"]
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping(values)
    assert caught.value.mistakes[1:] == [
        "DISCORD_TOKN: there is no such setting; did you mean DISCORD_TOKEN?",
        "sonoran_server_id: there is no such setting; did you mean SONORAN_SERVER_ID?",
    ]


def test_other_programs_variables_are_no_near_misses() -> None:
    environment = {**GOOD, "LOGLEVEL": "x", "GUILD": "x", "PATH": "x", "DISCORD_WEBHOOK": "x"}
    assert Settings.from_mapping(merged({}, environment)).log_level == "INFO"


def test_the_environment_wins_and_empty_means_unset() -> None:
    assert merged({"A": "file", "LOG_LEVEL": "DEBUG"}, {"LOG_LEVEL": "ERROR"}) == {"A": "file", "LOG_LEVEL": "ERROR"}
    assert merged({"LOG_LEVEL": "DEBUG"}, {"LOG_LEVEL": " "}) == {"LOG_LEVEL": "DEBUG"}


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"SONORAN_API_KEY=a${HOME}b$PATH\n", {"SONORAN_API_KEY": "a${HOME}b$PATH"}),
        (b"\xef\xbb\xbfLOG_LEVEL=INFO\r\n", {"LOG_LEVEL": "INFO"}),
        (b"# a remark\n\nexport LOG_LEVEL='INFO' # why\nGUILD_IDS=\n", {"LOG_LEVEL": "INFO"}),
        (b"SONORAN_API_KEY=abc#def\n", {"SONORAN_API_KEY": "abc#def"}),
        (b"", {}),
    ],
)
def test_an_env_file(content: bytes, values: dict[str, str]) -> None:
    assert parse_env_file(content) == (values, [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("LOG_LEVEL=INFO\n".encode("utf-16"), "not saved as UTF-8"),
        ("LOG_LEVEL=INFO\n".encode("utf-16-le"), "not saved as UTF-8"),
        (b"SONORAN_COMMUNITY_ID=caf\xe9\n", "not saved as UTF-8"),
        (b"LOG_LEVEL=INFO\n\nplanted-cad-key-0123456789\n", ".env: line 3 is not a setting"),
        (b"LOG_LEVEL=INFO\r\n\r\nA='planted-cad-key-0123456789\r\n", ".env: line 3 is not a setting"),
    ],
)
def test_an_env_file_that_can_not_be_read(content: bytes, says: str) -> None:
    _, (line,) = parse_env_file(content)
    assert says in line
    assert KEY not in line
