"""The command line, in this process."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bot import __version__
from bot.cli import main
from bot.config.errors import BAD_SETTINGS
from tests.support.settings import GOOD, TOKEN

pytestmark = pytest.mark.usefixtures("own_folder")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        ("--version", __version__),
        ("--help", "no account, no key, no settings"),
        ("run --help", "Run the bot with the settings in .env and the environment (the default). Ctrl-C or SIGTERM"),
        (
            "check --help",
            "Exit code 0: it works; 1: something fails, or is not known; 2: the settings or the token can't be used.",
        ),
        ("sandbox --help", "only print the page's address"),
        ("forget --help", "Remove a person from the journal"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments.split())
        assert ended.value.code == 0
        assert says in re.sub(r"\s+", " ", capsys.readouterr().out)


@pytest.mark.usefixtures("own_logging")
def test_missing_sandbox_packages_are_named_with_the_install_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("bot.sandbox", "simcord"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "simcord", None)
    assert main(["sandbox"]) == BAD_SETTINGS
    assert 'pip install -c constraints.txt -e ".[sandbox]"' in capsys.readouterr().err


@pytest.mark.usefixtures("own_logging")
def test_crash_exits_with_1_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def crash(*_: object) -> int:
        raise RuntimeError(f"something with {TOKEN} in it")

    monkeypatch.chdir(tmp_path)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bot.cli.run_bot", crash)
    assert main([]) == 1
    told = capsys.readouterr().err
    assert "RuntimeError: something with [secret] in it" in told
    assert told.endswith("The bot crashed. The log above shows the error.\n")
