"""A finding: one line of a health check, with its remedy if something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from bot.redaction import redact

log = logging.getLogger(__name__)


class Severity(Enum):
    """How serious a finding is, the least first.

    WARN: it works, but an admin should look at it. UNKNOWN: not known whether it works. FAIL: something does not work.
    """

    OK = "ok"
    WARN = "warn"
    UNKNOWN = "?"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a health check. Contains no secret, and text from players or the CAD only after `clean`.

    Attributes:
        subject: what was checked, in a word or two.
        state: the result.
        severity: how serious it is.
        remedy: what to do about it, or empty.
    """

    subject: str
    state: str
    severity: Severity = Severity.OK
    remedy: str = ""

    def without(self, secrets: Collection[str]) -> Finding:
        """Return the finding without secrets. A setting, a name or an answer may repeat one."""
        subject, state, remedy = (redact(text, secrets) for text in (self.subject, self.state, self.remedy))
        return Finding(subject, state, self.severity, remedy)


def warn(subject: str, state: str, remedy: str) -> Finding:
    """Return a finding that an admin should look at."""
    return Finding(subject, state, Severity.WARN, remedy)


def unknown(subject: str, state: str, remedy: str) -> Finding:
    """Return a finding about something of which nobody knows whether it works."""
    return Finding(subject, state, Severity.UNKNOWN, remedy)


def fail(subject: str, state: str, remedy: str) -> Finding:
    """Return a finding about something that does not work."""
    return Finding(subject, state, Severity.FAIL, remedy)


def log_findings(findings: Iterable[Finding]) -> None:
    """Log the findings that are not OK."""
    for finding in findings:
        if finding.severity is not Severity.OK:
            severity = logging.ERROR if finding.severity is Severity.FAIL else logging.WARNING
            log.log(severity, "%s: %s. %s", finding.subject, finding.state, finding.remedy)
