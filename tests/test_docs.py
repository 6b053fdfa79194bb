"""The documents say what the code does."""

from __future__ import annotations

import re
import tomllib

import pytest

from bot import __version__
from bot.app import DRAIN_SECONDS, REPLY_SECONDS
from bot.config.errors import BAD_SETTINGS
from tests.generate_docs import BEGIN, END, ROOT, written


async def test_generated_documents_are_up_to_date() -> None:
    for path, text in (await written()).items():
        assert path.read_text("utf-8") == text, f"run: python -m tests.generate_docs ({path.name} has drifted)"
        assert path.name in (".env.example", "answers.md") or text.count(BEGIN) == text.count(END) == 1


def test_links_between_documents_work() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
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


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_paths_named_for_maintainers_exist(page: str) -> None:
    paths = re.findall(r"`((?:bot|cogs|tests|docs)/[\w./]*)`", (ROOT / page).read_text("utf-8"))
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert paths


def test_tests_named_for_maintainers_exist() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "architecture.md").read_text("utf-8"))
    assert [name for name in named if f"def {name}(" not in code] == []
    assert named


def test_each_part_of_what_the_bot_does_when_names_its_tests_and_quotes_the_code() -> None:
    parts = (ROOT / "docs" / "when-it-fails.md").read_text("utf-8").split("\n## ")[1:]
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py"))
    assert len(parts) > 10
    for part in parts:
        named = re.findall(r"<!-- (\S+)::(\w+) -->", part)
        assert named, part
        for path, test in named:
            assert re.search(rf"^ *(?:async )?def {test}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE), test
        for quoted in re.findall(r"`([^`]+)`", part.replace("\n", " ")):
            if quoted.count(" ") > 2 and "/" not in quoted:  # what the log says
                assert re.split(r" \d+ s|; next try", quoted)[0].removeprefix("Discord: ") in code, quoted


def test_supervisors_allow_the_drain_its_time() -> None:
    needed = DRAIN_SECONDS + REPLY_SECONDS
    unit = (ROOT / "deploy" / "remove911.service").read_text("utf-8")
    assert int(re.findall(r"(?m)^TimeoutStopSec=(\d+)$", unit)[0]) >= needed + 5
    assert re.findall(r"(?m)^RestartPreventExitStatus=(\d+)$", unit) == [str(BAD_SETTINGS)]
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    assert int(re.findall(r"(?m)^ +stop_grace_period: (\d+)s$", compose)[0]) >= needed + 5


def test_image_copies_existing_files_without_env() -> None:
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text("utf-8"))
    names = [name for line in copied for name in line.split()]
    assert all((ROOT / name).exists() for name in names)
    assert not any(name.startswith(".env") for name in names)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[-2:] == ["**/.env", "**/data"]  # last: a later line would let them in again
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert set(packages["wheel"]["packages"]) <= set(names)


@pytest.mark.parametrize("page", ["panel.md", "systemd.md", "container.md", "windows.md"])
def test_every_way_of_hosting_has_the_same_five_steps(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    steps = ["1. Install", "2. Settings", "3. Check", "4. Start", "5. Update"]
    assert re.findall(r"(?m)^## (.*)$", text) == steps
    assert "**The log**" in text
    assert f"]({page})" in (ROOT / "docs" / "running.md").read_text("utf-8")


def test_release_is_described() -> None:
    """The newest heading of the changelog is this version, or what comes after it."""
    headings = re.findall(r"(?m)^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert re.fullmatch(rf"{re.escape(__version__)}, \d{{4}}-\d\d-\d\d", next(h for h in headings if h != "Unreleased"))
