"""What shows only at the end of a run, after a long calm: who still waits, what was lost, which words were false."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bot.cad.models import CallRef
from tests.simulation.cad import LEAST
from tests.simulation.discord_side import ACK_SECONDS, TOKEN_SECONDS, Interaction
from tests.simulation.oracle import Ask
from tests.simulation.reading import Says, is_open, is_refusal, read

if TYPE_CHECKING:
    from tests.simulation.world import World

STATUS_SECONDS = 120.0
"""Seconds in which a status is answered, whatever hangs: its checks have a minute, and then it is edited."""
NEVER_KEPT = "an answer that the journal never had, and its process ended"


class Judge:
    """Judges a run by all that the oracle has seen."""

    def __init__(self, world: World) -> None:
        self._world, self._oracle, self._find = world, world.oracle, world.oracle.find

    def expect_removed(self, ref: CallRef) -> None:
        """Check that the last removal worked: nothing is in its way, if the plan includes it."""
        if self._world.cad.level >= LEAST["REMOVE"] and ref in self._world.cad.open:
            self._find(4, "no longer works", f"{ref} was not removed, although all is mended")

    def judge(self) -> None:
        """Check what can only be seen at the end, after a long calm."""
        for ask in self._oracle.asks.values():
            self._judge_words(ask)
        for one in self._world.discord.interactions.values():
            self._judge_answer(one)
        self._judge_creations()
        self._judge_journal()

    def _judge_journal(self) -> None:
        audited, posted = self._world.plan.audited, {nonce for _, nonce in self._world.discord.audit_posts}
        entries = self._world.disk.query("SELECT number, request, outcome, ended_at, token FROM entries")
        for number, request, outcome, ended, token in entries:
            self._judge_outcome(request, outcome)
            if ended is None:
                self._find(4, "left open", f"entry {number} never ended")
            elif audited and str(number) not in posted:
                self._find(4, "not audited", f"entry {number} is not in the audit channel")
            if token is not None:
                self._find(3, "token kept", f"entry {number} still has its token")
        kept = {request for _, request, *_ in entries}
        for one in self._world.cad.requests:
            if not one.operations - kept:
                continue
            if self._world.disk.lost:
                self._oracle.exempt["an entry of a journal that was taken away, and its process ended"] += 1
            else:
                self._find(4, "entry lost", f"{one.kind} {one.ref} is no longer in the journal")

    def _judge_outcome(self, request: str, outcome: str | None) -> None:
        """Compare what the history says with the truth, unless a second process wrote it as well."""
        sent = [one for one in self._world.cad.requests if request in one.operations]
        if self._world.faults["process: second, no lock"]:
            return
        if outcome in ("removed", "created") and not any(one.said_yes is not None for one in sent):
            self._find(1, "falsely recorded", f"{request} is {outcome} in the journal, and the CAD never said so")
        if outcome in ("rejected", "not sent") and any(one.effect is not None for one in sent):
            self._find(1, "falsely recorded", f"{request} is {outcome} in the journal, and it took effect")

    def _judge_creations(self) -> None:
        requests = [one for one in self._world.cad.requests if one.effect is not None]
        created, removed = (Counter(one.ref for one in requests if one.kind == kind) for kind in ("CREATE", "REMOVE"))
        for ref, many in created.items():
            if many > max(1, removed[ref]):
                self._find(
                    1, "created twice", f"{ref} was removed {removed[ref]} times, and created again {many} times"
                )

    def _judge_words(self, ask: Ask) -> None:
        """A word can turn out to be false later, when what was on its way takes effect."""
        for ref, told in ask.told.items():
            own = self._oracle.own(ask, ref)
            final = [claim for claim in told if claim.is_final]
            if final and final[0].says is Says.NOT_DONE and any(one.effect is not None for one in own):
                self._find(1, "falsely not done", f"{ask.one.who} read {final[0].text!r}, and it took effect")

    def _judge_answer(self, one: Interaction) -> None:
        """Everybody gets an answer, in time, and all of it."""
        host, what = self._world.host, f"{one.who}'s {one.kind} {one.about}"
        ask, text = self._oracle.asks.get(one.token), one.texts[-1][1] if one.texts else ""
        if one.acknowledged is None:
            if one.delivered and host.excuse(one.created, one.created + ACK_SECONDS):
                self._oracle.exempt["no answer in 3 s"] += 1
            elif one.delivered:
                self._find(5, "no answer", f"{what} got no answer in 3 s")
        elif ask is not None:
            self._judge_result(ask, text)
        elif text and one.about == "status" and one.texts[-1][0] > (end := one.created + STATUS_SECONDS):
            if not host.excuse(one.created, end, "edit"):
                self._find(5, "too late", f"{what} was answered after more than {STATUS_SECONDS:.0f} s")
        elif one.owed == one.message.text:
            in_memory = host.excuse(one.created, one.created + 60.0, "edit")  # and given again each minute
            if host.died(one.created, one.created + (TOKEN_SECONDS if in_memory else 60.0)):
                self._oracle.exempt[NEVER_KEPT] += 1
            else:
                self._find(5, "no last word", f"{what} ends with {one.message.text!r}")

    def _judge_result(self, ask: Ask, text: str) -> None:
        one = ask.one
        # A late acknowledgement can show the pending text after all; then the question's own end takes its place.
        if is_refusal(text) or one.message.text.startswith(("⌛ Not confirmed", "❌ Not done: ")):
            return
        shown = {claim.ref for claim in read(text) if claim.is_final}
        if shown >= set(ask.refs) or (len(ask.refs) == 1 and not is_open(text)):
            return  # in time: Discord takes no edit after 15 minutes
        end = one.created + TOKEN_SECONDS
        if one.token not in self._world.disk.recorded and self._world.host.died(one.created, end):
            self._oracle.exempt[NEVER_KEPT] += 1
        else:
            what, kind = ("the rest of the answer", "partly told") if shown else ("an answer", "never told")
            self._find(4, kind, f"{one.who} waits for {what} to {one.kind} {one.about} (reads {text!r})")
