"""Checks of the CAD: can it be reached, does it accept the key, the plan, the servers. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bot.cad.models import Plan, ServerList
from bot.cad.remedies import KINDS
from bot.cad.requests import RequestKind
from bot.cad.results import Reason, Result
from bot.config.settings import Settings
from bot.health.finding import Finding, fail, unknown, warn
from bot.text import clean, relative_time, truncate

MAX_SHOWN = 10
"""Servers that a finding names."""

_WHERE = "Sonoran CAD, Admin panel, Advanced, In-Game Integration, under Web API"

_AGAIN = "Run the check again in a minute or two"

# For each reason: the cause, and the remedy.
_CAUSES = {
    Reason.WRONG_URL: ("the address does not lead to the CAD's API", "Correct SONORAN_API_URL, or leave it out"),
    Reason.REQUEST_TYPE: ("the CAD does not know this bot's request", "Update the bot"),
    Reason.COMMUNITY_ID: (
        "the CAD does not know the community id",
        f"Correct SONORAN_COMMUNITY_ID: {_WHERE}. Check that it was not swapped with the API key",
    ),
    Reason.API_OFF: (
        "the API is switched off for this community",
        f"Switch it on: {_WHERE}. The free plan has no API",
    ),
    Reason.ENDPOINT_OFF: ("this part of the API is switched off for this community", f"Switch it on: {_WHERE}"),
    Reason.API_KEY: (
        "the CAD does not accept the API key",
        f"Correct SONORAN_API_KEY: {_WHERE}. A new key also has to go to the game server",
    ),
    Reason.PLAN: (
        "the community's plan does not include what was asked for",
        "It needs Standard or higher, and Plus for the list of open calls",
    ),
    Reason.FORBIDDEN: (
        "the CAD, or something in front of it, does not let this machine in",
        "Try from another network, or ask the CAD's support",
    ),
    Reason.NO_CONNECTION: (
        "it can't be reached",
        "Look at this machine's network, its DNS and firewall, and at SONORAN_API_URL",
    ),
    Reason.CERTIFICATE: (
        "no secure connection can be made",
        "Look at SONORAN_API_URL, and at this machine's clock and certificates",
    ),
    Reason.OTHER_REFUSAL: ("it turned the request down", "Ask the CAD's support for the reason"),
    Reason.SERVER_ERROR: (
        "it answers with an error",
        "Run the check again later. It may be an outage of the CAD",
    ),
    Reason.UNREADABLE: (
        "its answer could not be used",
        "Run the check again later. If it stays so, the log may tell more",
    ),
}
# The same for each reason that leaves open whether the CAD accepts the bot.
_NOT_KNOWN = {
    Reason.BUSY: ("it is busy and takes no more for now", _AGAIN),
    Reason.NO_ANSWER: ("it did not answer in time", _AGAIN),
    Reason.CONNECTION_LOST: ("the connection broke before it answered", _AGAIN),
    Reason.LINE_FULL: ("it was not asked: too many requests wait in the bot's queue", _AGAIN),
    Reason.PLAN_UNKNOWN: ("it was not asked: the community's plan is not known", _AGAIN),
    Reason.CLOSING: ("it was not asked: the bot is shutting down", "Run the check again once the bot runs"),
    Reason.OUR_BUG: ("a bug in this bot ended the request", "Send the bot's log to its makers"),
}


def check_connection(settings: Settings, plan: Plan | Result, plan_text: str) -> list[Finding]:
    """Return what the response to a request for the plan says about the connection, the key and the plan.

    Args:
        settings: the CAD's address, the community and the API version.
        plan: the plan, or what came instead.
        plan_text: the plan in the CAD's own words; v2's numbers differ from v1's.
    """
    host, version = settings.account.url.host or "", settings.api_version
    if isinstance(plan, Result):
        if version == "v1" and plan.status in (404, 410):
            return [
                fail(
                    "Sonoran CAD",
                    f"{host} refuses v1 as if it were switched off (HTTP {plan.status})",
                    "Set SONORAN_API_VERSION=v2. The API key stays the same",
                )
            ]
        return [_refused("Sonoran CAD", plan)]
    # In v2 the key identifies the community, and nothing checks the community id.
    whom = f"community {clean(settings.account.community_id)}" if version == "v1" else "the key"
    name = plan.name.replace("_", " ")
    if version != "v1" and clean(plan_text):
        name += f" (in the CAD's words: {truncate(clean(plan_text), 40)})"
    findings = [Finding("Sonoran CAD", f"{host} accepts {truncate(whom, 60)} over API {version}")]
    if plan < Plan.STANDARD:
        findings.append(fail("plan", f"{name}, which can't remove calls", "The community needs Standard or higher"))
    elif not plan.lists_calls:
        findings.append(Finding("plan", f"{name}: removes calls, and has no list of the open ones (Plus has)"))
    else:
        findings.append(Finding("plan", f"{name}: removes calls, and has the list of the open ones"))
    return findings


def check_servers(settings: Settings, listed: ServerList | Result) -> list[Finding]:
    """Return the community's servers, and whether the default server is one of them."""
    if isinstance(listed, Result):
        return [_refused("CAD servers", listed)]
    if not listed.servers and listed.complete:
        return [warn("CAD servers", "the CAD lists none", "Set one up in the CAD before anybody needs this bot")]
    ordered = sorted(listed.servers, key=lambda server: server.id)
    shown = ", ".join(f"{server.id} {truncate(clean(server.name), 40)}".strip() for server in ordered[:MAX_SHOWN])
    more = f" and {len(ordered) - MAX_SHOWN} more" if len(ordered) > MAX_SHOWN else ""
    findings = [Finding("CAD servers", f"{shown}{more}")]
    if not listed.complete:
        state = f"{shown or 'none'}{more}: not all of them could be read"
        findings = [warn("CAD servers", state, "Dispatchers can give the number of one that is not suggested")]
    default = settings.default_server_id
    if default is not None and listed.proves_missing(default):
        findings.append(fail("default server", f"the CAD has no server {default}", "Correct SONORAN_SERVER_ID"))
    elif default is not None and all(server.id != default for server in ordered):
        state = f"{default} is not among the servers that could be read"
        findings.append(warn("default server", state, "Look in the CAD whether it has that server"))
    elif default is not None:
        findings.append(Finding("default server", f"{default}, so dispatchers may leave it out"))
    return findings


def check_sending(blocked: Mapping[RequestKind, Result], held: Mapping[RequestKind, float]) -> list[Finding]:
    """Return whether requests are sent.

    Args:
        blocked: what the circuit breaker stops, with the refusal that opened it.
        held: what waits because the CAD is busy, and until when (seconds since 1970).
    """
    findings: list[Finding] = []
    if blocked:
        first = next(iter(blocked.values()))
        subject = "everything" if len(blocked) == len(RequestKind) else ", ".join(KINDS[kind] for kind in blocked)
        since = "" if first.opened_at is None else f" {relative_time(first.opened_at)}"
        state, remedy = _cause(first)
        findings.append(
            fail(
                "requests",
                f"stopped{since} for {subject}, so that the CAD does not block the community: {state}",
                f"{remedy}. Then use this command again: if the CAD answers, the bot goes on",
            )
        )
    if waiting := {kind: until for kind, until in held.items() if kind not in blocked}:
        until = ", ".join(f"{KINDS[kind]} {relative_time(until)}" for kind, until in waiting.items())
        severe = fail if any(kind.is_write for kind in waiting) else warn
        findings.append(
            severe("requests", f"the CAD is busy, so these wait. Next: {until}", "Wait: the bot then goes on by itself")
        )
    return findings or [Finding("requests", "OK")]


def _refused(subject: str, result: Result) -> Finding:
    state, remedy = _cause(result)
    return (unknown if result.reason in _NOT_KNOWN else fail)(subject, state, remedy)


def _cause(result: Result) -> tuple[str, str]:
    """Return the cause and the remedy."""
    why = result.breaker_reason or result.reason
    # A test holds the tables against all reasons. What is missing all the same is a bug, and not known.
    state, remedy = (_CAUSES | _NOT_KNOWN).get(why, _NOT_KNOWN[Reason.OUR_BUG])
    if why is Reason.OTHER_REFUSAL and clean(result.cad_text):
        state += f": {truncate(clean(result.cad_text), 100)}"
    return f"{state}{'' if result.status is None else f' (HTTP {result.status})'}", remedy
