"""The CAD's side: reached or not, who it takes us for, what the plan allows, which servers there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.cad.model import Answer, End, Kind, Plan, Server, Why
from bot.health import Finding, fail, warn
from bot.settings import Settings
from bot.text import clean, cut, relative

MOST_SERVERS = 10
"""Servers that are named."""

_WHERE = "Sonoran CAD, Admin panel, Advanced, In-Game Integration, under Web API"

# What it was, and what to do about it.
_CAUSES = {
    Why.WRONG_URL: ("the address does not lead to the CAD's API", "Correct SONORAN_API_URL, or leave it out"),
    Why.REQUEST_TYPE: ("the CAD does not know this bot's request", "Update the bot"),
    Why.COMMUNITY_ID: (
        "the CAD does not know the community id",
        f"Correct SONORAN_COMMUNITY_ID: {_WHERE}. Look whether it was swapped with the API key",
    ),
    Why.API_OFF: (
        "the API is switched off for this community",
        f"Switch it on: {_WHERE}. The free plan has no API",
    ),
    Why.ENDPOINT_OFF: ("this part of the API is switched off for this community", f"Switch it on: {_WHERE}"),
    Why.API_KEY: (
        "the CAD does not accept the API key",
        f"Correct SONORAN_API_KEY: {_WHERE}. A new key also has to go to the game server",
    ),
    Why.PLAN: (
        "the community's plan does not include what was asked for",
        "It needs Standard or higher, and Plus for the list of open calls",
    ),
    Why.FORBIDDEN: (
        "the CAD, or something in front of it, does not let this machine in",
        "Try from another network, or ask the CAD's support",
    ),
    Why.NO_CONNECTION: (
        "it can't be reached",
        "Look at this machine's network, its DNS and firewall, and at SONORAN_API_URL",
    ),
    Why.CERTIFICATE: (
        "no secure connection comes about",
        "Look at SONORAN_API_URL, and at this machine's clock and certificates",
    ),
    Why.BUSY: ("it is busy and takes no more for now", "Run the check again in a minute or two"),
    Why.NO_ANSWER: ("it did not answer in time", "Run the check again in a minute or two"),
}
_KINDS = {
    Kind.REMOVE: "removals",
    Kind.CREATE: "re-creations",
    Kind.CALLS: "lists of calls",
    Kind.SERVERS: "lists of servers",
    Kind.VERSION: "questions for the plan",
}
_OTHER = ("its answer could not be used", "Run the check again later. If it stays so, the log may tell more")


def connection(settings: Settings, plan: Plan | Answer, said: str) -> list[Finding]:
    """Say whether the CAD can be reached and takes us for who we are, from its answer when asked for the plan.

    Args:
        settings: which CAD, and as whom.
        plan: the plan, or what came instead.
        said: how the CAD put the plan; v2's numbers are not v1's.
    """
    host, version = settings.account.url.host or "", settings.api_version
    if isinstance(plan, Answer):
        if version == "v1" and plan.status in (404, 410):
            return [
                fail(
                    "Sonoran CAD",
                    f"{host} refuses v1 as if it were switched off (HTTP {plan.status})",
                    "Set SONORAN_API_VERSION=v2. The API key stays the same",
                )
            ]
        return [_refused("Sonoran CAD", plan)]
    whom = f"community {clean(settings.account.community_id)}" if settings.account.community_id else "the key"
    name = plan.name.replace("_", " ")
    if version != "v1" and clean(said):
        name += f" (in the CAD's words: {cut(clean(said), 40)})"
    findings = [Finding("Sonoran CAD", f"{host} accepts {cut(whom, 60)} by API {version}")]
    if plan < Plan.STANDARD:
        findings.append(fail("plan", f"{name}, which can't remove calls", "The community needs Standard or higher"))
    elif not plan.lists_calls:
        findings.append(Finding("plan", f"{name}: removes calls, and has no list of the open ones (Plus has)"))
    else:
        findings.append(Finding("plan", f"{name}: removes calls, and has the list of the open ones"))
    return findings


def servers(settings: Settings, listed: Sequence[Server] | Answer) -> list[Finding]:
    """Name the community's servers, and say whether the default one is among them."""
    if isinstance(listed, Answer):
        return [_refused("CAD servers", listed)]
    if not listed:
        return [warn("CAD servers", "the CAD lists none", "Set one up in the CAD before anybody needs this bot")]
    ordered = sorted(listed, key=lambda server: server.id)
    shown = ", ".join(f"{server.id} {cut(clean(server.name), 40)}".strip() for server in ordered[:MOST_SERVERS])
    more = f" and {len(ordered) - MOST_SERVERS} more" if len(ordered) > MOST_SERVERS else ""
    findings = [Finding("CAD servers", f"{shown}{more}")]
    default = settings.default_server_id
    if default is not None and all(server.id != default for server in ordered):
        findings.append(fail("default server", f"the CAD has no server {default}", "Correct SONORAN_SERVER_ID"))
    elif default is not None:
        findings.append(Finding("default server", f"{default}, so dispatchers may leave it out"))
    return findings


def sending(held: Mapping[Kind, Answer]) -> Finding:
    """Say whether requests are sent at all, and what ended that: a refusal that only a person can mend."""
    if not held:
        return Finding("sending", "requests go out")
    first = next(iter(held.values()))
    what = "everything" if len(held) == len(Kind) else ", ".join(_KINDS[kind] for kind in held)
    since = "" if first.at is None else f" {relative(first.at)}"
    found, remedy = _cause(first)
    return fail(
        "sending",
        f"stopped{since} for {what}, so that the CAD does not block the community: {found}",
        f"{remedy}. Then use this command again: an answer of the CAD's lets it go on",
    )


def _refused(what: str, answer: Answer) -> Finding:
    found, remedy = _cause(answer)
    waits = answer.end in (End.NOT_SENT, End.UNKNOWN) and answer.why in (Why.BUSY, Why.NO_ANSWER)
    return (warn if waits else fail)(what, found, remedy)


def _cause(answer: Answer) -> tuple[str, str]:
    """Return what it was, and what to do about it."""
    why = answer.because or answer.why
    found, remedy = _CAUSES.get(why, _OTHER)
    if why is Why.OTHER_REFUSAL and clean(answer.said):
        found = f"it turned the request down: {cut(clean(answer.said), 100)}"
    return f"{found}{'' if answer.status is None else f' (HTTP {answer.status})'}", remedy
