from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Protocol

import pytest
import trustme

from bot.cad.client import DIALECTS
from bot.cad.dialect import Dialect
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.town import Town, open_town
from tests.clocks import JumpClock

KEY = LoopbackCad().key


class OpenTown(Protocol):
    def __call__(self, **how: Any) -> Awaitable[Town]: ...


@pytest.fixture
def own_logging() -> Iterator[None]:
    """For tests that set up logging for real: afterwards it is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    for ours in ("bot", "cogs"):
        logging.getLogger(ours).setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does: the CAD's key is in no log record, tracebacks included, before any filter."""
    caplog.set_level(logging.DEBUG)
    yield
    for when in ("setup", "call", "teardown"):
        for record in caplog.get_records(when):
            assert KEY not in caplog.handler.format(record)


V1_ONLY = pytest.mark.parametrize("dialect", ["v1"], indirect=True)
"""For a test of what v1 alone has, or sends."""


IN_BOTH = (
    "test_autocomplete", "test_board", "test_calls911", "test_engine", "test_from_post", "test_gate", "test_page",
    "test_recreate", "test_remove911", "test_waiting",
)  # fmt: skip
"""The modules whose tests run in both versions of the CAD's API: elsewhere it makes no difference but in time."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = any("dialect" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "dialect" in metafunc.fixturenames and not chosen and metafunc.definition.path.stem in IN_BOTH:
        metafunc.parametrize("dialect", tuple(DIALECTS), indirect=True)


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The version of the CAD's API in which a test runs."""
    return DIALECTS[getattr(request, "param", "v1")]


@pytest.fixture
async def make_town(dialect: Dialect) -> AsyncIterator[OpenTown]:
    """A town as the test wants it; at the end no secret has gone to Discord and no error went unseen."""
    over = asyncio.Event()
    keepers: list[asyncio.Task[None]] = []

    async def keep(opened: asyncio.Future[Town], how: dict[str, Any]) -> None:
        # In a task of its own: SimCord's clock has to be left in the context in which it was entered.
        async with open_town(check_errors=True, **how) as town:
            opened.set_result(town)
            await over.wait()
            assert KEY not in str([(sent.path, sent.json) for sent in town.env.http_requests])

    async def make(**how: Any) -> Town:
        how.setdefault("dialect", dialect)
        how.setdefault("clock", JumpClock())  # waiting takes no time unless the test is about waiting
        opened: asyncio.Future[Town] = asyncio.get_running_loop().create_future()
        keepers.append(asyncio.create_task(keep(opened, how)))
        await asyncio.wait([opened, keepers[-1]], return_when=asyncio.FIRST_COMPLETED)
        return opened.result() if opened.done() else keepers[-1].result()  # type: ignore[return-value]

    yield make
    over.set()
    for keeper in keepers:
        await keeper


@pytest.fixture
async def town(make_town: OpenTown) -> Town:
    return await make_town()


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody has signed."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
