"""The simulated Discord server in front of the fake CAD."""

from __future__ import annotations

import pytest

from bot.cad.models import Account
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.simulation import settings_for


def test_repr_of_the_settings_hides_the_secrets(account: Account) -> None:
    shown = repr(settings_for(account, (1,)))
    assert account.key not in shown
    assert "sandbox.has.none" not in shown


@pytest.fixture
async def account() -> Account:
    async with FakeCad().serving() as account:
        return account
