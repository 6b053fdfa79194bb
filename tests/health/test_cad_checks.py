"""What status says of requests that are not sent any more."""

from __future__ import annotations

import pytest
from yarl import URL

from bot.cad.models import Account, Server, ServerList
from bot.cad.requests import RequestKind
from bot.cad.results import Outcome, Reason, Result
from bot.config.settings import Settings
from bot.health.cad_checks import check_sending, check_servers
from bot.health.finding import Finding, Severity
from tests.support.settings import GOOD, KEY, TOKEN

SETTINGS = Settings.from_mapping(GOOD)


def held(because: Reason) -> Result:
    return Result(Outcome.NOT_SENT, Reason.BREAKER, status=400, breaker_reason=because, opened_at=1000.0)


@pytest.mark.parametrize(
    ("kinds", "why", "stopped", "remedy"),
    [
        pytest.param(tuple(RequestKind), Reason.API_OFF, "for everything, ", "Switch it on: ", id="everything"),
        pytest.param(
            (RequestKind.REMOVE,), Reason.ENDPOINT_OFF, "for removals, ", "Switch it on: ", id="removals alone"
        ),
        pytest.param(
            (RequestKind.CALLS, RequestKind.SERVERS),
            Reason.PLAN,
            "for lists of calls, lists of servers, ",
            "It needs Standard",
            id="two",
        ),
    ],
)
def test_open_breaker_is_reported_with_cause_and_remedy(
    kinds: tuple[RequestKind, ...], why: Reason, stopped: str, remedy: str
) -> None:
    (found,) = check_sending({kind: held(why) for kind in kinds}, {})
    assert found.severity is Severity.FAIL
    assert found.state.startswith(f"stopped <t:1000:R> {stopped}")
    assert found.state.endswith("(HTTP 400)")
    assert found.remedy.startswith(remedy)
    assert found.remedy.endswith("Then use this command again: if the CAD answers, the bot goes on")


def test_closed_breaker_reports_that_requests_go_out() -> None:
    assert check_sending({}, {}) == [Finding("requests", "OK")]


@pytest.mark.parametrize(
    ("waiting", "severity", "until"),
    [
        ({RequestKind.REMOVE: 900.2}, Severity.FAIL, "removals <t:900:R>"),
        (
            {RequestKind.CALLS: 60.0, RequestKind.VERSION: 900.0},
            Severity.WARN,
            "lists of calls <t:60:R>, look-ups of the plan <t:900:R>",
        ),
    ],
)
def test_kind_that_waits_for_a_busy_cad_is_reported_with_its_time(
    waiting: dict[RequestKind, float], severity: Severity, until: str
) -> None:
    (found,) = check_sending({}, waiting)
    assert found.severity is severity
    assert found.state == f"the CAD is busy, so these wait. Next: {until}"


def test_kind_that_is_stopped_is_not_said_to_go_on_by_itself() -> None:
    stopped, waits = check_sending(
        {RequestKind.REMOVE: held(Reason.API_OFF)}, {RequestKind.REMOVE: 900.0, RequestKind.CREATE: 60.0}
    )
    assert stopped.state.startswith("stopped <t:1000:R> for removals, ")
    assert waits.state.endswith("Next: re-creations <t:60:R>")


OF_CALLS_ALONE = {
    Reason.CONFIRMED, Reason.NO_SUCH_CALL, Reason.NOT_LISTED, Reason.REMOVED_BEFORE, Reason.UNCONFIRMED_BEFORE,
    Reason.NO_SUCH_SERVER, Reason.EXPIRED, Reason.JOURNAL, Reason.UNCLEAR, Reason.STOPPED, Reason.RESTARTED,
}  # fmt: skip
"""Reasons that a look-up of the plan or of the servers never ends with."""
SENT_WITHOUT_A_CLEAR_NO = {
    Reason.BUSY, Reason.NO_ANSWER, Reason.CONNECTION_LOST, Reason.LINE_FULL, Reason.PLAN_UNKNOWN, Reason.CLOSING,
    Reason.OUR_BUG,
}  # fmt: skip


@pytest.mark.parametrize("why", [why for why in Reason if why not in {*OF_CALLS_ALONE, Reason.BREAKER}])
def test_every_reason_has_a_cause_of_its_own_and_what_is_not_known_is_no_failure(why: Reason) -> None:
    (found,) = check_servers(SETTINGS, Result(Outcome.UNKNOWN, why))
    assert found.severity is (Severity.UNKNOWN if why in SENT_WITHOUT_A_CLEAR_NO else Severity.FAIL)
    assert ("answer could not be used" in found.state) == (why is Reason.UNREADABLE)
    assert ("a bug in this bot" in found.state) == (why is Reason.OUR_BUG)
    assert found.remedy


@pytest.mark.parametrize(
    ("default", "listed", "state"),
    [
        pytest.param(1, (Server(1, "A"),), "1, so dispatchers may leave it out", id="read"),
        pytest.param(2, (Server(1, "A"),), "2 is not among the servers that could be read", id="not read"),
        pytest.param(2, (), "2 is not among the servers that could be read", id="none read"),
    ],
)
def test_list_of_servers_that_could_not_all_be_read_calls_no_server_missing(
    default: int, listed: tuple[Server, ...], state: str
) -> None:
    account = Account(URL("http://127.0.0.1"), "ours", KEY)
    settings = Settings(discord_token=TOKEN, account=account, dispatcher_role_ids=(1,), default_server_id=default)
    servers, one = check_servers(settings, ServerList(listed, complete=False))
    assert servers.severity is Severity.WARN
    assert servers.state == ("1 A" if listed else "none") + ": not all of them could be read"
    assert one.subject == "default server"
    assert one.state == state
    assert one.severity is not Severity.FAIL
