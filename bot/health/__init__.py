"""What is checked by `check`, at start and by /cad911 status: one finding a line, each fault with its remedy."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

log = logging.getLogger(__name__)


class Level(Enum):
    """How good a finding is. WARN: it works, and should be looked at. FAIL: something does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Holds no secret, and strangers' text only as it was cleaned.

    Attributes:
        what: what was looked at, in a word or two.
        found: how it is.
        level: how good that is.
        remedy: what to do about it; empty where there is nothing to do.
    """

    what: str
    found: str
    level: Level = Level.OK
    remedy: str = ""


def warn(what: str, found: str, remedy: str) -> Finding:
    """Make a finding that should be looked at."""
    return Finding(what, found, Level.WARN, remedy)


def fail(what: str, found: str, remedy: str) -> Finding:
    """Make a finding of something that does not work."""
    return Finding(what, found, Level.FAIL, remedy)


def to_the_log(findings: Iterable[Finding]) -> None:
    """Write what is not in order to the log, as at start."""
    for finding in findings:
        if finding.level is not Level.OK:
            level = logging.ERROR if finding.level is Level.FAIL else logging.WARNING
            log.log(level, "%s: %s. %s", finding.what, finding.found, finding.remedy)
