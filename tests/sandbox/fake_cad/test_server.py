"""The fake CAD's HTTP server: nothing outside this machine reaches it."""

from __future__ import annotations

from bot.sandbox.fake_cad.server import FakeCad


async def test_server_listens_on_loopback_and_repr_hides_the_key() -> None:
    cad = FakeCad()
    async with cad.serving() as account:
        assert account.url.host == "127.0.0.1"
        assert "key" not in repr(cad)
