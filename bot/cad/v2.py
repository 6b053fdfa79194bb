"""The CAD's API v2 as pure functions: resource routes, the key in a header, errors as problems (RFC 9457).

Its facts come from the vendor's documentation and client libraries. The community is known from the key.
"""

from __future__ import annotations

import json
import re
from functools import partial

from bot.cad import reading
from bot.cad.dialect import Ask, Hide
from bot.cad.line import Window
from bot.cad.model import (
    Account,
    Answer,
    CallRef,
    EmergencyCall,
    End,
    Kind,
    OpenCalls,
    Plan,
    Reply,
    Request,
    Servers,
    Version,
    Why,
    an_id,
)

PUBLISHED = {Kind.REMOVE: 10, Kind.CREATE: 10, Kind.CALLS: 5, Kind.SERVERS: 10, Kind.VERSION: 10}
"""Requests a minute that the CAD takes from a key, the community's game server included."""
SHARE = 0.8
"""How much of that this bot takes."""
MINUTE = 62.0
"""Seconds of our minute: what leaves late in one and what arrives early in the next must not meet in one of theirs."""
LIMITS = tuple(Window(frozenset({kind}), int(many * SHARE), MINUTE) for kind, many in PUBLISHED.items())

_NO_SERVER = (End.REJECTED, Why.NO_SUCH_SERVER)
_WRONG_URL = (End.REJECTED, Why.WRONG_URL)


def headers(account: Account) -> dict[str, str]:
    """Return what goes with every request."""
    return {"Authorization": f"Bearer {account.key}", "Accept": "application/json"}


def remove_911(_: Account, ref: CallRef) -> Ask[Answer]:
    """Build the removal of a call."""
    request = Request(Kind.REMOVE, "DELETE", f"{_calls(ref.server_id)}/911/{ref.call_id:d}")
    return Ask(request, partial(understand_removal, ref))


def create_911(_: Account, call: EmergencyCall) -> Ask[Answer]:
    """Build the creation of a call. The call gets a number of its own."""
    server_id, body = call.ref.server_id, json.dumps(reading.fields_of(call)).encode()
    request = Request(Kind.CREATE, "POST", f"{_calls(server_id)}/911", body=body)
    return Ask(request, partial(understand_creation, server_id))


def get_calls(_: Account, server_id: int) -> Ask[OpenCalls]:
    """Build the look at a server's open emergency calls (type 1). It needs the plan Plus."""
    request = Request(Kind.CALLS, "GET", _calls(server_id), query={"type": "1"})
    return Ask(request, partial(understand_calls, server_id))


def get_servers(_: Account) -> Ask[Servers]:
    """Build the look at the servers. It needs the plan Standard."""
    return Ask(Request(Kind.SERVERS, "GET", "v2/general/servers"), understand_servers)


def get_version(_: Account) -> Ask[Version]:
    """Build the question for the plan, which every plan has."""
    return Ask(Request(Kind.VERSION, "GET", "v2/general/version"), understand_version)


def understand_removal(ref: CallRef, reply: Reply, hide: Hide) -> Answer:
    """Say what `reply` means for the removal of `ref`.

    "Removed" is a 204, or a 200 whose body names this call and this server as the documentation shows it. There is
    no other success: what names another call, or none, may come from anybody on the way.
    """
    named = _told(reply, 200)
    names = (an_id(named.get("serverid")), an_id(named.get("callid")))
    if reply.status == 204 or names == (ref.server_id, ref.call_id):
        return Answer(*reading.CONFIRMED, status=reply.status)
    return _understand(reply, hide, missing=reading.NOT_THERE)


def understand_creation(server_id: int, reply: Reply, hide: Hide) -> Answer:
    """Return a success only where the answer names the new call, on this server."""
    made = _told(reply, 200, 201)
    created = an_id(made.get("callid"))
    if created is None or made.get("serverid", server_id) != server_id:
        return _understand(reply, hide)
    return Answer(*reading.CONFIRMED, status=reply.status, created=created)


def understand_calls(server_id: int, reply: Reply, hide: Hide) -> OpenCalls | Answer:
    """Return the open emergency calls as far as they can be read, or what came instead."""
    return reading.open_calls(reply, server_id, hide) or _understand(reply, hide)


def understand_servers(reply: Reply, hide: Hide) -> Servers | Answer:
    """Return the servers as far as they can be read, or what came instead."""
    return reading.servers(reply, hide) or _understand(reply, hide, missing=reading.TURNED_DOWN)


def understand_version(reply: Reply, hide: Hide) -> Version | Answer:
    """Return the plan, by its name: the number in the vendor's example contradicts v1's."""
    told = _told(reply, 200)
    name = told.get("name")
    plan = Plan.__members__.get(re.sub(r"[\s_-]+", "_", name.strip()).upper()) if isinstance(name, str) else None
    if plan is None:
        return _understand(reply, hide, missing=reading.TURNED_DOWN)
    return Version(plan, hide(f"{told.get('version', '')} {name}".strip()))


def _calls(server_id: int) -> str:
    return f"v2/emergency/servers/{server_id:d}/calls"


def _told(reply: Reply, *good: int) -> dict[str, object]:
    """Return the fields of an answer that may be a success."""
    return reading.fields(reading.parsed(reply)) if reply.status in good and reading.is_data(reply) else {}


def _understand(reply: Reply, hide: Hide, missing: reading.Verdict = _NO_SERVER) -> Answer:
    """Say what an answer means in which nothing was found that would be a success."""
    text = reading.text_of(reply)
    page = reading.is_page(reply, text)
    body = reading.parsed(reply)
    told = reading.fields(body)
    title, detail, message = (_line(told.get(name)) for name in ("title", "detail", "message"))
    if "no route matched" in message.lower():  # the gateway's, for a path that it does not know
        missing = _WRONG_URL
    elif text and not isinstance(body, dict):  # no answer of the CAD's: what it says is all that is known
        missing = reading.TURNED_DOWN
    end, why = reading.refusal(reply, [text, title, detail, message], page=page, missing=missing) or reading.UNREADABLE
    said = ": ".join(filter(None, (title, detail))) or message or ("" if page else text)
    reference = _line(told.get("traceid")) or _line(told.get("request_id"))
    # Whatever is no plain reference could be anything, so it is none.
    plain = re.fullmatch(r"[\w.:|-]{1,100}", reference, re.ASCII) and hide(reference) == reference
    return Answer(end, why, hide(said), reply.status, reply.retry_after, reference if plain else "")


def _line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
