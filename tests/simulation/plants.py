"""Planted bugs, each applied in memory. They prove that the oracle sees: a run that finds none proves nothing.

A plant names the finding that it causes, and the seeds within which it has to be found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from discord import InteractionResponse

from bot.cad import parsing, v1, v2
from bot.cad.client import CadClient
from bot.cad.models import ServerList
from bot.cad.request_queue import RequestQueue
from bot.cad.results import Outcome, Reason, Result
from bot.cad.scheduler import Scheduler
from bot.cad.transport import Transport
from bot.delivery import pending_replies
from bot.delivery.audit_channel import AuditChannel
from bot.interactions import replies
from bot.interactions.command_tree import GuardedTree
from bot.interactions.views import ConfirmationView, OwnedView
from bot.journal import file, store
from bot.journal.store import Journal
from bot.messages import buttons
from bot.removals.replies import OpenReplies


class Hits:
    """How often the planted code ran. A plant that never runs looks like one that was missed."""

    count = 0


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug: what it does, which finding shows it, within how many seeds, and how it gets into the bot."""

    what: str
    promise: int
    kinds: tuple[str, ...]
    seeds: int
    apply: Callable[[], None]


def _replace(owner: Any, name: str, planted: Callable[..., Any]) -> None:
    """Put `planted(original, *arguments)` in the place of an attribute."""
    original = getattr(owner, name)

    @wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        return planted(original, *arguments, **options)

    setattr(owner, name, call)


def _hit(value: Any = None) -> Any:
    Hits.count += 1
    return value


def _lost_connection_counts_as_not_sent() -> None:
    async def planted(original: Any, *arguments: Any) -> Any:
        result = await original(*arguments)
        if isinstance(result, Result) and result.reason is Reason.CONNECTION_LOST:
            return _hit(Result(Outcome.NOT_SENT, Reason.NO_CONNECTION))
        return result

    _replace(Transport, "send", planted)


def _unreadable_counts_as_refused() -> None:
    _hit()
    parsing.UNREADABLE = parsing.OTHER_REFUSAL


def _any_404_counts_as_gone() -> None:
    def planted(original: Any, *arguments: Any) -> Any:
        result, response = original(*arguments), arguments[-2]
        if response.status == 404 and result.outcome in (Outcome.REJECTED, Outcome.UNKNOWN):
            return _hit(Result(Outcome.GONE, Reason.NO_SUCH_CALL))
        return result

    for version in (v1, v2):
        _replace(version, "parse_removal", planted)


def _list_that_fails_denies_the_server() -> None:
    def planted(original: Any, *arguments: Any) -> Any:
        result = original(*arguments)
        return _hit(Result(Outcome.REJECTED, Reason.NO_SUCH_SERVER)) if isinstance(result, Result) else result

    for version in (v1, v2):
        _replace(version, "parse_calls", planted)


def _list_lacks_a_call() -> None:
    def planted(original: Any, *arguments: Any) -> Any:
        result = original(*arguments)
        return result if isinstance(result, Result) else replace(result, calls=_hit(result.calls)[1:])

    for version in (v1, v2):
        _replace(version, "parse_calls", planted)


def _recovery_sends_again() -> None:
    async def planted(_: Any, __: Any, cad: Any, ___: Any, entries: Any) -> None:
        for entry in entries:
            await cad.wait_for(cad.start_removal(_hit(entry.ref)))

    _replace(pending_replies, "finish_sent", planted)


def _no_mark_before_sending() -> None:
    async def planted(*_: Any) -> None:
        _hit()

    _replace(Journal, "mark_sent", planted)


def _noted_as_read_before_it_is_shown() -> None:
    async def planted(original: Any, interaction: Any, *arguments: Any) -> None:
        await interaction.client.removals.replies.mark_answered(_hit(interaction).token)
        await original(interaction, *arguments)

    _replace(replies, "deliver", planted)


def _never_given_again() -> None:
    async def planted(*_: Any) -> None:
        _hit()

    _replace(pending_replies.PendingReplies, "_send", planted)
    _replace(OpenReplies, "keep", lambda *_, **__: _hit())


def _only_results_are_kept() -> None:
    def planted(original: Any, *arguments: Any, is_result: bool = False) -> Any:
        return original(*arguments, is_result=True) if is_result else _hit()

    _replace(OpenReplies, "keep", planted)


def _busy_is_ignored() -> None:
    _replace(RequestQueue, "block", lambda *_: _hit())


def _creation_is_repeated() -> None:
    async def planted(original: Any, client: Any, call: Any, operation: Any) -> Any:
        result = await original(client, call, operation)
        return await original(client, _hit(call), operation) if result.outcome is Outcome.UNKNOWN else result

    _replace(CadClient, "_create", planted)


def _clicks_are_not_checked() -> None:
    async def planted(*_: Any) -> bool:
        return _hit(True)

    _replace(OwnedView, "interaction_check", planted)


def _cancel_confirms() -> None:
    def planted(original: Any, view: Any, *arguments: Any, **options: Any) -> None:
        original(view, *arguments, **options)

        async def confirm(interaction: Any) -> None:
            await view.confirm.callback(_hit(interaction))

        view.cancel.callback = confirm

    _replace(ConfirmationView, "__init__", planted)


def _confirmed_reads_as_cancelled() -> None:
    def planted(original: Any, *arguments: Any, **options: Any) -> None:
        original(*arguments, **options | {"pending_text": _hit(buttons.CANCELLED)})

    _replace(ConfirmationView, "__init__", planted)


def _replies_are_public() -> None:
    async def planted(original: Any, response: Any, *, ephemeral: bool = False, **options: Any) -> Any:
        return await original(response, ephemeral=_hit(ephemeral) and False, **options)

    _replace(InteractionResponse, "defer", planted)


def _suggestions_are_not_checked() -> None:
    async def planted(original: Any, tree: Any, interaction: Any) -> Any:
        return _hit(True) if interaction.type.name == "autocomplete" else await original(tree, interaction)

    _replace(GuardedTree, "interaction_check", planted)


def _secrets_are_not_redacted() -> None:
    _replace(Transport, "redact", lambda _, __, text: _hit(text))


def _posted_before_it_is_sent() -> None:
    async def planted(_: Any, channel: Any) -> None:
        while entries := await channel._journal.awaiting_post(20):
            for entry in entries:
                await channel._journal.mark_posted(_hit(entry.number))
                await channel._channel.send(content="an entry", nonce=entry.number)

    _replace(AuditChannel, "_post_all", planted)


def _taken_away_is_not_rescued() -> None:
    async def planted(_: Any, db: Any, path: Any, now: float) -> Any:  # noqa: ARG001
        await db.close()
        return _hit(path)

    _replace(file, "_rescue", planted)


def _incomplete_list_of_servers_proves() -> None:
    def planted(original: Any, listed: Any, server_id: int) -> Any:
        if not listed.complete and all(server.id != server_id for server in listed.servers):
            return _hit(True)
        return original(listed, server_id)

    _replace(ServerList, "proves_missing", planted)


def _breaker_stays_open() -> None:
    _replace(Scheduler, "reset_breaker", lambda *_: _hit())


def _unknown_is_recorded_as_removed() -> None:
    def planted(original: Any, result: Any) -> Any:
        result = Result(Outcome.REMOVED, Reason.CONFIRMED) if result.outcome is Outcome.UNKNOWN else result
        return original(_hit(result))

    _replace(store, "outcome_columns", planted)


PLANTS = (
    Plant("a broken connection is told as not sent", 1, ("falsely not sent", "falsely not done"), 120,
          _lost_connection_counts_as_not_sent),
    Plant("an answer that can't be read is told as a refusal", 1, ("falsely not done",), 80,
          _unreadable_counts_as_refused),
    Plant("any 404 is told as gone", 1, ("falsely gone",), 120, _any_404_counts_as_gone),
    Plant("a list that fails is told as a missing server", 1, ("falsely no such server",), 80,
          _list_that_fails_denies_the_server),
    Plant("a list lacks a call", 1, ("falsely not open",), 20, _list_lacks_a_call),
    Plant("a restart sends a removal again", 1, ("sent again after a restart",), 60, _recovery_sends_again),
    Plant("a removal is not marked as sent before it leaves", 4, ("sent without a mark",), 5, _no_mark_before_sending),
    Plant("an answer is noted as read before it is shown", 4, ("never told",), 120, _noted_as_read_before_it_is_shown),
    Plant("an answer that Discord did not take is never given again", 4, ("never told",), 40, _never_given_again),
    Plant("an answer that is no result is not kept", 5, ("no last word",), 140, _only_results_are_kept),
    Plant("a 429 does not hold back the next request", 4, ("sent while held back",), 80, _busy_is_ignored),
    Plant("a re-creation without an answer is sent again", 1, ("sent too often", "created twice"), 150,
          _creation_is_repeated),
    Plant("a click is not checked", 2, ("shown to a stranger", "sent for a stranger"), 40, _clicks_are_not_checked),
    Plant("the Cancel button confirms", 2, ("sent unasked",), 80, _cancel_confirms),
    Plant("what was confirmed reads as cancelled", 1, ("falsely nothing done",), 40, _confirmed_reads_as_cancelled),
    Plant("a reply is not ephemeral", 2, ("shown to all",), 5, _replies_are_public),
    Plant("suggestions are not checked", 2, ("suggested to a stranger",), 60, _suggestions_are_not_checked),
    Plant("what the CAD says is not searched for secrets", 3, ("secret sent", "secret logged"), 80,
          _secrets_are_not_redacted),
    Plant("an entry is noted as posted before it is", 4, ("not audited",), 40, _posted_before_it_is_sent),
    Plant("a server that could not be read is told as missing", 1, ("falsely no such server",), 100,
          _incomplete_list_of_servers_proves),
    Plant("the circuit breaker stays open", 4, ("no longer works",), 60, _breaker_stays_open),
    Plant("what is not known is recorded as removed", 1, ("falsely recorded",), 40, _unknown_is_recorded_as_removed),
    Plant("a journal that was taken away is not rescued", 4, ("entry lost",), 120, _taken_away_is_not_rescued),
)  # fmt: skip
"""Every planted bug."""
