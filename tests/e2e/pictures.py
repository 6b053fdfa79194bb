"""`python -m tests.e2e.pictures` takes the pictures in README.md and docs/ from the sandbox's page."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize

from tests.e2e.person import ROOT, Person, open_page

SIZE: ViewportSize = {"width": 560, "height": 560}
KEY, GLANCE, LOOK, READ = 90, 250, 1_000, 4_000
"""Milliseconds for which a frame is shown: after a key, at new suggestions, at a change, at the answer."""


class Film:
    """Frames of the conversation, without what SimCord puts around it."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._frames: list[Image.Image] = []
        self._durations: list[int] = []

    def take(self, milliseconds: int) -> None:
        picture = Image.open(io.BytesIO(self._person.conversation.screenshot()))
        self._frames.append(picture.convert("RGB").quantize(160, dither=Image.Dither.NONE))
        self._durations.append(milliseconds)

    def types(self, text: str, *, suggests: str = "") -> None:
        """Type a text, as slowly as the suggestion comes."""
        for key in text:
            self._person.page.keyboard.type(key)
            if suggests:
                self._person.page.get_by_role("option").filter(has_text=suggests).wait_for()
            self.take(GLANCE if suggests else KEY)

    def save(self, path: Path) -> None:
        first, *others = self._frames
        first.save(path, save_all=True, append_images=others, duration=self._durations, loop=0, optimize=True)


def film_a_removal(dana: Person, path: Path) -> None:
    film = Film(dana)
    film.take(LOOK)
    dana.composer.focus()
    film.types("/remove911")
    film.take(LOOK)
    dana.types("Enter")
    dana.page.get_by_text("The number of the 911 call").wait_for()
    film.types("truck", suggests="Unknown caller")
    film.take(LOOK)
    dana.types("Enter")
    dana.page.get_by_text("The number of the CAD server").wait_for()
    film.types("2", suggests="2 Blaine County")
    film.take(LOOK)
    dana.types("Enter")
    film.take(LOOK)
    dana.types("Enter")
    dana.last_message.get_by_role("button", name="Re-create call").wait_for()
    dana.page.wait_for_timeout(700)  # the page scrolls to its end
    film.take(READ)
    film.save(path)


def photograph_the_list(dana: Person, path: Path) -> None:
    dana.page.set_viewport_size({"width": 700, "height": 680})
    dana.lists()
    dana.selects("301 · Marcus Bell", "302 · Ana Ortega")
    dana.clicks("Apply", "Remove these 2 calls")
    dana.clicks("Remove 2 calls", "Call 302")
    dana.timeline.get_by_role("button", name=re.compile("Re-create")).first.wait_for()
    dana.page.mouse.move(0, 0)
    dana.page.wait_for_timeout(1_500)  # edits appear with the next refresh
    dana.conversation.screenshot(path=path)


def without_the_welcome(dana: Person) -> None:
    """Delete the sandbox's note, as only the admin may."""
    dana.page.set_viewport_size(SIZE)
    dana.becomes("Ada, admin")
    dana.page.once("dialog", lambda asks: asks.accept())
    dana.last_message.hover()
    dana.last_message.get_by_role("button", name="Delete").click()
    dana.page.get_by_text("Welcome to the sandbox.").last.wait_for(state="hidden")
    dana.becomes("Dana, dispatcher")
    dana.page.mouse.move(0, 0)  # what it hovers over looks different


if __name__ == "__main__":
    for name, take in {"removal.gif": film_a_removal, "list.png": photograph_the_list}.items():
        with tempfile.TemporaryDirectory() as folder, open_page(Path(folder)) as person:
            without_the_welcome(person)
            take(person, ROOT / "docs" / name)
