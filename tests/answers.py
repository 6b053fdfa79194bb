"""Every answer that the bot gives in Discord, made by the code itself: for docs/answers.md, and to be measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from bot.cad.models import CallRef, EmergencyCall, Server, ServerList
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, QueuePosition, Reason, Result
from bot.calls.cache import CallsSnapshot, ServersSnapshot
from bot.calls.posts import CallPost, PostError
from bot.journal.entries import CREATE, DENIED, REMOVE, Entry, EntryFilter
from bot.journal.export import COLUMNS
from bot.messages import buttons, history, outcomes, posts, refusals
from bot.messages import calls as call_messages
from bot.removals.result import RemovalResult

REF = CallRef(1, 302)
NOW = 1_790_000_000.0
LATER = NOW + 40
CALL = EmergencyCall(
    REF,
    caller="Ana Ortega",
    location="24/7, Grove Street",
    description="Man with a shotgun.",
    emergency=True,
    updated=datetime.fromtimestamp(NOW, UTC),
)
SERVERS = (Server(1, "Los Santos"), Server(2, "Blaine County"))
MAX_ANSWER = 150
"""Characters of an answer as shown, unless it shows a call's text."""
MAX_ADVICE = 115
"""The same for an answer that needs no admin: a dispatcher reads it between two radio calls."""

_REJECTED = (
    Reason.WRONG_URL, Reason.REQUEST_TYPE, Reason.COMMUNITY_ID, Reason.API_OFF, Reason.ENDPOINT_OFF, Reason.API_KEY,
    Reason.PLAN, Reason.FORBIDDEN, Reason.OTHER_REFUSAL, Reason.NO_SUCH_SERVER,
)  # fmt: skip
_NOT_SENT = (
    Reason.NO_CONNECTION, Reason.CERTIFICATE, Reason.BUSY, Reason.LINE_FULL, Reason.PLAN_UNKNOWN, Reason.BREAKER,
    Reason.CLOSING, Reason.EXPIRED, Reason.JOURNAL, Reason.RESTARTED, Reason.OUR_BUG,
)  # fmt: skip
_UNKNOWN = (
    Reason.NO_ANSWER, Reason.CONNECTION_LOST, Reason.SERVER_ERROR, Reason.UNREADABLE, Reason.UNCLEAR, Reason.STOPPED,
    Reason.RESTARTED, Reason.OUR_BUG,
)  # fmt: skip


def shown(text: str) -> str:
    """Return a text as Discord shows it, except for bold and code."""
    text = text.replace(f"<t:{LATER:.0f}:R>", "in 40 seconds")
    text = re.sub(r"<t:\d+:f>", "5 June 2026 12:04", text)
    text = re.sub(r"<t:\d+:R>", "15 seconds ago", re.sub(r"<t:\d+:T>", "12:04:31", text))
    return text.replace("<@42>", "@Dana").replace("\\", "")


def _removal(outcome: Outcome, reason: Reason, action: str = "remove", ref: CallRef = REF, **more: object) -> str:
    result = Result(
        outcome,
        reason,
        removed_at=NOW,
        breaker_reason=Reason.API_KEY if reason is Reason.BREAKER else None,
        new_call_id=305 if outcome is Outcome.CREATED else None,
        retry_at=LATER if reason is Reason.BUSY else None,
    )
    return outcomes.removal_text(RemovalResult(ref, result, 42, action, **more))  # type: ignore[arg-type]


def removals() -> Iterator[str]:
    """Yield how a removal can end."""
    yield _removal(Outcome.REMOVED, Reason.CONFIRMED)
    for reason in (Reason.NO_SUCH_CALL, Reason.REMOVED_BEFORE, Reason.UNCONFIRMED_BEFORE):
        yield _removal(Outcome.GONE, reason)
    yield _removal(
        Outcome.GONE, Reason.NO_SUCH_CALL, elsewhere=(replace(CALL, ref=CallRef(2, 302)), NOW), servers=SERVERS
    )
    for reason in (Reason.NOT_LISTED, Reason.NO_SUCH_CALL):
        yield _removal(Outcome.GONE_UNCONFIRMED, reason)
    for outcome, reasons in ((Outcome.REJECTED, _REJECTED), (Outcome.NOT_SENT, _NOT_SENT), (Outcome.UNKNOWN, _UNKNOWN)):
        for reason in reasons:
            yield _removal(outcome, reason)
    wrong_server = Result(Outcome.REJECTED, Reason.NO_SUCH_SERVER, listed_at=NOW)
    yield outcomes.removal_text(RemovalResult(CallRef(7, 302), wrong_server, servers=SERVERS[:1]))


def recreations() -> Iterator[str]:
    """Yield how a re-creation can end."""
    yield _removal(Outcome.CREATED, Reason.CONFIRMED, CREATE)
    yield _removal(Outcome.REJECTED, Reason.API_KEY, CREATE)
    yield _removal(Outcome.NOT_SENT, Reason.NO_CONNECTION, CREATE)
    yield _removal(Outcome.UNKNOWN, Reason.NO_ANSWER, CREATE)
    yield refusals.ALREADY_RECREATED


def waiting() -> Iterator[str]:
    """Yield what stands in a reply until its result is known."""
    yield outcomes.queued(REF, QueuePosition(0, LATER))
    yield outcomes.queued(REF, QueuePosition(7, LATER))
    yield outcomes.still_waiting(REF)
    yield posts.removing(REF)
    yield call_messages.recreating(REF)


def denials() -> Iterator[str]:
    """Yield who may not, and what was refused or failed before anything was sent."""
    yield refusals.role_needed(["Dispatcher"])
    yield refusals.role_needed(["Dispatcher", "Supervisor"], is_admin=True)
    yield refusals.MANAGE_SERVER_NEEDED
    yield refusals.no_configured_role()
    yield refusals.NOT_IN_GUILD
    yield refusals.FOREIGN_GUILD
    yield refusals.GUILD_NOT_SEEN_YET
    yield refusals.id_out_of_range("call_id", 0)
    yield from (posts.post_error(error, "911") for error in PostError)
    yield posts.unknown_server(REF, NOW)
    yield refusals.SHUTTING_DOWN
    yield refusals.OUTDATED_COMMAND
    yield refusals.NOT_ACKNOWLEDGED
    yield refusals.ACKNOWLEDGED_ELSEWHERE
    yield refusals.JOURNAL_UNREADABLE
    yield refusals.NO_FILE
    yield refusals.NOT_SHOWN
    yield refusals.broken(1456074443980800016)


def clicks() -> Iterator[str]:
    """Yield what buttons answer."""
    yield buttons.CANCELLED
    yield buttons.NOT_CONFIRMED
    yield buttons.EXPIRED
    yield buttons.NOT_YOURS
    yield buttons.FIRST_CLICK_COUNTS


def lists() -> Iterator[str]:
    """Yield what stands where a list of open calls would be, and what is shown while its calls are removed."""
    plan, down = Result(Outcome.NOT_SENT, Reason.PLAN), Result(Outcome.NOT_SENT, Reason.NO_CONNECTION)
    for snapshot in (
        CallsSnapshot(listed_at=NOW),
        CallsSnapshot(listed_at=NOW, pruned=True),
        CallsSnapshot(listed_at=NOW, complete=False),
        CallsSnapshot(listed_at=NOW, error=down),
        CallsSnapshot(error=plan),
        CallsSnapshot(error=Result(Outcome.NOT_SENT, Reason.NO_SUCH_SERVER, listed_at=NOW)),
        CallsSnapshot(),
    ):
        yield call_messages.list_page({1: snapshot}, snapshot.calls)
    known, unreadable = ServerList(SERVERS, listed_at=NOW), ServerList(complete=False, listed_at=NOW)
    yield call_messages.list_page({}, [], ServersSnapshot(unreadable))
    both = {1: CallsSnapshot((CALL,), NOW), 2: CallsSnapshot((replace(CALL, ref=CallRef(2, 11)),), NOW)}
    yield call_messages.list_page(both, [], ServersSnapshot(known, down))
    done = _removal(Outcome.REMOVED, Reason.CONFIRMED)
    yield call_messages.removal_progress([done], [CallRef(1, 303)])


def with_call() -> Iterator[str]:
    """Yield the answers that show a call's text, and so may be longer."""
    yield _removal(Outcome.REMOVED, Reason.CONFIRMED, call=CALL)
    snapshot, other = CallsSnapshot((CALL,), NOW), replace(CALL, ref=CallRef(2, 11), caller="Rosa Maria")
    both = {1: snapshot, 2: CallsSnapshot((other,), NOW), 3: CallsSnapshot(listed_at=NOW)}
    yield call_messages.list_page(
        both, [CALL, other], ServersSnapshot(ServerList((*SERVERS, Server(3, "Cayo Perico"))))
    )
    yield call_messages.confirm_removal([CALL.ref, other.ref], [CALL, other])
    yield call_messages.list_page({1: snapshot}, snapshot.calls)
    yield call_messages.confirm_removal([REF], [CALL])
    yield call_messages.confirm_recreation(CALL)
    post = CallPost(REF, "Ana Ortega", "24/7, Grove Street", "Man with a shotgun.")
    for known in (None, CallsSnapshot(listed_at=NOW), CallsSnapshot(listed_at=NOW, complete=False), snapshot):
        yield posts.confirm_removal(post, known)


def entries() -> Iterator[str]:
    """Yield a page of the history, and posts in the audit channel: what admins read."""
    day = dict[str, object](asked_at=NOW, user_id=42, way="/remove911", server_id=1, call_id=302, status=200)
    shown_entries = [
        _entry(**day, outcome="removed", why="CONFIRMED"),
        _entry(**{**day, "call_id": 304, "status": None}, outcome=Outcome.GONE_UNCONFIRMED.value, why="NOT_LISTED"),
        _entry(**day, outcome="created", why="CONFIRMED", action=CREATE, reference="305"),
        _entry(**{**day, "status": 404}, outcome="already gone", why="NO_SUCH_CALL"),
        _entry(**{**day, "status": None}, outcome="unknown", why="NO_ANSWER"),
        _entry(**day, outcome=DENIED, why=None),
    ]
    yield history.history_page(shown_entries, EntryFilter(), {42: "Dana Reyes"})
    yield "The CSV file's columns: `" + ", ".join(COLUMNS) + "`"
    for entry in shown_entries[:2]:
        yield "\n".join(history.audit_entry(entry))


def _entry(**columns: object) -> Entry:
    unset = dict.fromkeys(("sent_at", "ended_at", "reference", "guild_id", "channel_id", "token", "unposted"))
    return Entry(**{"number": 1, "request": "", "action": REMOVE, **unset, **columns})  # type: ignore[arg-type]


def audit() -> Iterator[str]:
    """Yield what the audit channel is told when the bot stops sending, and when it goes on."""
    blocked = Result(Outcome.NOT_SENT, Reason.BREAKER, breaker_reason=Reason.API_KEY)
    plan = Result(Outcome.NOT_SENT, Reason.BREAKER, breaker_reason=Reason.PLAN)
    for stopped in (dict.fromkeys(RequestKind, blocked), {RequestKind.REMOVE: plan}):
        yield "\n".join(history.paused(stopped))
    yield "\n".join(history.RESUMED)


SHORT = {
    "A removal": removals,
    "A re-creation": recreations,
    "While it waits": waiting,
    "Refused, or not done": denials,
    "Buttons": clicks,
    "The list": lists,
}
"""The kinds of answer that a dispatcher reads at a glance."""


LONG = {
    "With a call's text": with_call,
    "The history, and the audit channel": entries,
    "A pause, in that channel": audit,
}
"""The others: those that show a call's text, and those for admins."""


def answers_page() -> str:
    """Write the page of all answers."""
    parts = [
        (
            "# Every answer\n\nWhat people read in Discord. Names, numbers and times are examples. "
            "`python -m tests.generate_docs` writes this page from the code.\n"
        )
    ]
    for title, answers in {
        **SHORT,
        "With a call's text": with_call,
        "The history, and the audit channel": entries,
        "A pause, in the audit channel": audit,
    }.items():
        quotes = ["> " + shown(text).replace("\n", "<br>") for text in answers()]
        body = "\n>\n".join(quotes)
        parts.append(f"\n## {title}\n\n{body}\n")
    return "".join(parts).rstrip() + "\n"
