"""Log lines: readable, with times, one a record but for tracebacks, and without our secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import TextIO

from bot.hiding import WITHHELD, holds

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class SafeFormatter(logging.Formatter):
    """Takes the secrets out of the finished text, so out of messages, arguments and tracebacks alike.

    Control characters are escaped: a line break in somebody's text begins no line of its own.

    Args:
        secrets: what is replaced by `[secret]`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._secrets = tuple(secret for secret in secrets if secret)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Keep the message on one line; a traceback behind it may have its own."""
        record.message = record.message.replace("\n", "\\n")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        """Finish a line, and make it safe."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
            if holds(text, secret):
                text = f"{record.levelname} {record.name}: {WITHHELD}"
        return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)


def set_up(level: str, secrets: Iterable[str], stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error by default); `level` is for our own loggers.

    Libraries stay at INFO or above: their debug output holds tokens and players' text.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(SafeFormatter(secrets))
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=max(number, logging.INFO), handlers=[handler], force=True)
    for ours in ("bot", "cogs"):
        logging.getLogger(ours).setLevel(number)
