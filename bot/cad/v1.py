"""The CAD's API v1 as pure functions: build a request, understand what came back.

The vendor's page "Remove 911" is the source for the request and the four documented refusals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial

from bot.cad import reading
from bot.cad.dialect import Ask, Hide
from bot.cad.line import PACED
from bot.cad.model import (
    Account,
    Answer,
    CallRef,
    EmergencyCall,
    Kind,
    OpenCalls,
    Plan,
    Reply,
    Request,
    Servers,
    Version,
    an_id,
)

LIMITS = PACED


def headers(_: Account) -> dict[str, str]:
    """Return what goes with every request: nothing, since the key is in the body."""
    return {}


def remove_911(account: Account, ref: CallRef) -> Ask[Answer]:
    """Build the request of the page "Remove 911": ids as integers, nothing that is not documented."""
    data = {"serverId": ref.server_id, "callId": ref.call_id}
    return Ask(_request(account, Kind.REMOVE, "emergency", "REMOVE_911", data), understand_removal)


def create_911(account: Account, call: EmergencyCall) -> Ask[Answer]:
    """Build CALL_911, which the plan Standard has. The call gets a number of its own."""
    data = {"serverId": call.ref.server_id, **reading.fields_of(call)}
    return Ask(_request(account, Kind.CREATE, "emergency", "CALL_911", data), understand_creation)


def get_calls(account: Account, server_id: int) -> Ask[OpenCalls]:
    """Build GET_CALLS for a server's open emergency calls (type 1). It needs the plan Plus."""
    request = _request(account, Kind.CALLS, "emergency", "GET_CALLS", {"serverId": server_id, "type": 1})
    return Ask(request, partial(understand_calls, server_id))


def get_servers(account: Account) -> Ask[Servers]:
    """Build GET_SERVERS. It needs the plan Standard."""
    return Ask(_request(account, Kind.SERVERS, "general", "GET_SERVERS"), understand_servers)


def get_version(account: Account) -> Ask[Version]:
    """Build GET_VERSION, which every plan has."""
    return Ask(_request(account, Kind.VERSION, "general", "GET_VERSION"), understand_version)


def understand_removal(reply: Reply, hide: Hide) -> Answer:
    """Say what `reply` means for a removal.

    "Removed" is the meaning of a 200 or 204 that is not known to be bad, and of nothing else: the page's own
    example of a success is visibly another endpoint's text, so no wording is asked for.
    """
    return _understand(reply, hide, missing=reading.NOT_THERE)


def understand_creation(reply: Reply, hide: Hide) -> Answer:
    """Return a success only where the number of the new call can be read: `EMERGENCY CALL ADDED ID: 305`."""
    answer = _understand(reply, hide)
    numbers = re.findall(
        r"\bID\b[^0-9A-Za-z+-]{0,5}([0-9]{1,10})(?![0-9]|\.[0-9])", reading.text_of(reply), re.IGNORECASE
    )
    created = an_id(int(numbers[0])) if len(numbers) == 1 else None
    if not answer.done or created is None:
        return reading.unreadable(answer)
    return Answer(*reading.CONFIRMED, status=reply.status, created=created)


def understand_calls(server_id: int, reply: Reply, hide: Hide) -> OpenCalls | Answer:
    """Return the open emergency calls as far as they can be read, or what came instead."""
    calls = reading.open_calls(reply, server_id, hide)
    return reading.unreadable(_understand(reply, hide)) if calls is None else calls


def understand_servers(reply: Reply, hide: Hide) -> Servers | Answer:
    """Return the servers as far as they can be read, or what came instead."""
    servers = reading.servers(reply, hide)
    return reading.unreadable(_understand(reply, hide)) if servers is None else servers


def understand_version(reply: Reply, hide: Hide) -> Version | Answer:
    """Return the plan, by the digits with which the text begins, or what came instead."""
    answer = _understand(reply, hide)
    digits = re.match(r'"?([0-9]{1,3})(?![0-9])', reading.text_of(reply))
    if not answer.done or digits is None or int(digits[1]) not in Plan.__members__.values():
        return reading.unreadable(answer)
    return Version(Plan(int(digits[1])), answer.said)


def _request(account: Account, kind: Kind, group: str, name: str, *data: Mapping[str, object]) -> Request:
    body = {"id": account.community_id, "key": account.key, "type": name, "data": data}
    return Request(kind, "POST", f"{group}/{name.lower()}", json.dumps(body).encode())


def _understand(reply: Reply, hide: Hide, missing: reading.Verdict = reading.TURNED_DOWN) -> Answer:
    text = reading.text_of(reply)
    page = reading.is_page(reply, text)
    end, why = reading.refusal(reply, [text], page=page, missing=missing) or _success(reply, text, page=page)
    return Answer(end, why, "" if page else hide(text), reply.status, reply.retry_after)


def _success(reply: Reply, text: str, *, page: bool) -> reading.Verdict:
    strange = reply.status not in (200, 204) or page or not reading.is_data(reply) or "\0" in text
    broken_json = "json" in reply.media_type and reply.status != 204 and not _parses(text)
    # A refusal that is wrapped in something else is no success either.
    if strange or broken_json or reading.wraps_a_refusal(text):
        return reading.UNREADABLE
    return reading.CONFIRMED


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
