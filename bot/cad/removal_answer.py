"""What the CAD's answer to a removal says, in both versions. Pure.

Everything in a yes has to be known: a list of known refusals would miss the next one. No text of v1 is documented.
"""

from __future__ import annotations

import re

from bot.cad.models import CallRef, valid_id
from bot.cad.parsing import lowercase_fields

_DONE = frozenset({"set", "removed", "deleted"})
_FILLERS = frozenset(
    {"api", "id", "ids", "s", "emergency", "911", "call", "calls", "the", "was", "were", "has", "have", "been", "with"}
    | {"success", "successfully"}
)
_MISSING = ({"not", "found"}, {"not", "exist"}, {"doesn", "exist"}, {"no", "such"})
_MISSING_WORDS = frozenset({"not", "found", "does", "doesn", "t", "exist", "no", "such", "error"})
# Any sign but these punctuation marks counts as a word, so that none is overlooked.
_WORD = re.compile(r"\w+|[^\s\w.,:!()#'\"-]")


def says_removed(answer: object, ref: CallRef) -> bool:
    """Return True if a text or parsed JSON can only mean that this call was removed."""
    if isinstance(answer, str):
        words = _words(answer)
        return bool(words & _DONE) and words <= _known(ref) | _DONE
    fields = lowercase_fields(answer)
    names_call = {"serverid", "callid"} <= fields.keys()
    says_yes = names_call or not fields.keys().isdisjoint({"success", "ok", "removed", "deleted"})
    return answer is True or (says_yes and all(_agrees(name, value, ref) for name, value in fields.items()))


def says_missing(answer: object, ref: CallRef) -> bool:
    """Return True for the CAD's words that there is no such call, such as `CALL NOT FOUND`."""
    if isinstance(answer, str):
        words = _words(answer)
        known = _known(ref) | _MISSING_WORDS
        return bool(words & {"call", "calls"}) and any(each <= words for each in _MISSING) and words <= known
    fields = lowercase_fields(answer)
    return any(says_missing(fields[name], ref) for name in ("error", "message") if isinstance(fields.get(name), str))


def _agrees(name: str, value: object, ref: CallRef) -> bool:
    """Return True if a field of a JSON answer fits a yes. One that is not known has to be empty."""
    match name:
        case "serverid":
            return valid_id(value) == ref.server_id
        case "callid":
            return valid_id(value) == ref.call_id
        case "success" | "ok" | "removed" | "deleted":
            return value is True
        case "status" | "statuscode" | "code":
            return value == 200
        case "error" | "errors":
            return not value
        case "message":
            return not value or (isinstance(value, str) and says_removed(value, ref))
        case _:
            return value is None


def _known(ref: CallRef) -> frozenset[str]:
    return _FILLERS | {str(ref.call_id), str(ref.server_id)}


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
