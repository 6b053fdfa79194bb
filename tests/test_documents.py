"""The documents say what the code does."""

from __future__ import annotations

import re
import tomllib

from bot.app import DRAIN, LAST_WORDS
from bot.errors import BAD_SETTINGS
from tests.documents import BEGIN, END, ROOT, written


async def test_what_is_written_from_the_code_is_up_to_date() -> None:
    for path, text in (await written()).items():
        assert path.read_text("utf-8") == text, f"run: python -m tests.documents ({path.name} has drifted)"
        assert path.name == ".env.example" or text.count(BEGIN) == text.count(END) == 1


def test_every_link_between_the_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    headings = {
        page: {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
               for line in page.read_text("utf-8").splitlines() if line.startswith("#")}
        for page in pages
    }  # fmt: skip
    seen = 0
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text("utf-8")):
            name, _, heading = target.partition("#")
            there = page.parent / name if name else page
            assert there.exists(), f"{page.name}: {target}"
            assert not heading or heading in headings[there.resolve()], f"{page.name}: {target}"
            seen += 1
    assert seen > 10


def test_whoever_stops_the_bot_gives_it_the_time_that_it_needs() -> None:
    needed = DRAIN + LAST_WORDS
    unit = (ROOT / "deploy" / "remove911.service").read_text("utf-8")
    assert int(re.findall(r"(?m)^TimeoutStopSec=(\d+)$", unit)[0]) >= needed + 5
    assert re.findall(r"(?m)^RestartPreventExitStatus=(\d+)$", unit) == [str(BAD_SETTINGS)]
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    assert int(re.findall(r"(?m)^ +stop_grace_period: (\d+)s$", compose)[0]) >= needed + 5


def test_the_image_copies_only_what_is_there() -> None:
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text("utf-8"))
    names = [name for line in copied for name in line.split()]
    assert all((ROOT / name).exists() for name in names)
    assert not any(name.startswith(".env") for name in names)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert set(packages["wheel"]["packages"]) <= set(names)
