"""The sandbox's page as a person uses it, in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.person import Person, open_page

pytestmark = pytest.mark.browser


@pytest.fixture
def dana(tmp_path: Path) -> Iterator[Person]:
    with open_page(tmp_path) as person:
        yield person


@pytest.fixture
def dana_on_standard(tmp_path: Path) -> Iterator[Person]:
    with open_page(tmp_path, "bot", "sandbox", "--no-browser", "--plan", "standard") as person:
        yield person


def test_dispatcher_picks_a_call_by_its_caller_and_recreates_it(dana: Person) -> None:
    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.picks("orte", "302 on 1 Los Santos · Ana Ortega")
    dana.picks("los", "1 Los Santos")
    dana.sends("/remove911")
    dana.reads("Call 302 removed (server 1).")
    dana.reads("Man with a shotgun, cashier on the floor.")
    dana.takes_a_picture("removed")
    dana.clicks("Re-create call", "units are alerted again")
    dana.takes_a_picture("re-create")
    dana.clicks("Re-create call", "Call 302 is back as 305 (server 1).")
    dana.takes_a_picture("re-created")


def test_typed_numbers_remove_a_call_and_repeating_them_says_why_it_is_gone(dana: Person) -> None:
    dana.removes(11, 2)
    dana.reads("Call 11 removed (server 2).")
    dana.removes(11, 2)
    dana.reads("Call 11 was already removed (server 2), by @Dana, dispatcher")
    dana.removes(99, 2)
    dana.reads("No call 99 on server 2: it is gone, or a number is wrong.")
    dana.takes_a_picture("not-there")


def test_keys_that_come_faster_than_any_suggestion_remove_a_call(dana: Person) -> None:
    dana.page.clock.install()
    dana.page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))  # from there, no time passes between the keys
    dana.composer.focus()
    dana.types("/remove911", "Enter", "302", "Tab", "1", "Enter")
    dana.page.clock.resume()
    dana.reads("Call 302 removed (server 1).")


def test_command_that_is_typed_right_after_another_one_is_not_lost(dana: Person) -> None:
    dana.composer.focus()
    dana.types("/remove911", "Enter", "302", "Tab", "1", "Enter")
    expect(dana.composer).to_be_focused()
    dana.types("/remove911", "Enter", "11", "Tab", "2", "Enter")
    dana.reads("Call 302 removed (server 1).")
    dana.reads("Call 11 removed (server 2).")
    expect(dana.composer).to_be_focused()
    dana.clicks("Re-create call", "units are alerted again")
    dana.types("/remove911")
    expect(dana.composer).to_have_value("/remove911")


def test_steps_of_the_welcome_text_work_in_order(dana: Person) -> None:
    dana.composer.focus()
    dana.types("/remove911", "Enter", "302", "Tab", "1", "Enter", "Enter")
    dana.reads("Call 302 removed (server 1).")
    dana.types("/remove911", "Enter")
    dana.picks("rosa", "11 on 2 Blaine County · Rosa Maria")
    dana.types("2", "Enter", "Enter")
    dana.reads("Call 11 removed (server 2).")
    dana.types("/calls911", "Enter", "Enter")
    dana.reads("Open calls on 1 Los Santos (as of")


def test_empty_field_shows_the_open_calls_and_then_the_servers(dana: Person) -> None:
    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.picks("", "302 on 1 Los Santos · Ana Ortega")
    dana.picks("", "2 Blaine County")
    dana.gives_up()
    dana.begins("/calls911", "List the open 911 calls, and remove some", "+1 options")
    dana.page.keyboard.press("ArrowDown")
    dana.picks("", "server_id")
    dana.picks("", "2 Blaine County")


def test_wrong_value_is_pointed_out_and_what_is_given_up_is_gone(dana: Person) -> None:
    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.types("abc", "Tab")
    expect(dana.page.get_by_text("Enter a valid value.")).to_be_in_viewport(ratio=1)
    dana.gives_up()
    expect(dana.composer).to_have_value("")


def test_space_after_a_commands_name_chooses_it(dana: Person) -> None:
    dana.composer.focus()
    dana.types("/remove911 302", "Tab", "1", "Enter")
    dana.reads("Call 302 removed (server 1).")
    dana.types("/calls911 ", "Enter")
    dana.reads("Open calls on 1 Los Santos (as of")


def test_keyboard_alone_takes_suggestions_and_sends(dana: Person) -> None:
    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.picks("ana", "302 on 1 Los Santos · Ana Ortega")
    dana.picks("1", "1 Los Santos")
    dana.types("Enter")
    dana.reads("Call 302 removed (server 1).")


def test_command_that_is_sent_while_suggestions_are_fetched_is_not_lost(dana: Person) -> None:
    held: list[Route] = []

    def hold_suggestions(route: Route) -> None:
        if not held and "autocomplete_command" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    dana.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
    dana.types("302", "Tab")
    dana.page.route("**/api/action", hold_suggestions)
    with dana.page.expect_request("**/api/action"):
        dana.types("1")
    dana.types("Enter")
    expect(dana.composer).to_be_focused()
    held[0].continue_()
    dana.reads("Call 302 removed (server 1).")
    dana.page.unroute("**/api/action")  # else the page's last request waits for this test, which waits for the page


def test_page_stays_at_its_end_while_answers_grow(dana: Person) -> None:
    dana.removes(302, 1)
    dana.reads("Man with a shotgun, cashier on the floor.")
    expect(dana.last_message.get_by_role("button", name="Re-create call")).to_be_in_viewport()


def test_what_an_own_action_brings_is_in_view(dana: Person) -> None:
    dana.removes(302, 1)
    dana.reads("Call 302 removed (server 1).")
    dana.page.reload()
    dana.page.wait_for_function("() => simcordPreview.ready")
    expect(dana.last_message).to_be_in_viewport(ratio=1)
    dana.opens_the_menu_of("| 303 | 1")
    dana.reads("Remove call 303 (server 1)?")
    expect(dana.last_message.get_by_role("button", name="Cancel")).to_be_in_viewport()


def test_what_was_removed_is_reported_in_the_audit_channel(dana: Person) -> None:
    dana.removes(302, 1)
    dana.reads("Call 302 removed (server 1).")
    dana.becomes("#audit channel")
    dana.reads("@Dana, dispatcher used /remove911")
    expect(dana.page.get_by_placeholder("Message #audit")).to_be_hidden()
    dana.takes_a_picture("audit")


def test_slow_removal_succeeds_and_a_silent_one_is_found_by_the_list(dana: Person) -> None:
    dana.removes(303, 1)
    dana.reads("Call 303 removed (server 1).")
    dana.removes(304, 1)
    dana.reads("The CAD didn't confirm it, but it is off the open list.")
    dana.takes_a_picture("settled-by-the-list")


def test_on_standard_a_silent_removal_is_unknown_and_the_list_needs_plus(dana_on_standard: Person) -> None:
    dana = dana_on_standard
    dana.removes(304, 1)
    dana.reads("no answer from the CAD. Check the CAD")
    dana.takes_a_picture("unknown")
    dana.lists()
    dana.reads("This list needs Sonoran Plus.")
    dana.takes_a_picture("list-standard")


def test_dispatcher_removes_two_calls_from_the_list(dana: Person) -> None:
    dana.lists()
    dana.reads("Open calls on 1 Los Santos (as of")
    dana.takes_a_picture("list")
    dana.timeline.get_by_role("combobox").last.click()
    last = dana.timeline.get_by_role("option").last
    last.hover()
    before = last.bounding_box()
    last.click()
    expect(last).to_have_attribute("aria-selected", "true")
    after = last.bounding_box()
    assert before
    assert after
    assert abs(after["y"] - before["y"]) < after["height"] / 4, "the next click would meet another row"
    dana.timeline.get_by_role("button", name="Cancel").click()
    dana.selects("301 · Marcus Bell", "302 · Ana Ortega")
    dana.takes_a_picture("list-select")
    dana.clicks("Apply", "Remove these 2 calls")
    dana.takes_a_picture("list-confirm")
    dana.clicks("Remove 2 calls", "Call 302")
    dana.reads("Call 302 removed (server 1).")
    expect(dana.last_message).to_contain_text("Call 301 removed (server 1).")
    expect(dana.timeline.get_by_role("option").filter(has_text="Marcus Bell")).to_have_count(0)
    dana.takes_a_picture("list-removed")


def test_civilian_gets_no_suggestions_and_is_refused(dana: Person) -> None:
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
    joe.takes_a_picture("civilian-picker")
    joe.goes_on_to("The number of the CAD server")
    joe.page.keyboard.type("1")
    joe.sends("/remove911")
    joe.reads("Only Dispatcher can do this.")
    joe.lists()
    expect(joe.timeline.get_by_text("Only Dispatcher can do this.")).to_have_count(2)
    joe.takes_a_picture("civilian")


def test_dispatcher_removes_a_call_from_its_post(dana: Person) -> None:
    dana.opens_the_menu_of("| 302 | 1")
    dana.reads("Remove call 302 (server 1)?")
    dana.takes_a_picture("post-confirm")
    dana.clicks("Remove call", "Call 302 removed (server 1).")
    dana.opens_the_menu_of("| 301 | 1")
    dana.reads("Remove call 301 (server 1)?")
    dana.clicks("Cancel", "Cancelled. Nothing was changed.")
    dana.opens_the_menu_of("Welcome to the sandbox.")
    dana.reads("This isn't one of the CAD's posts.")
    dana.becomes("Joe, civilian")
    dana.opens_the_menu_of("| 303 | 1")
    dana.reads("Only Dispatcher can do this.")


def test_admin_reads_the_history(dana: Person) -> None:
    dana.removes(302, 1)
    dana.reads("Call 302 removed (server 1).")
    ada = dana
    ada.becomes("Ada, admin")
    ada.removes(303, 1)
    ada.reads("Being an admin isn't enough; give yourself the role.")
    ada.begins("/cad911 history", "Who asked for what, and how it ended", "+4 options")
    ada.sends("/cad911 history")
    ada.reads("was refused /remove911 for 303 (server 1): no permission")
    ada.takes_a_picture("history")
