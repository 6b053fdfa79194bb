"""Values as hosts, shells, panels and docker write them: quoted, with backslashes, with placeholders."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from bot.config.env_file import merge_environment, parse_env_file
from bot.config.errors import SettingsError
from bot.config.schema import NAMES
from bot.config.settings import Settings
from tests.support.settings import GOOD, KEY, TOKEN

ALL = {
    **GOOD,
    "SONORAN_SERVER_ID": "1",
    "ADMIN_ROLE_IDS": "100000000000000004",
    "GUILD_IDS": "100000000000000006",
    "AUDIT_CHANNEL_ID": "100000000000000005",
    "SONORAN_API_URL": "https://cad.example",
    "SONORAN_API_VERSION": "v2",
    "DATABASE_PATH": "data/x.db",
    "RETENTION_DAYS": "30",
    "EMERGENCY_NUMBER": "999",
    "LOG_LEVEL": "DEBUG",
}


def test_every_setting_is_tried() -> None:
    assert set(ALL) == set(NAMES)


@pytest.mark.parametrize("quote", ['"', "'", ' " '])
def test_quotes_around_a_whole_value_are_taken_off_for_every_setting(quote: str) -> None:
    """https://github.com/n3d1117/chatgpt-telegram-bot/issues/170: `docker run --env-file` keeps them."""
    plain = Settings.from_mapping(ALL)
    written = {name: f"{quote}{value}{quote}" for name, value in ALL.items()}
    assert Settings.from_mapping(merge_environment({}, written)) == plain
    assert plain.secrets == (TOKEN, KEY)


def test_quotes_with_nothing_between_them_count_as_not_set() -> None:
    values = merge_environment({"DATABASE_PATH": "data/x.db"}, {**GOOD, "DATABASE_PATH": '""', "LOG_LEVEL": "''"})
    assert Settings.from_mapping(values).database_path == Path("data/x.db")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("around", ["“{}”", "‘{}’", "„{}“", "«{}»", "`{}`", "<{}>", '"{}', "{}'"])
def test_other_quotes_and_brackets_are_named_and_not_shown(name: str, around: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({**ALL, name: around.format(ALL[name])})
    (told,) = [line for line in caught.value.mistakes if line.startswith(name)]
    assert told.startswith(f"{name}: it begins or ends with a quote or a bracket (its value is not shown); allowed: ")
    assert ALL[name] not in told.partition(": ")[2]


@pytest.mark.parametrize("character", ["\n", "\x08", "\u200b", "\u00a0"])
def test_hidden_characters_are_named(character: str) -> None:
    with pytest.raises(SettingsError, match=r"DATABASE_PATH: it has a line break or a hidden character in it"):
        Settings.from_mapping({**ALL, "DATABASE_PATH": f"data{character}x.db"})


def test_token_with_bot_in_front_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping({**ALL, "DISCORD_TOKEN": f"Bot {TOKEN}"})
    (told,) = caught.value.mistakes
    assert told.endswith("(its value is not shown): it begins with the word Bot; allowed: the token alone")


@pytest.mark.parametrize(
    "written", [r"C:\bots\new\x.db", r"\\nas\bots\tables\x.db", r"C:\a\'b\x.db", r"C:\\bots\\new\x.db"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_backslashes_of_a_windows_path_are_kept(written: str, quote: str) -> None:
    """https://github.com/theskumar/python-dotenv/issues/429 and 565: \\b and \\n became control characters."""
    values, mistakes = parse_env_file(f"DATABASE_PATH={quote}{written}{quote}  # the journal\nLOG_LEVEL=INFO".encode())
    assert mistakes == []
    assert values == {"DATABASE_PATH": written, "LOG_LEVEL": "INFO"}
    path = PureWindowsPath(values["DATABASE_PATH"])
    assert path.name == "x.db"
    assert "\x08" not in str(path)


def test_quoted_value_keeps_an_equals_sign_and_an_escaped_quote() -> None:
    values, _ = parse_env_file(b'export A=\'x="y"\'\nB = "x=\\"y"\nC=d="e"\n')
    assert values == {"A": 'x="y"', "B": 'x="y', "C": 'd="e"'}
