"""How long a kind of request waits after a 429, or a 503 with `Retry-After`. Pure."""

DEFAULT_BACKOFF = 60.0
"""Seconds after a 429 without `Retry-After`, as in the vendor's own game resource."""
MAX_BACKOFF = 900.0
"""The longest wait in seconds, whatever `Retry-After` says."""


def backoff_seconds(retry_after: float | None) -> float:
    """Return the seconds to block a kind of request after an answer with this `Retry-After`."""
    return DEFAULT_BACKOFF if retry_after is None else min(retry_after, MAX_BACKOFF)
