"""A person at the sandbox's page. Everything is done once: nothing that they do is lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
SLOW = 40_000
"""Milliseconds to wait for a reply: a timeout of the CAD takes 10 s, and the machine may be slow."""

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Person:
    """Acts on the page, as Dana the dispatcher until `becomes` says otherwise."""

    page: Page

    def becomes(self, name: str) -> None:
        """Act as somebody else, and wait until the page has emptied and filled again: that drops what was typed."""
        (viewer,) = self.page.get_by_label("Viewing as").select_option(label=name)
        self.page.wait_for_function("viewer => simcordPreview.ready && simcordPreview.viewerId === viewer", arg=viewer)

    def removes(self, call_id: int, server_id: int) -> None:
        """Type both numbers by hand."""
        self.begins("/remove911", "Remove a 911 call from the CAD", "The number of the 911 call")
        self.page.keyboard.type(str(call_id))
        self.goes_on_to("The number of the CAD server")
        self.page.keyboard.type(str(server_id))
        self.sends("/remove911")

    def types(self, *keys: str) -> None:
        """Type words, and press the keys in between, without looking at the page."""
        for key in keys:
            if key in {"Enter", "Tab"}:
                self.page.keyboard.press(key)
            else:
                self.page.keyboard.type(key)

    def lists(self) -> None:
        """List the calls of all servers."""
        self.begins("/calls911", "List the open 911 calls, and remove some", "+1 options")
        self.sends("/calls911")

    def gives_up(self) -> None:
        """Leave a command before sending it."""
        self.page.get_by_role("button", name="Exit command mode").click()
        expect(self.composer).to_be_visible()

    def begins(self, command: str, about: str, first_option: str) -> None:
        """Choose a command, up to its first option."""
        self.composer.fill(command)
        expect(self.page.get_by_role("option").filter(has_text=about)).to_be_visible()
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_text(first_option)).to_be_visible()

    def goes_on_to(self, option: str) -> None:
        self.page.keyboard.press("Tab")
        expect(self.page.get_by_text(option)).to_be_visible()

    def picks(self, typed: str, suggestion: str) -> None:
        """Type a part, and choose the suggestion by keyboard."""
        self.page.keyboard.type(typed)
        expect(self.page.get_by_role("option").filter(has_text=suggestion)).to_be_visible()
        self.page.keyboard.press("Enter")

    def sends(self, command: str) -> None:
        """Send the command, and wait until the page has accepted it."""
        person = self.page.get_by_label("Viewing as").locator("option:checked").inner_text()
        used = self.timeline.get_by_text(f"{person} used {command.split(maxsplit=1)[0]}", exact=True)
        before = used.count()
        self.send.click()
        expect(used.nth(before)).to_be_attached()
        expect(self.composer).to_be_visible()

    def opens_the_menu_of(self, post: str) -> None:
        """Reply `apps` to a post, which opens its menu here."""
        article = self.page.locator("article.channel-message").filter(has_text=post).first
        article.hover()
        article.get_by_role("button", name="Reply").click()
        self.composer.click()
        self.page.keyboard.type("apps")
        self.send.click()
        expect(self.composer).to_have_value("")

    def selects(self, *options: str) -> None:
        """Select these options in the last list."""
        self.timeline.get_by_role("combobox").last.click()
        for option in options:
            self.timeline.get_by_role("option").filter(has_text=option).last.click()

    def clicks(self, label: str, then: str) -> None:
        self.timeline.get_by_role("button", name=label, exact=True).last.click()
        expect(self.page.get_by_text(then).last).to_be_visible()

    def reads(self, text: str) -> None:
        expect(self.page.get_by_text(text).last).to_be_visible(timeout=SLOW)

    @property
    def last_message(self) -> Locator:
        return self.page.locator("article.channel-message").last

    @property
    def timeline(self) -> Locator:
        return self.page.locator("#channel-timeline")

    @property
    def conversation(self) -> Locator:
        return self.page.get_by_role("region", name="Conversation")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_placeholder("Message #dispatch")

    @property
    def send(self) -> Locator:
        return self.page.get_by_role("button", name="Send")

    def takes_a_picture(self, name: str) -> None:
        """Save a screenshot of the page's end if REMOVE911_PICTURES names a folder."""
        folder = os.environ.get("REMOVE911_PICTURES")
        if not folder:
            return
        self.page.wait_for_timeout(1_500)  # edits appear with the next refresh
        self.page.mouse.move(0, 0)  # what it hovers over looks different
        self.page.screenshot(path=Path(folder, f"{name}.png"))


@contextmanager
def open_page(folder: Path, *arguments: str) -> Iterator[Person]:
    """Start the sandbox in a folder, open its page, and end both afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *(arguments or ("bot", "sandbox", "--no-browser"))]
    chromium = shutil.which("chromium")
    assert chromium, "Debian's package chromium is not installed"
    with (
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as sandbox,
        sync_playwright() as playwright,
    ):
        assert sandbox.stdout is not None
        try:
            addresses = (re.search(r"http://\S+", line) for line in sandbox.stdout)
            address = next(filter(None, addresses), None)
            assert address
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 880, "height": 680})
            page.set_default_timeout(20_000)
            page.goto(address.group())
            expect(page.get_by_text("Welcome to the sandbox.").first).to_be_visible(timeout=20_000)
            page.wait_for_function("() => simcordPreview.ready")
            yield Person(page)
            page.get_by_text("More", exact=True).click()
            page.get_by_role("button", name="End preview session").click()
            assert sandbox.wait(30) == 0
            browser.close()
        finally:
            sandbox.terminate()


expect.set_options(timeout=10_000)
