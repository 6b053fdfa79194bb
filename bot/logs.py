"""Log lines: with time, one line for each record (a traceback has more), and without secrets."""

from __future__ import annotations

import logging
import os
import queue
import re
import sys
import time
from collections.abc import Iterable
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

from bot.redaction import REDACTED, redact

MAX_WAITING = 10_000
"""Lines that wait while the log can't be written. Further ones are dropped and counted."""
FLUSH_SECONDS = 2.0
"""Seconds that the process waits for its last lines at its end."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class SafeFormatter(logging.Formatter):
    """Redacts secrets in the finished text: in messages, arguments and tracebacks alike.

    Control characters are escaped, so that a line break in a text from outside can't fake a log line.

    Args:
        secrets: the values that are replaced by `[secret]`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._secrets = tuple(secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Keep the message on one line. A traceback after it keeps its lines."""
        record.message = record.message.replace("\n", "\\n")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, then redact and escape the text."""
        text = redact(super().format(record), self._secrets, f"{record.levelname} {record.name}: {REDACTED}")
        return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)


class _QueueHandler(QueueHandler):
    """Hands lines to the thread that writes them. It never waits, and an error prints nothing of the record."""

    def __init__(self, lines: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(lines)
        self.lines = lines
        self.dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.lines.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own name
        self.dropped += 1


class _Writer(logging.StreamHandler[TextIO]):
    """Writes lines, and says how many were dropped before one."""

    def __init__(self, stream: TextIO, handler: _QueueHandler) -> None:
        super().__init__(stream)
        self._handler = handler
        self._told = 0
        self._failed = False

    def format(self, record: logging.LogRecord) -> str:
        self._told = self._handler.dropped
        note = f"({self._told} log lines are missing here: the log could not be written)\n" if self._told else ""
        return note + record.getMessage()

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        if not self._failed:
            self._handler.dropped -= self._told

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own name
        """Count the line, and print nothing: the stream takes no more."""
        self._failed = True
        self._handler.dropped += 1


_handler: _QueueHandler | None = None


def configure(level: str, secrets: Iterable[str], stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error by default). `level` applies to the bot's own loggers.

    A thread writes the lines: a held terminal, a pager or a stalled log driver must not stop the bot. Libraries log at
    INFO or above: their debug output contains tokens and players' texts.
    """
    global _handler  # noqa: PLW0603 - like the loggers themselves, there is one
    _handler = _QueueHandler(queue.Queue(MAX_WAITING))
    _handler.setFormatter(SafeFormatter(secrets))
    QueueListener(_handler.lines, _Writer(stream or sys.stderr, _handler)).start()
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=max(number, logging.INFO), handlers=[_handler], force=True)
    for ours in ("bot", "cogs"):
        logging.getLogger(ours).setLevel(number)


def flush(seconds: float = FLUSH_SECONDS) -> bool:
    """Wait until all lines are written. Return False if they are not after that time: the log is held."""
    deadline = time.monotonic() + seconds
    while _handler is not None and _handler.lines.unfinished_tasks:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def finish(code: int) -> int:
    """Return the exit code once all lines are written. If the log is held, end the process with it at once."""
    if not flush():
        os._exit(code)  # Python itself would wait for the thread that writes, and that one for what holds the log
    return code
