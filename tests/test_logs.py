"""Log lines: readable, safe, and without secrets wherever these hide."""

from __future__ import annotations

import io
import logging

import pytest

from bot import logs

SECRET = "planted-secret"


@pytest.fixture
def written(own_logging: None) -> io.StringIO:  # noqa: ARG001
    stream = io.StringIO()
    logs.set_up("DEBUG", [SECRET, ""], stream)
    return stream


def test_a_line_is_readable(written: io.StringIO) -> None:
    logging.getLogger("bot.test").info("call %s removed", 302)
    date, time, level, rest = written.getvalue().split(maxsplit=3)
    assert len(date) == 10
    assert len(time) == 8
    assert (level, rest) == ("INFO", "bot.test: call 302 removed\n")


def test_secrets_are_nowhere(written: io.StringIO) -> None:
    log = logging.getLogger("bot.test")
    log.info("message with %s" % SECRET)  # noqa: G002, UP031
    log.info("argument with %s and %r", SECRET, {"key": SECRET})
    try:
        try:
            raise ValueError(f"the cause has {SECRET}")
        except ValueError as cause:
            raise RuntimeError(f"so has this: {SECRET}") from cause
    except RuntimeError:
        log.exception("failed")
    text = written.getvalue()
    assert SECRET not in text
    assert text.count("[secret]") == 5
    assert "RuntimeError" in text


def test_a_secret_in_disguise_withholds_the_line(written: io.StringIO) -> None:
    logging.getLogger("bot.test").info("said %s", "planted\\u002Dsecret")
    assert written.getvalue() == "INFO bot.test: (not shown: it repeats a secret)\n"


def test_somebodys_text_begins_no_line_of_its_own(written: io.StringIO) -> None:
    logging.getLogger("bot.test").info("said %s", "a\nCRITICAL \x1b[31mred\x9b\u202e\r")
    assert written.getvalue().endswith("said a\\nCRITICAL \\x1b[31mred\\x9b\\u202e\\r\n")
    assert written.getvalue().count("\n") == 1


def test_libraries_stay_at_info(written: io.StringIO) -> None:
    logging.getLogger("discord.http").debug("holds tokens")
    logging.getLogger("discord.client").info("logging in")
    logging.getLogger("bot.test").debug("ours")
    assert "holds tokens" not in written.getvalue()
    assert "logging in" in written.getvalue()
    assert "ours" in written.getvalue()
