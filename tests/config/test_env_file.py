"""Writing .env: what was there stays, what was answered is read as it was typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.env_file import parse_env_file, replace_settings, write_private_file
from tests.support.platforms import needs_file_modes

VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1).filter(
    str.strip
)
OLD = """\
# The bot's settings.
LOG_LEVEL=DEBUG  # a remark

DISCORD_TOKEN=old
export SONORAN_API_KEY="old"
DISCORD_TOKEN=older
RETENTION_DAYS=30"""


@settings(deadline=None)  # a slow machine is no mistake
@given(token=VALUES, key=VALUES)
def test_every_value_is_read_as_it_was_written(token: str, key: str) -> None:
    answers = {"DISCORD_TOKEN": token, "SONORAN_API_KEY": key}
    for old in ("", OLD):
        values, mistakes = parse_env_file(replace_settings(old, answers).encode())
        assert mistakes == []
        assert values == {**parse_env_file(old.encode())[0], **answers}


def test_other_lines_stay_as_they_are() -> None:
    assert replace_settings(OLD, {"DISCORD_TOKEN": "a.b.c", "SONORAN_COMMUNITY_ID": "ours"}) == (
        "# The bot's settings.\nLOG_LEVEL=DEBUG  # a remark\n\nDISCORD_TOKEN='a.b.c'\n"
        "export SONORAN_API_KEY=\"old\"\nRETENTION_DAYS=30\nSONORAN_COMMUNITY_ID='ours'\n"
    )


@needs_file_modes
def test_written_file_is_private_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("open to all")
    path.chmod(0o666)
    write_private_file(path, "A='1'\n")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("A='1'\n", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_private_file(path, "A='\ud800'\n")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
