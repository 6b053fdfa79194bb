"""The sandbox's story."""

from __future__ import annotations

import pytest

from bot.cad import v2
from bot.cli import main
from bot.sandbox.script import play


@pytest.mark.usefixtures("own_logging")
async def test_sandbox_script_is_the_same_in_v2(capsys: pytest.CaptureFixture[str]) -> None:
    assert await play(v2) == 0
    assert "DIFFERS" not in capsys.readouterr().out


@pytest.mark.usefixtures("own_logging")
def test_sandbox_script_fails_if_a_step_differs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.messages.refusals.role_needed", lambda _, **__: "Do come in.")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert main(["sandbox", "--script"]) == 1
    assert "DIFFERS: the reply does not begin with" in capsys.readouterr().out
