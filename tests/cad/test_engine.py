"""Turns, repeats, the plan, the breaker and the drain: the engine over real HTTP, with clocks that the test holds."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.cad import v1
from bot.cad.client import CadClient
from bot.cad.dialect import Dialect
from bot.cad.line import Line, paced
from bot.cad.model import Account, Answer, CallRef, End, Place, Plan, Why
from bot.cad.worker import Worker
from bot.sandbox.cad import LoopbackCad
from tests.clocks import HandClock, JumpClock, until
from tests.conftest import KEY
from tests.faults import http, read_request, serving
from tests.removing import removed

CALL = CallRef(1, 302)
OK = http("200 OK", b"API ID(s) set!")
LISTED = http("200 OK", b'{"activeCalls": [], "emergencyCalls": [{"callId": 302}, {"callId": 7}], "closedCalls": []}')
ABSENT = http("200 OK", b'{"activeCalls": [], "emergencyCalls": [{"callId": 7}], "closedCalls": []}')
PLUS, STANDARD = http("200 OK", b"3 PLUS"), http("200 OK", b"2 STANDARD")
SILENCE = b""
"""Stands for a connection that is closed without a word: sent, and no usable answer."""


class Script:
    """A CAD that answers each kind of request with what is next on its list, and notes what it was asked.

    It speaks both versions; what is scripted is v1's, and where v2 differs it is put so.
    """

    dialect: Dialect = v1

    def __init__(self, **answers: list[bytes]) -> None:
        self._answers = {kind: list(raws) for kind, raws in answers.items()}
        self.asked: list[str] = []

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, _, body = await read_request(reader)
            kind = str(json.loads(body)["type"]) if body else v2_kind(line)
            self.asked.append(kind)
            raw = self._answers[kind].pop(0)
            if not raw:
                return
            writer.write(raw if body else in_v2(raw, line))
            await writer.drain()

    @asynccontextmanager
    async def client(
        self, clock: JumpClock | HandClock | None = None, line: Line | None = None
    ) -> AsyncIterator[CadClient]:
        async with (
            serving(self.play) as account,
            # At v1's pace in both: v2's own limits have tests of their own.
            CadClient(account, self.dialect, clock=clock or JumpClock(), line=line or Line()) as client,
        ):
            yield client


def v2_kind(line: str) -> str:
    if line.startswith("DELETE "):
        return "REMOVE_911"
    return "GET_CALLS" if "/calls?" in line else "GET_SERVERS" if "/servers " in line else "GET_VERSION"


def in_v2(raw: bytes, line: str) -> bytes:
    if raw == OK:
        *_, server_id, _, _, call_id = line.split()[1].split("/")
        return http("200 OK", f'{{"callId": {call_id}, "serverId": {server_id}}}'.encode())
    plan = re.fullmatch(rb'"?[0-9] ?(FREE|STANDARD|PLUS|SONORAN ONE)"?', raw.split(b"\r\n\r\n")[-1])
    return http("200 OK", b'{"version": 0, "name": "%s"}' % plan[1]) if plan else raw


@pytest.fixture(autouse=True)
def _spoken(dialect: Dialect) -> None:
    Script.dialect = dialect


def busy(*headers: str, status: str = "429 Too Many Requests") -> bytes:
    return http(status, b"", *headers)


@pytest.mark.parametrize(
    ("removals", "calls", "plan", "end", "why", "asked"),
    [
        # Without the list: once more, and the second answer counts where it says what is now.
        pytest.param([SILENCE, OK], [], STANDARD, End.REMOVED, Why.CONFIRMED, "RVR", id="standard: then removed"),
        pytest.param(
            [SILENCE, http("404 Not Found")], [], STANDARD, End.GONE, Why.NO_SUCH_CALL, "RVR", id="standard: then gone"
        ),
        pytest.param([SILENCE, SILENCE], [], STANDARD, End.UNKNOWN, Why.CONNECTION_LOST, "RVR", id="standard: silent"),
        pytest.param(
            [http("500 Oops"), http("400 Bad", b"INVALID API KEY")],
            [], STANDARD, End.UNKNOWN, Why.SERVER_ERROR, "RVR", id="a refusal of the second says nothing of the first",
        ),
        pytest.param(
            [SILENCE, busy("Retry-After: 1")], [], STANDARD, End.UNKNOWN, Why.CONNECTION_LOST, "RVR", id="then busy"
        ),
        pytest.param([SILENCE, OK], [], SILENCE, End.REMOVED, Why.CONFIRMED, "RVR", id="a plan that nobody told"),
        pytest.param(
            [SILENCE, OK], [], http("200 OK", b"PLUS"), End.REMOVED, Why.CONFIRMED, "RVR", id="plan unreadable"
        ),
        # With the list it is asked first.
        pytest.param([SILENCE], [ABSENT], PLUS, End.GONE, Why.NOT_LISTED, "RVC", id="plus: gone"),
        pytest.param([SILENCE, OK], [LISTED], PLUS, End.REMOVED, Why.CONFIRMED, "RVCR", id="plus: still there"),
        pytest.param(
            [SILENCE, SILENCE], [LISTED], PLUS, End.UNKNOWN, Why.CONNECTION_LOST, "RVCR", id="plus: there, then silent"
        ),
        pytest.param([SILENCE, OK], [SILENCE], PLUS, End.REMOVED, Why.CONFIRMED, "RVCR", id="plus: no list came"),
        pytest.param(
            [SILENCE, OK], [http("200 OK", b'{"emergencyCalls": [{"callId": "7"}]}')],
            PLUS, End.REMOVED, Why.CONFIRMED, "RVCR", id="a list that can't be read proves no absence",
        ),
        # A clear answer is never asked twice.
        pytest.param([OK], [], PLUS, End.REMOVED, Why.CONFIRMED, "R", id="removed"),
        pytest.param([http("404 Not Found")], [], PLUS, End.GONE, Why.NO_SUCH_CALL, "R", id="gone"),
        pytest.param([http("418 Teapot")], [], PLUS, End.REJECTED, Why.OTHER_REFUSAL, "R", id="rejected"),
        # Busy: wait, and once more.
        pytest.param([busy("Retry-After: 5"), OK], [], PLUS, End.REMOVED, Why.CONFIRMED, "RR", id="429, then 200"),
        pytest.param([busy(), busy()], [], PLUS, End.NOT_SENT, Why.BUSY, "RR", id="429 twice"),
        pytest.param(
            [busy("Retry-After: 30", status="503 Down"), OK], [], PLUS, End.REMOVED, Why.CONFIRMED, "RR", id="503, 200"
        ),
        pytest.param([busy("Retry-After: 86400")], [], PLUS, End.NOT_SENT, Why.BUSY, "R", id="429 for a day"),
        pytest.param(
            [busy("Retry-After: 5"), SILENCE, OK], [], STANDARD, End.REMOVED, Why.CONFIRMED, "RRVR", id="429, 0, 200"
        ),
    ],
)  # fmt: skip
async def test_repeats(removals: list[bytes], calls: list[bytes], plan: bytes, end: End, why: Why, asked: str) -> None:
    cad = Script(REMOVE_911=removals, GET_CALLS=calls, GET_VERSION=[plan])
    async with cad.client() as client:
        answer = await removed(client, CALL)
    assert (answer.end, answer.why) == (end, why)
    assert "".join({"REMOVE_911": "R", "GET_CALLS": "C", "GET_VERSION": "V"}[kind] for kind in cad.asked) == asked


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        (["Retry-After: 5"], 5),
        (["Retry-After: Mon, 23 Nov 2026 10:00:30 GMT", "Date: Mon, 23 Nov 2026 10:00:00 GMT"], 30),
        ([], 60),
        (["Retry-After: -5"], 60),
        (["Retry-After: inf"], 60),
        (["Retry-After: soon"], 60),
        (["Retry-After: 0"], 1.05),
    ],
)
async def test_how_long_a_busy_cad_is_left_alone(headers: list[str], waits: float) -> None:
    clock = JumpClock()
    async with Script(REMOVE_911=[busy(*headers), OK]).client(clock) as client:
        assert (await removed(client, CALL)).end is End.REMOVED
    assert clock.slept == [waits]


async def test_still_open_is_said_with_the_time_at_which_it_was_seen() -> None:
    cad = Script(REMOVE_911=[SILENCE, SILENCE], GET_CALLS=[LISTED], GET_VERSION=[PLUS])
    async with cad.client() as client:
        assert (await removed(client, CALL)).at is not None


async def test_a_step_that_does_not_fit_into_the_budget_is_not_begun() -> None:
    """The first exchange takes 16 s by the clock: 9 are left, and an exchange may take 10."""
    clock = HandClock()
    asked: list[str] = []

    async def slow(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append((await read_request(reader))[0])
        clock.tick(16)

    async with serving(slow) as account, CadClient(account, Script.dialect, clock=clock, line=Line()) as client:
        answer = await removed(client, CALL)
    assert (answer.end, answer.why) == (End.UNKNOWN, Why.CONNECTION_LOST)
    assert len(asked) == 1


async def test_the_plan_is_found_out_once_and_a_list_is_never_asked_for_without_plus() -> None:
    cad = Script(REMOVE_911=[SILENCE, OK, SILENCE, OK], GET_VERSION=[STANDARD])
    async with cad.client() as client:
        client.find_out_plan()
        await until(lambda: client.plan is not None)
        await removed(client, CALL)
        await removed(client, CallRef(1, 303))
    assert sorted(cad.asked) == ["GET_VERSION"] + ["REMOVE_911"] * 4


async def test_whoever_needs_the_plan_at_the_same_time_asks_once() -> None:
    cad = Script(GET_VERSION=[STANDARD], GET_SERVERS=[http("200 OK", b'{"servers": []}')])
    async with cad.client() as client:
        client.find_out_plan()
        looks = await asyncio.gather(client.servers(), client.calls(1), client.calls(2))
    assert [isinstance(one, Answer) and one.why for one in looks] == [False, Why.PLAN, Why.PLAN]
    assert cad.asked == ["GET_VERSION", "GET_SERVERS"]


async def test_who_waits_for_a_question_that_fails_does_not_ask_it_again() -> None:
    cad = Script(GET_VERSION=[http("500 Oops")])
    async with cad.client() as client:
        looks = await asyncio.gather(client.servers(), client.calls(1))
    assert [isinstance(one, Answer) and one.why for one in looks] == [Why.PLAN_UNKNOWN, Why.PLAN_UNKNOWN]
    assert cad.asked == ["GET_VERSION"]


async def test_a_look_whose_turn_is_too_late_for_a_command_of_two_is_told_at_once() -> None:
    cad = Script(GET_VERSION=[http("429 Busy", b"", "Retry-After: 301")])
    async with cad.client(HandClock(), Line(paced(0))) as client, asyncio.timeout(5):
        assert (await client.recheck()).why is Why.BUSY
        answer = await client.calls(1)
        assert isinstance(answer, Answer)
        assert (answer.end, answer.why) == (End.NOT_SENT, Why.BUSY)
    assert cad.asked == ["GET_VERSION"]


async def test_a_removal_does_not_wait_for_somebody_elses_question_for_the_plan() -> None:
    cad = Script(REMOVE_911=[SILENCE, OK], GET_VERSION=[http("429 Busy", b"", "Retry-After: 200")])
    async with cad.client(HandClock(), Line(paced(0))) as client:
        assert isinstance(await client.calls(1), Answer)
        looking = asyncio.create_task(client.calls(1))
        await until(lambda: client.waiting() == 1)
        async with asyncio.timeout(5):
            assert (await removed(client, CALL)).end is End.REMOVED
        assert not looking.done()
        looking.cancel()
    assert cad.asked == ["GET_VERSION", "REMOVE_911", "REMOVE_911"]


async def test_removals_without_an_answer_ask_for_the_plan_once() -> None:
    cad = Script(REMOVE_911=[SILENCE, SILENCE, OK, OK], GET_VERSION=[STANDARD])
    async with cad.client() as client:
        answers = await asyncio.gather(*(removed(client, CallRef(1, number)) for number in (302, 303)))
    assert [one.end for one in answers] == [End.REMOVED, End.REMOVED]
    assert cad.asked.count("GET_VERSION") == 1


async def test_a_plan_that_can_not_be_read_is_not_asked_for_again() -> None:
    cad = Script(REMOVE_911=[SILENCE, OK, SILENCE, OK], GET_VERSION=[http("200 OK", b"the best there is")])
    async with cad.client() as client:
        for number in (302, 303):
            assert (await removed(client, CallRef(1, number))).end is End.REMOVED
    assert cad.asked.count("GET_VERSION") == 1


async def test_the_pace() -> None:
    clock = JumpClock()
    cad = Script(REMOVE_911=[OK] * 3)
    async with cad.client(clock) as client:
        for number in (1, 2, 3):
            assert (await removed(client, CallRef(1, number))).end is End.REMOVED
    assert clock.slept == [1.05, 1.05]


async def ask_many(client: CadClient, many: int, told: Callable[[int, Place], None]) -> list[asyncio.Task[Answer]]:
    def teller(number: int) -> Callable[[Place], asyncio.Future[None]]:
        def tell(place: Place) -> asyncio.Future[None]:
            told(number, place)
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done

        return tell

    asking = [asyncio.create_task(removed(client, CallRef(1, n), teller(n))) for n in range(1, many + 1)]
    await asyncio.sleep(0.01)
    return asking


async def test_who_waits_longer_than_two_seconds_is_told_the_place_once() -> None:
    clock = HandClock()
    places: list[tuple[int, int]] = []
    cad = Script(REMOVE_911=[OK] * 5)
    async with cad.client(clock) as client:
        asking = await ask_many(client, 5, lambda number, place: places.append((number, place.ahead)))
        await until(lambda: len(places) == 3)
        assert places == [(3, 1), (4, 2), (5, 3)]  # the first went at once
        for number in range(2, 6):
            clock.tick(1.05)
            await until(lambda number=number: len(cad.asked) == number)
        assert {(await one).end for one in asking} == {End.REMOVED}
    assert len(places) == 3


async def test_who_joins_one_that_waits_is_told_the_wait_as_it_is_by_then() -> None:
    """It was 3 s when the first asked, and is a minute since the CAD said that it is still busy."""
    clock = HandClock()
    places: list[Place] = []

    async def told(place: Place) -> None:
        places.append(place)

    cad = Script(REMOVE_911=[busy("Retry-After: 3"), busy("Retry-After: 60"), OK])
    async with cad.client(clock) as client:
        refused = client.begin_removal(CALL)
        waits = client.begin_removal(CallRef(1, 303))
        followers = [asyncio.create_task(client.follow(waits, told))]
        await until(lambda: len(places) == 1)
        clock.tick(3)
        assert (await client.follow(refused)).why is Why.BUSY
        await until(lambda: waits.place is not None and waits.place.at > places[0].at + 50)
        followers.append(asyncio.create_task(client.follow(waits, told)))
        await until(lambda: len(places) == 2)
        clock.tick(60)
        assert [(await one).end for one in followers] == [End.REMOVED, End.REMOVED]
    assert len(places) == 2
    assert places[1].at > places[0].at + 50


async def test_closing_leaves_no_timer_behind() -> None:
    async with Script(REMOVE_911=[OK]).client(HandClock()) as client:
        await ask_many(client, 2, lambda *_: None)
        await until(lambda: any("HandClock.sleep" in repr(task) for task in asyncio.all_tasks()))
    await asyncio.sleep(0)
    assert not any("HandClock.sleep" in repr(task) for task in asyncio.all_tasks())


async def test_a_full_line_sends_away_at_once() -> None:
    clock = HandClock()
    cad = Script(REMOVE_911=[OK])
    async with cad.client(clock, Line(depth=2)) as client:
        asking = await ask_many(client, 4, lambda *_: None)
        await until(lambda: sum(one.done() for one in asking) == 2)
        ended = [one.result() for one in asking if one.done()]
        assert sorted(answer.why.name for answer in ended) == ["CONFIRMED", "LINE_FULL"]


async def test_any_number_can_follow_one_removal() -> None:
    cad = LoopbackCad(seconds={CALL: 0.05})
    async with cad.serving() as account, CadClient(account, Script.dialect) as client:
        removal = client.begin_removal(CALL)
        answers = await asyncio.gather(*(client.follow(removal) for _ in range(30)))
    assert {answer.end for answer in answers} == {End.REMOVED}
    assert len(cad.asked_for("REMOVE_911")) == 1


async def test_whose_turn_moves_past_ten_minutes_is_told_at_once() -> None:
    """Somebody else's 429 for a quarter of an hour reaches all who wait."""
    clock = HandClock()
    cad = Script(REMOVE_911=[busy("Retry-After: 900")])
    async with cad.client(clock) as client:
        asking = await ask_many(client, 3, lambda *_: None)
        answers = [await one for one in asking]
    assert [(answer.end, answer.why) for answer in answers] == [(End.NOT_SENT, Why.BUSY)] * 3
    assert all(answer.at is not None for answer in answers)
    assert len(cad.asked) == 1


async def test_who_waits_when_a_429_comes_is_told_the_place_and_served_in_the_end() -> None:
    clock = HandClock()
    places: list[int] = []
    cad = Script(REMOVE_911=[busy("Retry-After: 60"), OK, OK])
    async with cad.client(clock) as client:
        asking = await ask_many(client, 2, lambda number, _: places.append(number))
        await until(lambda: len(places) == 2)
        clock.tick(60)
        await until(lambda: len(cad.asked) == 2)
        clock.tick(1.05)
        assert [(await one).end for one in asking] == [End.REMOVED, End.REMOVED]
    assert places == [1, 2]


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        (http("400 Bad", b"INVALID REQUEST TYPE"), Why.REQUEST_TYPE),
        (http("400 Bad", b"INVALID COMMUNITY ID"), Why.COMMUNITY_ID),
        (http("400 Bad", b"API IS NOT ENABLED FOR THIS COMMUNITY"), Why.API_OFF),
        (http("400 Bad", b"INVALID API KEY"), Why.API_KEY),
        (http("401 Unauthorized"), Why.API_KEY),
        (http("402 Payment Required"), Why.PLAN),
        (http("403 Forbidden"), Why.FORBIDDEN),
        (http("400 Bad", b"VERSION STANDARD REQUIRED"), Why.PLAN),
        (http("400 Bad", b"REMOVE_911 IS NOT ENABLED FOR THIS COMMUNITY"), Why.ENDPOINT_OFF),
    ],
)
async def test_after_a_refusal_that_only_a_person_can_mend_nothing_is_sent(refusal: bytes, why: Why) -> None:
    clock = HandClock()
    cad = Script(REMOVE_911=[refusal])
    async with cad.client(clock) as client:
        first, *waited = await ask_many(client, 3, lambda *_: None)
        assert ((await first).end, (await first).why) == (End.REJECTED, why)
        later = await removed(client, CallRef(2, 1))
        for answer in [*[await one for one in waited], later]:
            assert (answer.end, answer.why, answer.because) == (End.NOT_SENT, Why.BREAKER, why)
            assert answer.at is not None
    assert cad.asked == ["REMOVE_911"]


async def test_the_breaker_is_closed_by_a_recheck_at_most_once_a_minute() -> None:
    clock = HandClock()
    cad = Script(
        REMOVE_911=[http("400 Bad", b"INVALID API KEY"), OK], GET_VERSION=[http("400 Bad", b"INVALID API KEY"), PLUS]
    )
    async with cad.client(clock) as client:
        await removed(client, CALL)
        clock.tick(2)
        assert (await client.recheck()).why is Why.API_KEY
        clock.tick(2)
        assert (await removed(client, CALL)).why is Why.BREAKER
        soon = await client.recheck()
        assert (soon.end, soon.why) == (End.NOT_SENT, Why.BUSY)
        assert soon.at is not None
        clock.tick(60)
        assert (await client.recheck()).done
        clock.tick(2)
        assert (await removed(client, CALL)).end is End.REMOVED
    assert cad.asked == ["REMOVE_911", "GET_VERSION", "GET_VERSION", "REMOVE_911"]


async def test_a_recheck_waits_its_turn_although_the_breaker_is_open() -> None:
    clock = HandClock()
    cad = Script(REMOVE_911=[http("400 Bad", b"INVALID API KEY")], GET_VERSION=[PLUS])
    async with cad.client(clock) as client:
        await removed(client, CALL)
        checking = asyncio.create_task(client.recheck())
        await until(lambda: client.waiting() == 1)
        assert not checking.done()
        clock.tick(1.05)
        assert (await checking).done


async def test_draining_tells_who_waits_at_once_and_repeats_nothing() -> None:
    released = asyncio.Event()
    arrived: list[str] = []

    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.append((await read_request(reader))[0])
        await released.wait()

    clock = HandClock()
    async with serving(play) as account, CadClient(account, Script.dialect, clock=clock, line=Line()) as client:
        on_the_wire, waits = await ask_many(client, 2, lambda *_: None)
        await until(lambda: len(arrived) == 1)
        draining = asyncio.create_task(client.drain(5))
        answer = await waits
        assert (answer.end, answer.why) == (End.NOT_SENT, Why.CLOSING)
        assert not on_the_wire.done()
        released.set()
        answer = await on_the_wire
        assert (answer.end, answer.why) == (End.UNKNOWN, Why.CONNECTION_LOST)
        await draining
        refused = await client.recheck()
        assert (refused.end, refused.why) == (End.NOT_SENT, Why.CLOSING)
    assert len(arrived) == 1


class SlowDisk:
    """A witness whose notes all wait for the same disk."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.noting = 0

    async def sending(self) -> bool:
        self.noting += 1
        await self.ready.wait()
        return True

    async def ended(self, answer: Answer) -> None:
        pass


async def test_what_a_disk_held_up_does_not_leave_all_at_once() -> None:
    clock, disk = HandClock(), SlowDisk()
    cad = Script(REMOVE_911=[OK] * 3)
    async with cad.client(clock) as client:
        removals = [client.begin_removal(CallRef(1, number), disk) for number in (1, 2, 3)]
        for noting in (1, 2, 3):
            await until(lambda noting=noting: disk.noting == noting)
            clock.tick(1.05)
        disk.ready.set()
        for left in (1, 2):
            await until(lambda left=left: sum(removal.answer is not None for removal in removals) == left)
            assert (len(cad.asked), client.waiting()) == (left, 3 - left)
            clock.tick(1.05)
        assert {(await client.follow(removal)).end for removal in removals} == {End.REMOVED}
    assert disk.noting == 3


async def test_what_a_disk_held_up_and_a_drain_stops_was_not_sent() -> None:
    clock, disk = HandClock(), SlowDisk()
    cad = Script()
    async with cad.client(clock) as client:
        removal = client.begin_removal(CALL, disk)
        await until(lambda: disk.noting == 1)
        clock.tick(1)
        draining = asyncio.create_task(client.drain(5))
        disk.ready.set()
        answer = await client.follow(removal)
        assert (answer.end, answer.why) == (End.NOT_SENT, Why.CLOSING)
        await draining
    assert cad.asked == []


class Stuck:
    """A witness whose disk takes the first note, and no second."""

    def __init__(self) -> None:
        self.noting = asyncio.Event()
        self.told: Answer | None = None

    async def sending(self) -> bool:
        return True

    async def ended(self, answer: Answer) -> None:
        self.told = answer
        self.noting.set()
        await asyncio.Event().wait()


async def test_who_follows_gets_the_answer_though_the_note_of_it_is_cut_short_by_the_drain() -> None:
    async with Script(REMOVE_911=[OK]).client() as client:
        stuck = Stuck()
        follower = asyncio.create_task(client.follow(client.begin_removal(CALL, stuck)))
        await stuck.noting.wait()
        await client.drain(0)
        async with asyncio.timeout(5):
            assert await follower == stuck.told
        assert stuck.told is not None
        assert stuck.told.end is End.REMOVED


async def test_a_bug_in_the_worker_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    async with Script(REMOVE_911=[OK, OK]).client(clock) as client:
        await removed(client, CALL)
        with monkeypatch.context() as broken:
            broken.setattr(Worker, "_heed_the_breaker", lambda _: 1 / 0)  # pyright: ignore[reportUnknownLambdaType]
            answer = await removed(client, CallRef(1, 303))
        assert (answer.end, answer.why) == (End.NOT_SENT, Why.OUR_BUG)
        assert "all who wait are sent away" in caplog.text
        clock.tick(2)
        assert (await removed(client, CallRef(1, 304))).end is End.REMOVED


async def test_the_plan_by_the_first_digits() -> None:
    for text, plan in ((b"3 PLUS", Plan.PLUS), (b'"6 SONORAN ONE"', Plan.SONORAN_ONE), (b"0 FREE", Plan.FREE)):
        cad = Script(GET_VERSION=[http("200 OK", text)])
        async with cad.client() as client:
            assert (await client.recheck()).done
            assert client.plan is plan


def test_the_time_limits_are_those_of_the_design(account: Account) -> None:
    limits = CadClient(account)._wire._timeout
    assert (limits.total, limits.connect) == (10.0, 5.0)


def test_no_client_shows_the_key(account: Account) -> None:
    assert KEY not in repr(vars(CadClient(account)))


@pytest.fixture
async def account() -> Account:
    async with LoopbackCad().serving() as account:
        return account
