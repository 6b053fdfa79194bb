"""How long a kind of request waits after a 429."""

from __future__ import annotations

import pytest

from bot.cad.backoff import DEFAULT_BACKOFF, backoff_seconds


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [(None, DEFAULT_BACKOFF), (0.0, 0.0), (5.0, 5.0), (86400.0, 900.0)]
)
def test_wait_after_a_429(retry_after: float | None, seconds: float) -> None:
    assert backoff_seconds(retry_after) == seconds
