"""Log lines: readable, safe, and without secrets wherever these hide."""

from __future__ import annotations

import io
import logging
import re

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


def test_secrets_are_in_no_corner_of_an_exception(written: io.StringIO) -> None:
    log = logging.getLogger("discord.client")  # a library's lines go the same way
    try:
        try:
            raise KeyError(SECRET)
        except KeyError:
            noted = OSError(5, SECRET)
            noted.add_note(f"a note with {SECRET}")
            raise ExceptionGroup(f"a group with {SECRET}", [noted, ValueError(SECRET.encode())])  # noqa: B904
    except ExceptionGroup:
        log.exception("failed with %(key)s", {"key": SECRET}, stack_info=True)
    text = written.getvalue()
    assert SECRET not in text
    assert "During handling of the above exception" in text
    assert "ExceptionGroup: a group with [secret]" in text
    assert "a note with [secret]" in text
    assert text.count("[secret]") >= 6


def test_every_line_has_the_same_form_whoever_writes_it(written: io.StringIO) -> None:
    for name in ("bot.app", "cogs.remove911", "discord.gateway", "aiohttp.access", "asyncio"):
        logging.getLogger(name).warning("said")
    for line, name in zip(written.getvalue().splitlines(), ("bot.app", "cogs", "disc", "aioh", "async"), strict=True):
        assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d WARNING {name}[\w.]*: said", line)


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
