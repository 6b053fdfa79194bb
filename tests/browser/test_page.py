"""The sandbox's page as a person uses it, in headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "sandbox.png"

pytestmark = pytest.mark.browser

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bot", "sandbox", "--no-browser"]
    chromium = shutil.which("chromium")
    assert chromium, "Debian's package chromium is not installed"
    with (
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as sandbox,
        sync_playwright() as play,
    ):
        assert sandbox.stdout is not None
        address = re.search(r"http://\S+", sandbox.stdout.readline())
        assert address
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 880, "height": 680})
        page.goto(address.group())
        expect(page.get_by_text("Welcome to the sandbox.").first).to_be_visible()
        yield page
        page.get_by_text("More", exact=True).click()
        page.get_by_role("button", name="End preview session").click()
        assert sandbox.wait(10) == 0
        browser.close()


def remove(page: Page, call_id: int, server_id: int) -> None:
    composer = page.get_by_placeholder("Message #dispatch")
    person = page.get_by_label("Viewing as").locator("option:checked").inner_text()
    used = page.locator("#channel-timeline").get_by_text(f"{person} used /remove911")
    before = used.count()
    composer.click()
    page.keyboard.type("/remove911")
    expect(page.get_by_text("Remove a 911 call from the CAD")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The number of the 911 call")).to_be_visible()
    page.keyboard.type(str(call_id))
    page.keyboard.press("Tab")
    expect(page.get_by_text("The number of the CAD server")).to_be_visible()
    page.keyboard.type(str(server_id))
    page.keyboard.press("Enter")
    # Faster than any person, this can meet the page before it has fetched its latest state: then it keeps the
    # draft, and what a person does is to click on Send.
    send = page.get_by_role("button", name="Send")
    for _ in range(10):
        with suppress(AssertionError):
            expect(used.nth(before)).to_be_attached(timeout=2_000)
            expect(composer).to_be_visible()
            return
        if send.is_enabled():
            send.click()
    pytest.fail("the page did not take the command")


def answer(page: Page, text: str) -> None:
    expect(page.get_by_text(text).last).to_be_visible(timeout=40_000)


def take_picture(page: Page) -> None:
    """Make the README's picture anew: REMOVE911_PICTURES=1 pytest -m browser tests/browser."""
    page.locator("#channel-timeline").evaluate("timeline => timeline.scrollTo(0, timeline.scrollHeight)")
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURE)


def test_a_dispatcher_removes_a_call_and_asks_again(page: Page) -> None:
    remove(page, 11, 2)
    answer(page, "The CAD confirmed it.")
    if os.environ.get("REMOVE911_PICTURES"):
        take_picture(page)
    remove(page, 11, 2)
    answer(page, "This bot removed it")
    remove(page, 99, 2)
    answer(page, "It is gone already, or the number or the server is wrong.")


def test_a_slow_answer_and_one_that_never_comes(page: Page) -> None:
    remove(page, 303, 1)
    answer(page, "303 on server 1 was removed.")
    remove(page, 304, 1)
    answer(page, "the CAD did not answer in time")


def apps(page: Page, footer: str) -> None:
    """Answer a post with `apps`, which is how its menu is reached here."""
    post = page.locator("article.channel-message").filter(has_text=footer).first
    post.hover()
    post.get_by_role("button", name="Reply").click()
    composer = page.get_by_placeholder("Message #dispatch")
    composer.click()
    page.keyboard.type("apps")
    page.keyboard.press("Enter")
    send = page.get_by_role("button", name="Send")
    for _ in range(10):
        with suppress(AssertionError):
            expect(composer).to_have_value("", timeout=2_000)
            return
        if send.is_enabled():
            send.click()
    pytest.fail("the page did not take the reply")


def click(page: Page, label: str, then: str) -> None:
    """Click, again where the click met a step of the sandbox's own and was lost."""
    for _ in range(10):
        with suppress(AssertionError):
            button = page.locator("#channel-timeline").get_by_role("button", name=label).last
            expect(button).to_be_enabled(timeout=10_000)  # it is not while the page does something else
            button.click()
            expect(page.get_by_text(then).last).to_be_visible(timeout=4_000)
            return
    pytest.fail(f"{label} did nothing")


def test_a_dispatcher_removes_a_call_from_its_post(page: Page) -> None:
    apps(page, "| 302 | 1")
    answer(page, "Remove call 302 on server 1?")
    click(page, "Remove call", "302 on server 1 was removed.")
    apps(page, "| 301 | 1")
    answer(page, "Remove call 301 on server 1?")
    click(page, "Cancel", "Cancelled. Nothing was sent to the CAD.")
    apps(page, "Welcome to the sandbox.")
    answer(page, "This message is not one of the CAD's posts")
    page.get_by_label("Viewing as").select_option(label="Joe, civilian")
    apps(page, "| 303 | 1")
    answer(page, "You need the role")
