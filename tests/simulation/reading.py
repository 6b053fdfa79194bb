"""What a reply says, read as a person reads it: one claim for each call that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from bot.cad.models import CallRef


class Says(Enum):
    """What is said of a call."""

    WAITS = "it is on its way"
    REMOVED = "it was removed"
    CREATED = "it was created again"
    REMOVED_BEFORE = "the bot removed it before"
    GONE_BEFORE = "it was not there after a request of the bot"
    GONE = "it is not there"
    NOT_DONE = "it was not removed, or not created again"
    UNKNOWN = "it is not known"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a line says of a call. `number` is a new call's."""

    ref: CallRef
    says: Says
    nothing_sent: bool = False
    number: int | None = None
    text: str = ""

    @property
    def is_final(self) -> bool:
        return self.says is not Says.WAITS


_CALL, _SERVER = r"[Cc]all \*\*(?P<call>\d+)\*\*", r"server \*\*(?P<server>\d+)\*\*"
_SENTENCES = tuple(
    (re.compile(pattern.replace("CALL", _CALL).replace("SERVER", _SERVER)), says)
    for pattern, says in (
        (r"✅ CALL removed \(SERVER\)\.", Says.REMOVED),
        (r"✅ CALL is back as \*\*(?P<number>\d+)\*\* \(SERVER\)\.", Says.CREATED),
        (r"☑️ CALL was already removed \(SERVER\)", Says.REMOVED_BEFORE),
        (r"☑️ CALL was gone \(SERVER\)", Says.GONE_BEFORE),
        (r"☑️ No CALL on SERVER(: it is gone|\. There is a call)", Says.GONE),
        (r"☑️ CALL is gone \(SERVER\)", Says.GONE),
        (r"⚠️ (Re-creating )?CALL \(SERVER\): ", Says.UNKNOWN),
        (r"❌ CALL not (removed|re-created) \(SERVER\): ", Says.NOT_DONE),
        (r"⏳ CALL is (next|number \d+) in line \(SERVER\)\.", Says.WAITS),
        (r"⏳ CALL \(SERVER\): (removal requested|re-creation requested|still waiting)", Says.WAITS),
    )
)
_NOTHING_SENT = (
    "before it sent the request", "the CAD can't be reached", "the bot can't write its journal", "the bot is paused",
    "the bot is shutting down", "it waited too long", "too many requests are waiting",
)  # fmt: skip
_REFUSALS = ("⛔ ", "❌ Not done: ", "⌛ These buttons ", "☑️ Your first click ")


def read(text: str) -> list[Claim]:
    """Return what a text says of each call.

    Raises:
        ValueError: a line begins as a result does, and is none of the known sentences.
    """
    claims: list[Claim] = []
    for line in text.splitlines():
        for sentence, says in _SENTENCES:
            if found := sentence.match(line):
                named = found.groupdict()
                ref = CallRef(int(named["server"]), int(named["call"]))
                nothing = any(words in line for words in _NOTHING_SENT)
                claims.append(Claim(ref, says, nothing, int(number) if (number := named.get("number")) else None, line))
                break
        else:
            if re.match(rf"(✅|☑️|⚠️|❌|⏳) .*{_CALL}.*{_SERVER}", line):
                raise ValueError(f"the oracle can't read this sentence; teach it in reading.py: {line}")
    return claims


_NO_SERVER = re.compile(r"CAD (has|had) no (?:server )?\*\*(\d+)[^*]*\*\*(?: \(as of <t:(\d+):R>\))?")


def missing_servers(text: str) -> list[tuple[int, float | None, bool]]:
    """Return each server that a text says is missing, the time that it gives, and whether it only says "had".

    Raises:
        ValueError: it seems to say so, in words that are not known.
    """
    found = [(int(one[2]), float(one[3]) if one[3] else None, one[1] == "had") for one in _NO_SERVER.finditer(text)]
    if re.search("CAD .*no (such )?server", text) and not found:
        raise ValueError(f"the oracle can't read this sentence; teach it in reading.py: {text}")
    return found


_LIST = re.compile(r"(Open|No open) calls(?: left)? on (?:server )?\*\*(\d+)[^*]*\*\* \(as of <t:(\d+):R>\)")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a text lists of a server's calls, or that it has none, and the time that it gives."""

    server: int
    as_of: float
    has_none: bool
    numbers: set[int]


def lists(text: str) -> list[Listed]:
    """Return what a text lists."""
    found: list[Listed] = []
    for line in text.splitlines():
        if heading := _LIST.match(line):
            found.append(Listed(int(heading[2]), float(heading[3]), heading[1] == "No open", set()))
        elif found and (call := re.match(r"`#(\d+)`", line)):
            found[-1].numbers.add(int(call[1]))
    return found


def is_refusal(text: str) -> bool:
    """Return True if a text only refuses: it shows and does nothing."""
    return text.startswith(_REFUSALS)


def is_nothing_done(text: str) -> bool:
    """Return True if a text says that what was asked for was not even begun."""
    return text.startswith(("❌ Not done: ", "⌛ Not confirmed", "☑️ Cancelled"))


def is_open(text: str) -> bool:
    """Return True if a text promises that more will follow."""
    return not text or "⏳" in text
