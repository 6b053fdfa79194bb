"""The sandbox's page as a person uses it, in headless Chromium: one call at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person, at_the_page

pytestmark = pytest.mark.browser


@pytest.fixture
def dana(tmp_path: Path) -> Iterator[Person]:
    with at_the_page(tmp_path) as person:
        yield person


@pytest.fixture
def dana_on_standard(tmp_path: Path) -> Iterator[Person]:
    with at_the_page(tmp_path, "bot", "sandbox", "--no-browser", "--plan", "standard") as person:
        yield person


def test_a_dispatcher_picks_a_call_by_its_callers_name(dana: Person) -> None:
    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.picks("orte", "302 on 1 Los Santos · Ana Ortega")
    dana.picks("los", "1 Los Santos")
    dana.sends("/remove911")
    dana.reads("302 on server 1 was removed.")
    dana.reads("Man with a shotgun, cashier on the floor.")
    dana.takes_a_picture("removed")
    dana.clicks("Re-create call", "units are alerted again")
    dana.takes_a_picture("re-create")
    dana.clicks("Re-create call", "was created again. It is call 305 now.")
    dana.takes_a_picture("re-created")


def test_two_numbers_are_typed_and_then_again(dana: Person) -> None:
    dana.removes(11, 2)
    dana.reads("The CAD confirmed it.")
    dana.removes(11, 2)
    dana.reads("This bot removed it")
    dana.removes(99, 2)
    dana.reads("It is gone already, or the number or the server is wrong.")
    dana.takes_a_picture("not-there")


def test_a_slow_answer_and_one_that_never_comes(dana: Person) -> None:
    dana.removes(303, 1)
    dana.reads("303 on server 1 was removed.")
    dana.removes(304, 1)
    dana.reads("No clear answer came, but the call is not among the server's open calls")
    dana.takes_a_picture("settled-by-the-list")


def test_on_standard_nobody_can_tell_what_became_of_it_and_the_list_says_what_it_needs(
    dana_on_standard: Person,
) -> None:
    dana = dana_on_standard
    dana.lists(1)
    dana.reads("needs the CAD's plan Plus")
    dana.takes_a_picture("list-standard")
    dana.removes(304, 1)
    dana.reads("the CAD did not answer in time")
    dana.takes_a_picture("unknown")


def test_two_calls_are_removed_from_the_list(dana: Person) -> None:
    dana.lists(1)
    dana.reads("Open calls on server 1, by number")
    dana.takes_a_picture("list")
    dana.selects("301 · Marcus Bell", "302 · Ana Ortega")
    dana.takes_a_picture("list-select")
    dana.clicks("Apply", "Remove these 2 calls from server 1?")
    dana.takes_a_picture("list-confirm")
    dana.clicks("Remove 2 calls", "Call 302 on server 1")
    dana.reads("302 on server 1 was removed.")
    expect(dana.answer).to_contain_text("301 on server 1 was removed.")
    expect(dana.timeline).to_contain_text("without what was removed since")
    dana.takes_a_picture("list-removed")


def test_a_stranger_is_suggested_nothing_and_refused(dana: Person) -> None:
    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.picks("orte", "302 on 1 Los Santos · Ana Ortega")  # now the bot knows the calls
    dana.page.keyboard.press("Escape")
    dana.gives_up()
    joe = dana
    joe.becomes("Joe, civilian")
    joe.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    joe.page.keyboard.type("302")
    expect(joe.page.get_by_text("No options match")).to_be_visible()
    expect(joe.page.get_by_role("option").filter(has_text="Ana Ortega")).to_have_count(0)
    joe.takes_a_picture("stranger-picker")
    joe.goes_on_to("The number of the CAD server")
    joe.page.keyboard.type("1")
    joe.sends("/remove911")
    joe.reads("You need the role")
    joe.lists(1)
    expect(joe.timeline.get_by_text("You need the role")).to_have_count(2)
    joe.takes_a_picture("stranger")


def test_a_dispatcher_removes_a_call_from_its_post(dana: Person) -> None:
    dana.opens_the_menu_of("| 302 | 1")
    dana.reads("Remove call 302 on server 1?")
    dana.takes_a_picture("post-confirm")
    dana.clicks("Remove call", "302 on server 1 was removed.")
    dana.opens_the_menu_of("| 301 | 1")
    dana.reads("Remove call 301 on server 1?")
    dana.clicks("Cancel", "Cancelled. Nothing was sent to the CAD.")
    dana.opens_the_menu_of("Welcome to the sandbox.")
    dana.reads("This message is not one of the CAD's posts")
    dana.becomes("Joe, civilian")
    dana.opens_the_menu_of("| 303 | 1")
    dana.reads("You need the role")


def test_an_admin_looks_at_the_history(dana: Person) -> None:
    dana.removes(302, 1)
    dana.reads("302 on server 1 was removed.")
    ada = dana
    ada.becomes("Ada, admin")
    ada.removes(303, 1)
    ada.reads("That goes for administrators too.")
    ada.begins("/cad911 history", "Who asked for what, and how it ended", "+3 options")
    ada.sends("/cad911 history")
    ada.reads("⛔ refused")
    ada.takes_a_picture("history")
