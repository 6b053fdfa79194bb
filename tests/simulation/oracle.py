"""The oracle: it knows what really happened, and says which promise was broken, at the moment at which it is.

What shows only at the end is in `judge.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.cad.models import CallRef
from tests.simulation.cad import KEY, LIMITS, PLAYERS_TEXT, CadRequest
from tests.simulation.discord_side import BUTTON, SELECT, Interaction
from tests.simulation.host import DISCORD_TOKEN
from tests.simulation.loop import START, Process, SimulatedLoop
from tests.simulation.reading import (
    Claim,
    Says,
    is_nothing_done,
    is_open,
    is_refusal,
    lists,
    missing_servers,
    read,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

V1_CLOSEST = 0.5
"""Seconds between two requests of v1. A slow disk may delay one by half a second, and the next one is in time."""
JOIN_SECONDS = 30.0
"""Seconds for which a request may wait for a slow disk, after the CAD's answer, and can be joined."""
SECRETS = (KEY, DISCORD_TOKEN)
EPHEMERAL = 64
"""Discord's flag of a message that one person sees."""
DAY = 86_400
"""No clock of a run is wrong by so many seconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise. `kind` is the same for the same fault, as far as that can be told."""

    promise: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"promise {self.promise}, {self.kind}: {self.text}"


@dataclass(eq=False)
class Ask:
    """What a person asked for: a removal or a re-creation of calls, and what they were told about each."""

    one: Interaction
    refs: list[CallRef]
    action: str
    told: dict[CallRef, list[Claim]] = field(default_factory=dict[CallRef, list[Claim]])
    operations: dict[CallRef, set[str]] = field(default_factory=dict[CallRef, set[str]])


class Oracle:
    """Sees everything, at the moment at which it happens."""

    def __init__(self, world: World) -> None:
        self._world, self._rows = world, world.disk.query
        self._has_wrong_clock = any(item.what == "clock" for item in world.plan.items)
        self.findings: list[Finding] = []
        self.exempt: Counter[str] = Counter()
        self.asks: dict[str, Ask] = {}
        self._left_at: dict[tuple[int, str], list[float]] = {}
        # When the bot first sent a line for a reply. What happens while it is on its way can't be in it.
        self._decided: dict[tuple[str, str], float] = {}

    def find(self, promise: int, kind: str, text: str) -> None:
        """A promise is broken."""
        self.findings.append(finding := Finding(promise, kind, text))
        self._world.tell("ORACLE", str(finding))

    def expect(self, one: Interaction, refs: list[CallRef], action: str) -> None:
        """Note what a person wants by a command or click."""
        self.asks[one.token] = Ask(one, refs, action)

    # At the moment.

    def on_left(self, request: CadRequest) -> None:
        """A request left for the CAD."""
        self._check_pace(request)
        if request.kind not in ("REMOVE", "CREATE"):
            return
        action, ref, requests = request.kind.lower(), request.ref, self._world.cad.requests
        rows = self._rows(
            "SELECT request, token FROM entries WHERE ended_at IS NULL AND sent_at IS NOT NULL "
            "AND server_id = ? AND call_id = ? AND action = ?", ref.server_id, ref.call_id, action,
        )  # fmt: skip
        if not rows:
            self.find(4, "sent without a mark", f"{action} of {ref} left, and no open entry is marked as sent")
        # An open entry of an earlier process is not what this one sends for, if it has its own.
        old = {name for one in requests if one.process is not request.process for name in one.operations}
        rows = [
            (name, token) for name, token in rows if name not in old and self._may_work_on(request.process, token)
        ] or rows  # rather a finding than none
        request.operations = frozenset(name for name, _ in rows)
        for _, token in rows:
            one, ask = self._world.discord.interactions.get(token), self.asks.get(token)
            if one is not None and not one.allowed:
                self.find(2, "sent for a stranger", f"{action} of {ref} left for {one.who}, who may not")
            if one is not None and (ask is None or ask.action != action or ref not in ask.refs):
                self.find(2, "sent unasked", f"{action} of {ref} left, and {one.who}'s {one.about} does not ask for it")
            if one is not None and is_nothing_done(one.message.text):
                self.find(1, "falsely nothing done", f"{one.who} reads {one.message.text!r}, and {ref} left")
        for name in request.operations:
            sent = [one for one in requests if name in one.operations]
            if any(one.process is not request.process for one in sent):
                self.find(1, "sent again after a restart", f"{action} of {ref} left again for the same request")
            # A removal that the CAD wants later, whatever became of it, is sent again. A creation never is.
            unclear = sum(not (one.refused or (one.wanted_later and action == "remove")) for one in sent)
            if unclear > (1 if action == "create" else 2):
                self.find(1, "sent too often", f"{action} of {ref} left {unclear} times for one request")

    def _may_work_on(self, process: Process, token: str) -> bool:
        """Return False for what this process never got, and for what has ended: the disk may not know that yet."""
        one = self._world.discord.interactions.get(token)
        if one is None:
            return True
        got = one.delivered is not None and one.delivered >= process.started
        return got and not (one.texts and not is_open(one.texts[-1][1]))

    def on_shown(self, one: Interaction, text: str, before: str) -> None:
        """A person reads a text, in the place of what was there before."""
        if not one.allowed and text and not is_refusal(text):
            self.find(2, "shown to a stranger", f"{one.who} may not, and reads: {text}")
        self._check_servers(one, text)
        self._check_lists(one, text)
        if is_nothing_done(text):
            self._check_nothing_done(one, text)
        ask = self.asks.get(one.token)
        if any(claim.is_final for claim in read(before)) and not read(text):  # by whichever token
            self.find(1, "taken back", f"{one.who} read {before!r}, and then {text!r}")
        for claim in read(text):
            if ask is not None and claim.ref in ask.refs:
                self._hear(ask, claim)
            elif claim.is_final and ask is not None:
                self.find(1, "another call", f"{one.who} asked for {ask.refs} and reads: {claim.text}")

    def _check_nothing_done(self, one: Interaction, text: str) -> None:
        tokens = [other.token for other in self._world.discord.interactions.values() if other.message is one.message]
        if any(self._rows("SELECT 1 FROM entries WHERE ended_at IS NULL AND token = ?", token) for token in tokens):
            self.find(1, "falsely nothing done", f"{one.who} reads {text!r}, and a request is under way")

    def _check_lists(self, one: Interaction, text: str) -> None:
        """Check that a list has what was open all the time since the time that it gives, and nothing that never was."""
        cad, buttons = self._world.cad, one.message.items(BUTTON)
        # Without its select, a list is over: it may have been one of several pages.
        is_whole = bool(one.message.items(SELECT)) and all(button.get("label") != "Next" for button in buttons)
        for listed in [] if self._has_wrong_clock else lists(text):
            since = listed.as_of - START + SimulatedLoop.FIRST - 1.0  # the time is rounded to a second
            here = {ref.call_id: ref for ref in cad.changes if ref.server_id == listed.server}
            wrong = [number for number in listed.numbers if number not in here or not cad.was_open(here[number], since)]
            missing = [number for number in here.keys() - listed.numbers if not cad.was_closed(here[number], since)]
            if wrong:
                self.find(1, "falsely open", f"{one.who} reads a list of server {listed.server} with {wrong}")
            if missing and (is_whole or listed.has_none):
                self.find(1, "falsely not open", f"{one.who} reads a list of server {listed.server} without {missing}")

    def _check_servers(self, one: Interaction, text: str) -> None:
        """Check that the CAD had no such server at the time that a text gives, or else when the person asked.

        Where the text says "had", or gives a time by a clock that was wrong, that can't be told of an added server.
        """
        cad, wrong_clock = self._world.cad, self._has_wrong_clock
        for server, as_of, only_had in missing_servers(text):
            added = cad.added.get(server, 0.0 if server in cad.servers else float("inf"))
            said_for = START + one.created - SimulatedLoop.FIRST if as_of is None else as_of - 1.0
            if added <= said_for and (not added or not (only_had or (wrong_clock and as_of is not None))):
                self.find(1, "falsely no such server", f"{one.who} reads {text!r}, and the CAD had server {server}")

    def on_acknowledged(self, one: Interaction, flags: int | None) -> None:
        """Discord took an acknowledgement, with these flags if it makes a new reply."""
        if flags is not None and not flags & EPHEMERAL:
            self.find(2, "shown to all", f"everybody in the channel sees the reply to {one.who}'s {one.about}")
        if not one.allowed and one.choices:
            self.find(2, "suggested to a stranger", f"{one.who} may not, and gets suggestions")

    def on_sent(self, text: str, token: str = "", content: str = "") -> None:
        """Something leaves for Discord: perhaps `content`, for the reply with this token."""
        for line in content.splitlines():
            self._decided.setdefault((token, line), self._world.loop.now)
        for secret in SECRETS:
            if secret in text:
                self.find(3, "secret sent", f"a secret is in what goes to Discord: {text[:200]}")
        for time in re.findall(r"<t:(-?\d+)", text):
            if abs(int(time) - START) > DAY:
                self.find(1, "a wrong time", f"no clock of this run has shown {time}: {text[:200]}")

    def on_logged(self, line: str, *, trouble: bool) -> None:
        """The bot logs a line."""
        if any(secret in line for secret in (*SECRETS, "interaction-token-", PLAYERS_TEXT)):
            self.find(3, "secret logged", line[:300])
        if trouble:
            self.find(5, "bug", line[:1500])

    def _hear(self, ask: Ask, claim: Claim) -> None:
        told, operations = ask.told.setdefault(claim.ref, []), ask.operations.setdefault(claim.ref, set())
        rows = self._rows(
            "SELECT request FROM entries WHERE token = ? AND server_id = ? AND call_id = ?",
            ask.one.token, claim.ref.server_id, claim.ref.call_id,
        )  # fmt: skip
        operations.update(name for (name,) in rows)
        before = [other for other in told if other.is_final]
        told.append(claim)
        if not before:
            self._check(ask, claim)
        elif before[-1].says is not claim.says:
            if operations & self._world.disk.left_open and claim.says in (Says.GONE, Says.UNKNOWN):
                self.exempt["a result that was read, and the disk had not taken as its process ended"] += 1
            else:
                self.find(1, "taken back", f"{ask.one.who} read {before[-1].text!r}, and then {claim.text!r}")

    def _check(self, ask: Ask, claim: Claim) -> None:
        """Compare what is said of a call with what happened at the CAD so far."""
        sent = [one for one in self.requests(ask, claim.ref) if one.left is not None]
        own = self.own(ask, claim.ref)
        who = f"{ask.one.who} reads {claim.text!r}"
        match claim.says:
            case Says.REMOVED | Says.CREATED:
                # Who joins a request reads its result, even if the CAD's answer is just being written down.
                since = 0.0 if own else ask.one.created - JOIN_SECONDS
                yes = [one for one in own or sent if one.said_yes is not None and one.said_yes >= since]
                if not any(claim.number in (None, one.created) for one in yes):
                    self.find(1, f"falsely {claim.says.name.lower()}", f"{who}, and the CAD never said so")
            case Says.REMOVED_BEFORE | Says.GONE_BEFORE:
                self._check_before(claim, sent, who)
            case Says.UNKNOWN | Says.GONE if any(one.said_yes is not None and not one.process.dead for one in own):
                self.find(1, "known, but not told", f"{who}, and the CAD had said yes to this process")
            case Says.GONE:
                since = min([ask.one.created, *(one.left for one in own if one.left is not None)])
                if not self._world.cad.was_closed(claim.ref, since):
                    self.find(1, "falsely gone", f"{who}, and it was open all the time since it was asked")
            case Says.NOT_DONE:
                self._check_not_done(ask, claim, sent, own, who)
            case _:
                pass

    def _check_before(self, claim: Claim, sent: list[CadRequest], who: str) -> None:
        if claim.says is Says.REMOVED_BEFORE:
            true = any(one.said_yes is not None for one in sent)
        else:
            left = [one.left for one in sent if one.left is not None]
            true = bool(left) and self._world.cad.was_closed(claim.ref, min(left))
        if not true:
            self.find(1, f"falsely {claim.says.name.lower().replace('_', ' ')}", f"{who}, and it never was")

    def _check_not_done(self, ask: Ask, claim: Claim, sent: list[CadRequest], own: list[CadRequest], who: str) -> None:
        # The earliest moment at which the bot can have settled on these words. Later requests can't belie them.
        decided = self._decided[ask.one.token, claim.text]
        if "can't write its journal" in claim.text:  # the words come later, one call after another
            decided = min(decided, self._world.disk.refused.get(ask.one.token, decided))
        if "the bot restarted" in claim.text:  # so do they if many replies are left over
            decided = min([decided, *(self._world.disk.ended.get(name, decided) for name in ask.operations[claim.ref])])
        answered = [one.ended for one in own if one.ended is not None]
        if answered and len(answered) == len(own):  # what is said of it was decided then
            decided = min(decided, max(answered))
        before = [one for one in sent if one.left and one.left < decided]
        if any(one.ended is None and not one.process.dead for one in before):
            self.find(1, "not done, while on the wire", f"{who}, and a request for it is on the wire")
        if claim.nothing_sent and not all(one.refused for one in own):
            self.find(1, "falsely not sent", f"{who}, and it was sent")

    def requests(self, ask: Ask, ref: CallRef) -> list[CadRequest]:
        """Return all that was sent to do this to a call, for whomever."""
        return [one for one in self._world.cad.requests if one.ref == ref and one.kind.lower() == ask.action]

    def own(self, ask: Ask, ref: CallRef) -> list[CadRequest]:
        """Return what was sent for what a person asked."""
        return [one for one in self.requests(ask, ref) if one.operations & ask.operations[ref]]

    def _check_pace(self, request: CadRequest) -> None:
        number, now, v1 = request.process.number, self._world.loop.now, self._world.plan.api == "v1"
        asked, held = self._world.cad.held_back.get((number, request.kind), (0.0, 0.0))
        if asked < request.started and now < held:
            self.find(4, "sent while held back", f"{request.kind} {request.ref} left before the time that the CAD gave")
        times = self._left_at.setdefault((number, "" if v1 else request.kind), [])
        times.append(now)
        if v1 and len(times) > 1 and now - times[-2] < V1_CLOSEST:
            self.find(4, "too fast", f"{request.kind} {request.ref} left {now - times[-2]:.2f} s after another request")
        if not v1 and sum(at > now - 60.0 for at in times) > LIMITS[request.kind]:
            self.find(4, "too fast", f"too many requests of {request.kind} left within a minute")
