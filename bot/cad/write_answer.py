"""What the CAD's answer to a removal or a creation says, in both versions. Pure.

Everything in a yes has to be known: a list of known refusals would miss the next one. The only text that is documented
is a creation's: `EMERGENCY CALL ADDED ID: 305`.
"""

from __future__ import annotations

import re
from itertools import pairwise

from bot.cad.models import CallRef, EmergencyCall, valid_id
from bot.cad.parsing import agrees, lowercase_fields

_CALL = frozenset({"call", "calls"})
_FILLERS = _CALL | {
    "id", "emergency", "the", "was", "were", "has", "have", "been", "with", "success", "successfully",
}  # fmt: skip
_REMOVED = frozenset({"set", "removed", "deleted"})
_REMOVED_WORDS = _FILLERS | _REMOVED | {"api", "ids", "s"}  # the documentation's example is `API ID(s) set!`
_CREATED = frozenset({"added", "created"})
_CREATED_WORDS = _FILLERS | _CREATED | {"new"}
_MISSING = ({"not", "found"}, {"not", "exist"}, {"doesn", "exist"}, {"no", "such"})
_MISSING_WORDS = _FILLERS | {"not", "found", "does", "doesn", "t", "exist", "no", "such", "error"}
_CALL_FIELDS = frozenset(
    {"callid", "isemergency", "caller", "location", "description", "metadata", "updated", "deleteafterminutes"}
)

# Any sign but these punctuation marks counts as a word, so that none is overlooked. So does a minus before a number.
_WORD = re.compile(r"\w+|(?<!\w)-(?=\d)|[^\s\w.,:!()#'\"-]")
_NUMBER = re.compile(r"[0-9]{1,10}")
_BRACES = re.compile(r"\{([0-9]+)\}")
_ON_SERVER = re.compile(r"\b(?:on|to|from) server (?:id )?(\w+)")
_911_CALL = re.compile(r"(?<!\bcall )(?<!\bid )\b911 (calls?)\b")


def says_removed(answer: object, ref: CallRef) -> bool:
    """Return True if a text or parsed JSON can only mean that this call was removed."""
    if isinstance(answer, str):
        words = set(_words(answer, ref.server_id))
        return bool(words & _REMOVED) and words <= _REMOVED_WORDS | {str(ref.call_id)}
    fields = lowercase_fields(answer)
    names_call = {"serverid", "callid"} <= fields.keys()
    says_yes = names_call or not fields.keys().isdisjoint({"success", "ok", "removed", "deleted"})
    return answer is True or (says_yes and all(_fits_removal(name, value, ref) for name, value in fields.items()))


def says_missing(answer: object, ref: CallRef) -> bool:
    """Return True for the CAD's words that there is no such call, such as `CALL NOT FOUND`."""
    if isinstance(answer, str):
        words = set(_words(answer, ref.server_id))
        known = _MISSING_WORDS | {str(ref.call_id)}
        return bool(words & _CALL) and any(each <= words for each in _MISSING) and words <= known
    fields = lowercase_fields(answer)
    named = all(fields.get(name, own) == own for name, own in (("serverid", ref.server_id), ("callid", ref.call_id)))
    texts = [text for name in ("error", "message") if isinstance(text := fields.get(name), str)]
    return named and any(says_missing(text, ref) for text in texts)


def created_number(answer: object, call: EmergencyCall) -> int | None:
    """Return the new call's number if a text or parsed JSON can only mean that this call was created, else None."""
    if isinstance(answer, str):
        words = _words(answer, call.ref.server_id)
        numbers = {after for before, after in pairwise(words) if before == "id" and _NUMBER.fullmatch(after)}
        known = not _CREATED.isdisjoint(words) and _CREATED_WORDS | numbers >= set(words)
        return valid_id(int(*numbers)) if known and len(numbers) == 1 else None
    fields = lowercase_fields(answer)
    number = valid_id(fields["callid"]) if "callid" in fields else _number_in(fields.get("message"), call)
    # v2 answers with the call, and the vendor may add to its fields. An answer with the texts that were sent is the
    # call, so a field that is not known is the call's own, and decides nothing. Without them it may be a refusal's.
    texts = (("caller", call.caller), ("location", call.location), ("description", call.description))
    is_call = all(fields.get(name) == text for name, text in texts)
    fits = all(_fits_creation(name, value, call, number, is_call=is_call) for name, value in fields.items())
    return number if fits else None


def _fits_removal(name: str, value: object, ref: CallRef) -> bool:
    """Return True if a field of a JSON answer fits a removal. One that is not known has to be empty."""
    match name:
        case "callid":
            return valid_id(value) == ref.call_id
        case "removed" | "deleted":
            return value is True
        case "message":
            return not value or (isinstance(value, str) and says_removed(value, ref))
        case _:
            return _fits(name, value, ref, unknown=value is None)


def _fits_creation(name: str, value: object, call: EmergencyCall, number: int | None, *, is_call: bool) -> bool:
    """Return True if a field of a JSON answer fits the creation of a call with this number."""
    match name:
        case _ if name in _CALL_FIELDS:
            return True
        case "created" | "added":  # a verdict, or when that was
            return value is True or (is_call and value is not False)
        case "message":
            return not value or _number_in(f"{value} ID {number}", call) == number
        case _:
            return _fits(name, value, call.ref, unknown=is_call or value is None)


def _fits(name: str, value: object, ref: CallRef, *, unknown: bool) -> bool:
    if name == "serverid":
        return valid_id(value) == ref.server_id
    verdict = agrees(name, value)
    return unknown if verdict is None else verdict


def _number_in(text: object, call: EmergencyCall) -> int | None:
    return created_number(text, call) if isinstance(text, str) else None


def _words(text: str, server_id: int) -> list[str]:
    """Return a text's words. What remains of its numbers has to be the call's.

    The server's counts only where the text says so: `ON SERVER 1`. In `911 CALL` it is no number.
    """
    words = " ".join(_WORD.findall(_BRACES.sub(r"\1", text.lower())))
    words = _ON_SERVER.sub(lambda found: "" if found[1] == str(server_id) else found[0], words)
    return _911_CALL.sub(r"\1", words).split()
