"""The settings, and what is said about wrong ones."""

from __future__ import annotations

import re

import pytest

from bot.config.env_file import merge_environment, parse_env_file
from bot.config.errors import SettingsError
from bot.config.schema import NAMES
from bot.config.settings import Settings
from tests.support.platforms import WINDOWS
from tests.support.processes import ROOT
from tests.support.settings import GOOD, GUILD, KEY, ROLE, TOKEN


def mistakes(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({**GOOD, **changes})
    told = str(caught.value)
    assert TOKEN not in told
    assert KEY not in told
    return caught.value.mistakes


def test_required_settings_alone_give_the_defaults() -> None:
    settings = Settings.from_mapping(GOOD)
    assert str(settings.account.url) == "https://api.sonorancad.com"
    assert settings.dispatcher_role_ids == (int(ROLE),)
    assert settings.guild_ids == frozenset()
    assert settings.default_server_id is None
    assert settings.log_level == "INFO"


def test_all_settings_are_read() -> None:
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


@pytest.mark.parametrize("between", [", ", " ", ",", "  ,", ""])
def test_ids_may_be_mentions_with_spaces_between_them(between: str) -> None:
    admin, channel = "100000000000000004", "100000000000000005"
    settings = Settings.from_mapping(
        {
            **GOOD,
            "DISPATCHER_ROLE_IDS": f"<@&{ROLE}>{between}<@&{admin}>",
            "ADMIN_ROLE_IDS": f"{admin} {ROLE}",
            "AUDIT_CHANNEL_ID": f"<#{channel}>",
        }
    )
    assert settings.dispatcher_role_ids == (int(ROLE), int(admin))
    assert settings.admin_role_ids == (int(admin), int(ROLE))
    assert settings.audit_channel_id == int(channel)


def test_env_example_explains_every_setting() -> None:
    example = (ROOT / ".env.example").read_bytes()
    assert re.findall(rb"(?m)^([A-Z_]+)=$", example) == [name.encode() for name in NAMES]


def test_v2_needs_no_community_id() -> None:
    values = {**GOOD, "SONORAN_API_VERSION": "v2"}
    del values["SONORAN_COMMUNITY_ID"]
    assert Settings.from_mapping(values).account.community_id == ""


def test_community_id_can_be_any_word() -> None:
    assert (
        Settings.from_mapping({**GOOD, "SONORAN_COMMUNITY_ID": "your_city_rp"}).account.community_id == "your_city_rp"
    )


def test_secrets_are_the_token_and_the_key() -> None:
    assert Settings.from_mapping(GOOD).secrets == (TOKEN, KEY)


@pytest.mark.parametrize(
    "content", ["".encode("utf-16"), b"DISCORD_TOKEN: x\n", b"LOG_LEVEL='INFO\nDISCORD_TOKEN='x'\n"]
)
def test_nothing_is_said_to_be_missing_if_the_file_could_not_be_read(content: bytes) -> None:
    values, unread = parse_env_file(content)
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping(values, unread)
    assert caught.value.mistakes == unread


def test_mistakes_in_the_file_are_listed_with_the_others() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({**GOOD, "LOG_LEVEL": "LOUD"}, [".env: line 3"])
    assert [line.partition(":")[0] for line in caught.value.mistakes] == [".env", "LOG_LEVEL"]


def test_secrets_are_in_no_repr() -> None:
    shown = repr(Settings.from_mapping(GOOD))
    assert TOKEN not in shown
    assert KEY not in shown


def test_empty_settings_list_every_required_setting() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({"DISCORD_TOKEN": "  "})
    assert [line.partition(":")[0] for line in caught.value.mistakes] == list(GOOD)


def test_all_mistakes_are_listed_at_once() -> None:
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
        ("SONORAN_API_KEY", "11000010a2b3c4d", "this is a Steam hex, which names a player (its value is not shown)"),
        ("SONORAN_API_KEY", "steam:11000010A2B3C4D", "a Steam hex"),
        ("SONORAN_API_URL", "https://x:0", "allowed: https://host"),
        ("SONORAN_COMMUNITY_ID", "our town", "found 'our town'"),
        ("SONORAN_COMMUNITY_ID", "YOUR_COMMUNITY_ID", "found 'YOUR_COMMUNITY_ID'"),
        ("DISPATCHER_ROLE_IDS", "Dispatcher", "found 'Dispatcher'; allowed: ids of 15 to 20 digits"),
        ("DISPATCHER_ROLE_IDS", f"{ROLE},@here", "24 characters that are not shown"),
        ("DISPATCHER_ROLE_IDS", "123456789 123456789", "found '123456789 123456789'; allowed: ids of 15 to 20 digits"),
        ("DISPATCHER_ROLE_IDS", f"<@{ROLE}>", "found '<@100000000000000001>'"),
        ("DISPATCHER_ROLE_IDS", f"<#{ROLE}>", "found '<#100000000000000001>'"),
        ("GUILD_IDS", f"<@&{ROLE}>", "found '<@&100000000000000001>'"),
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
        ("GUILD_IDS", ROLE, "is the id of a Discord server (it is in GUILD_IDS too)"),
        ("ADMIN_ROLE_IDS", "Admin", "found 'Admin'; allowed: ids of 15 to 20 digits"),
        ("AUDIT_CHANNEL_ID", "#audit", "found '#audit'; allowed: ids of 15 to 20 digits"),
        ("AUDIT_CHANNEL_ID", f"{ROLE},{GUILD}", "allowed: one id"),
        ("SONORAN_API_VERSION", "v3", "found 'v3'; allowed: v1, v2"),
        ("DATABASE_PATH", ".", "it is a folder"),
        ("DATABASE_PATH", "x" * 300, "no path at all"),
        pytest.param(
            "DATABASE_PATH",
            "~no-such-user/x.db",
            "there is no such home folder",
            marks=pytest.mark.skipif(WINDOWS, reason="Windows takes every user's name for one"),
        ),
        ("RETENTION_DAYS", "0", "found '0'; allowed: a whole number from 1 to 3650"),
        ("EMERGENCY_NUMBER", "nine", "found 'nine'; allowed: 2 to 5 digits, such as 911, 999 or 112"),
    ],
)
def test_mistake_names_the_setting_and_what_is_allowed(name: str, value: str, says: str) -> None:
    (line,) = mistakes(**{name: value})
    assert line.startswith("DISPATCHER_ROLE_IDS: " if name == "GUILD_IDS" and value == ROLE else f"{name}: ")
    assert says in line


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("name", "value", "owner"),
    [
        ("SONORAN_COMMUNITY_ID", KEY, "SONORAN_API_KEY"),
        ("SONORAN_COMMUNITY_ID", f"id={KEY.upper()}", "SONORAN_API_KEY"),
        ("SONORAN_COMMUNITY_ID", TOKEN, "DISCORD_TOKEN"),
        ("SONORAN_API_KEY", TOKEN, "DISCORD_TOKEN"),
        ("DATABASE_PATH", f"/data/{KEY}.db", "SONORAN_API_KEY"),
        ("SONORAN_API_URL", f"https://host/{KEY}", "SONORAN_API_KEY"),
    ],
)
def test_value_that_repeats_a_secret_is_a_mistake(name: str, value: str, owner: str, version: str) -> None:
    (line,) = mistakes(**{name: value, "SONORAN_API_VERSION": version})
    assert line.startswith(f"{name}: it repeats {owner} (its value is not shown); allowed: ")


def test_mistake_that_would_show_a_secret_does_not() -> None:
    (line,) = mistakes(SONORAN_API_KEY="lettersonly", LOG_LEVEL="lettersonly")
    assert line == "LOG_LEVEL: it repeats SONORAN_API_KEY (its value is not shown); allowed: how much is logged"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8911", "http://[::1]:8911", "http://localhost/cad"])
def test_plain_http_is_allowed_for_this_machine_only(url: str) -> None:
    assert str(Settings.from_mapping({**GOOD, "SONORAN_API_URL": url}).account.url).rstrip("/") == url


def test_misspelled_name_suggests_the_setting() -> None:
    values = {**GOOD, "DISCORD_TOKN": TOKEN, "sonoran_server_id": "1"}
    del values["DISCORD_TOKEN"]
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping(values)
    assert caught.value.mistakes[1:] == [
        "DISCORD_TOKN: there is no such setting; did you mean DISCORD_TOKEN?",
        "sonoran_server_id: there is no such setting; did you mean SONORAN_SERVER_ID?",
    ]


def test_variables_of_other_programs_are_ignored() -> None:
    environment = {**GOOD, "LOGLEVEL": "x", "GUILD": "x", "PATH": "x", "DISCORD_WEBHOOK": "x"}
    assert Settings.from_mapping(merge_environment({}, environment)).log_level == "INFO"


def test_environment_wins_and_empty_value_counts_as_not_set() -> None:
    assert merge_environment({"A": "file", "LOG_LEVEL": "DEBUG"}, {"LOG_LEVEL": "ERROR"}) == {
        "A": "file",
        "LOG_LEVEL": "ERROR",
    }
    assert merge_environment({"LOG_LEVEL": "DEBUG"}, {"LOG_LEVEL": " "}) == {"LOG_LEVEL": "DEBUG"}


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
def test_env_file_is_read_literally(content: bytes, values: dict[str, str]) -> None:
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
def test_unreadable_env_file_is_a_mistake(content: bytes, says: str) -> None:
    _, (line,) = parse_env_file(content)
    assert says in line
    assert KEY not in line
