"""Log lines: readable, safe, and without secrets wherever these hide."""

from __future__ import annotations

import io
import logging
import re
import threading

import pytest

from bot import logs

SECRET = "planted-secret"


class FlushedStream(io.StringIO):
    """Shows what was logged, after it was written."""

    def getvalue(self) -> str:
        assert logs.flush()
        return super().getvalue()


@pytest.fixture
def written(own_logging: None) -> io.StringIO:  # noqa: ARG001
    stream = FlushedStream()
    logs.configure("DEBUG", [SECRET, ""], stream)
    return stream


def test_line_has_time_level_and_logger(written: io.StringIO) -> None:
    logging.getLogger("bot.test").info("call %s removed", 302)
    date, time, level, rest = written.getvalue().split(maxsplit=3)
    assert len(date) == 10
    assert len(time) == 8
    assert (level, rest) == ("INFO", "bot.test: call 302 removed\n")


def test_secrets_are_redacted_in_messages_arguments_and_tracebacks(written: io.StringIO) -> None:
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


def test_secrets_are_redacted_everywhere_in_an_exception(written: io.StringIO) -> None:
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


def test_lines_of_libraries_have_the_same_form(written: io.StringIO) -> None:
    for name in ("bot.app", "cogs.remove911", "discord.gateway", "aiohttp.access", "asyncio"):
        logging.getLogger(name).warning("said")
    for line, name in zip(written.getvalue().splitlines(), ("bot.app", "cogs", "disc", "aioh", "async"), strict=True):
        assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d WARNING {name}[\w.]*: said", line)


def test_disguised_secret_withholds_the_line(written: io.StringIO) -> None:
    logging.getLogger("bot.test").info("said %s", "planted\\u002Dsecret")
    assert written.getvalue() == "INFO bot.test: (not shown: it repeats a secret)\n"


def test_line_breaks_in_a_text_start_no_new_line(written: io.StringIO) -> None:
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


def test_text_that_can_not_be_searched_for_secrets_is_withheld(written: io.StringIO) -> None:
    logging.getLogger("bot.test").info("said &#%s", "9" * 4301)
    assert written.getvalue() == "INFO bot.test: (not shown: it repeats a secret)\n"


def test_record_that_can_not_be_formatted_is_dropped_and_counted(
    written: io.StringIO, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("bot.logs.redact", None)
        logging.getLogger("bot.test").info("not formatted")
    logging.getLogger("bot.test").info("the next")
    assert written.getvalue().startswith("(1 log lines are missing here")
    assert written.getvalue().endswith("bot.test: the next\n")
    assert capsys.readouterr().err == ""


class HeldStream(io.StringIO):
    """A stream whose writes wait, as a terminal after Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.released.wait()
        return super().write(text)


def test_held_log_holds_nobody_and_counts_what_it_drops(own_logging: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr("bot.logs.MAX_WAITING", 3)
    stream = HeldStream()
    logs.configure("INFO", [], stream)
    for number in range(10):
        logging.getLogger("bot.test").info("line %d", number)
    assert not logs.flush(0.01)
    stream.released.set()
    assert logs.flush()
    logging.getLogger("bot.test").info("after")
    assert logs.flush()
    lines = stream.getvalue().splitlines()
    dropped = sum(int(line[1:].split()[0]) for line in lines if "log lines are missing here" in line)
    assert sum("bot.test: line" in line for line in lines) + dropped == 10
    assert lines[-1].endswith("after")
