"""Somebody at the sandbox's page: what a person does there, again where the page says that it was lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
TRIES = 10
"""How often a person does again what met a step of the sandbox's own and was lost."""
SLOW = 40_000
"""Milliseconds that an answer may take: the CAD is silent for 10 s at a time, and the machine may be slow."""

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Person:
    """Acts on the page, as Dana the dispatcher until `becomes` says otherwise."""

    page: Page

    def becomes(self, name: str) -> None:
        self.page.get_by_label("Viewing as").select_option(label=name)
        expect(self.composer).to_be_enabled()

    def removes(self, call_id: int, server_id: int) -> None:
        """Type both numbers by hand."""
        self.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
        self.page.keyboard.type(str(call_id))
        self.goes_on_to("The number of the CAD server")
        self.page.keyboard.type(str(server_id))
        self.sends("/remove911")

    def lists(self, server_id: int) -> None:
        """Ask for the list of a server's calls."""
        self.begins("/calls911", "List the open 911 calls, and remove some", "The number of the CAD server")
        self.page.keyboard.type(str(server_id))
        self.sends("/calls911")

    def gives_up(self) -> None:
        """Leave a command that was begun."""
        self.page.get_by_role("button", name="Exit command mode").click()
        expect(self.composer).to_be_visible()

    def begins(self, command: str, about: str, first_option: str) -> None:
        """Choose a command, up to its first option; again where the page was drawn anew meanwhile."""
        leave = self.page.get_by_role("button", name="Exit command mode")
        for _ in range(TRIES):
            if leave.is_visible():
                leave.click()
            with suppress(AssertionError):
                self.composer.fill(command)
                expect(self.page.get_by_role("option").filter(has_text=about)).to_be_visible(timeout=4_000)
                self.page.keyboard.press("Enter")
                expect(self.page.get_by_text(first_option)).to_be_visible(timeout=4_000)
                return
        pytest.fail(f"the page did not offer {command}")

    def goes_on_to(self, option: str) -> None:
        self.page.keyboard.press("Tab")
        expect(self.page.get_by_text(option)).to_be_visible()

    def picks(self, typed: str, suggestion: str) -> None:
        """Type a part, and take what is suggested by the keyboard."""
        option = self.page.get_by_role("option").filter(has_text=suggestion)
        self.page.keyboard.type(typed)
        for _ in range(TRIES):
            with suppress(AssertionError):
                expect(option).to_be_visible(timeout=4_000)
                self.page.keyboard.press("Enter")
                return
            self.page.keyboard.press("Backspace")
            self.page.keyboard.type(typed[-1])
        pytest.fail(f"{suggestion!r} was not suggested for {typed!r}")

    def sends(self, command: str) -> None:
        """Run the command, and wait until the page has taken it."""
        person = self.page.get_by_label("Viewing as").locator("option:checked").inner_text()
        used = self.timeline.get_by_text(f"{person} used {command.split(maxsplit=1)[0]}", exact=True)
        before = used.count()
        self._until_taken(lambda: expect(used.nth(before)).to_be_attached(timeout=3_000), "command")
        expect(self.composer).to_be_visible()

    def opens_the_menu_of(self, post: str) -> None:
        """Answer a post with `apps`, which is how its menu is reached here."""
        article = self.page.locator("article.channel-message").filter(has_text=post).first
        article.hover()
        article.get_by_role("button", name="Reply").click()
        self.composer.click()
        self.page.keyboard.type("apps")
        self._until_taken(lambda: expect(self.composer).to_have_value("", timeout=3_000), "reply")

    def selects(self, *options: str) -> None:
        """Select these in the last list, and apply that."""
        self.timeline.get_by_role("combobox").last.click()
        for option in options:
            self.timeline.get_by_role("option").filter(has_text=option).last.click()

    def clicks(self, label: str, then: str) -> None:
        for _ in range(TRIES):
            with suppress(AssertionError):
                button = self.timeline.get_by_role("button", name=label, exact=True).last
                expect(button).to_be_enabled(timeout=10_000)  # it is not while the page does something else
                button.click()
                expect(self.page.get_by_text(then).last).to_be_visible(timeout=4_000)
                return
        pytest.fail(f"{label} did nothing")

    def reads(self, text: str) -> None:
        expect(self.page.get_by_text(text).last).to_be_visible(timeout=SLOW)

    @property
    def answer(self) -> Locator:
        """What stands last in the room."""
        return self.page.locator("article.channel-message").last

    @property
    def timeline(self) -> Locator:
        return self.page.locator("#channel-timeline")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_placeholder("Message #dispatch")

    def takes_a_picture(self, name: str) -> None:
        """Make a picture of the page's end, where REMOVE911_PICTURES names a folder."""
        folder = os.environ.get("REMOVE911_PICTURES")
        if not folder:
            return
        self.timeline.evaluate("timeline => timeline.scrollTo(0, timeline.scrollHeight)")
        self.page.wait_for_timeout(1_500)  # what was edited comes with the next refresh
        self.page.mouse.move(0, 0)  # what it stands on looks different
        self.timeline.evaluate("timeline => timeline.scrollTo(0, timeline.scrollHeight)")
        self.page.screenshot(path=Path(folder, f"{name}.png"))

    def _until_taken(self, taken: Callable[[], None], what: str) -> None:
        # Faster than any person, this can meet the page before it has fetched its latest state: then it keeps the
        # draft, and what a person does is to click on Send.
        send = self.page.get_by_role("button", name="Send")
        for _ in range(TRIES):
            if send.is_enabled():
                send.click()
            with suppress(AssertionError):
                taken()
                return
        pytest.fail(f"the page did not take the {what}")


@contextmanager
def at_the_page(folder: Path, *arguments: str) -> Iterator[Person]:
    """Start the sandbox in a folder of its own, open its page, and end both."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *(arguments or ("bot", "sandbox", "--no-browser"))]
    chromium = shutil.which("chromium")
    assert chromium, "Debian's package chromium is not installed"
    with (
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as sandbox,
        sync_playwright() as play,
    ):
        assert sandbox.stdout is not None
        try:
            address = re.search(r"http://\S+", sandbox.stdout.readline())
            assert address
            browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 880, "height": 680})
            page.set_default_timeout(20_000)
            page.goto(address.group())
            expect(page.get_by_text("Welcome to the sandbox.").first).to_be_visible(timeout=20_000)
            yield Person(page)
            page.get_by_text("More", exact=True).click()
            page.get_by_role("button", name="End preview session").click()
            assert sandbox.wait(10) == 0
            browser.close()
        finally:
            sandbox.terminate()


expect.set_options(timeout=10_000)
