"""What a person does on the page is neither refused nor lost, over the page's own HTTP interface."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.sandbox.live_preview import SERVED_CHANGES, LivePreview
from bot.sandbox.simulation import Simulation
from tests.support.clocks import until
from tests.support.simulation import OpenSimulation, remove


class Browser:
    """Speaks as the page's JavaScript does."""

    def __init__(self, http: aiohttp.ClientSession, preview: LivePreview) -> None:
        address = urlsplit(preview.url)
        self._http, self._origin = http, f"http://{address.netloc}"
        self._headers = {"X-Simcord-Capability": address.fragment}

    async def opens(self) -> dict[str, Any]:
        """Open a page; return what it shows."""
        shown = await self._request("POST", "/api/pages", {})
        self._headers["X-Simcord-Context"] = shown["context"]["id"]
        return shown

    async def polls(self) -> dict[str, Any]:
        return await self._request("GET", "/api/state")

    async def file(self, path: str) -> str:
        async with self._http.get(self._origin + path) as response:
            return await response.text()

    async def says(self, text: str, shown: dict[str, Any], sequence: int = 1) -> dict[str, Any]:
        """Send a message from a page that shows this; return the receipt."""
        message = {"kind": "send_message", "content": text, "target_id": None, "reply_to_id": None}
        return await self._acts(message, shown, sequence)

    async def becomes(self, viewer_id: int, shown: dict[str, Any]) -> dict[str, Any]:
        """Choose another viewer; return what the page shows then."""
        await self._acts({"kind": "viewer", "viewer_id": str(viewer_id)}, shown, 1)
        return await self.polls()

    async def _acts(self, action: dict[str, Any], shown: dict[str, Any], sequence: int) -> dict[str, Any]:
        envelope = {
            "protocol_version": 3, "sequence": sequence, "request_id": f"r{sequence}",
            "generation": shown["context"]["generation"], "bot_generation": shown["botGeneration"],
            "published_revision": shown["publishedRevision"],
        }  # fmt: skip
        return await self._request("POST", "/api/action", envelope | action)

    async def _request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        async with self._http.request(method, self._origin + path, json=body, headers=self._headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()


def last_text(simulation: Simulation) -> str:
    return simulation.room.history()[-1].content


async def test_action_of_a_page_that_has_not_polled_since_a_refresh_is_accepted(
    make_simulation: OpenSimulation,
) -> None:
    simulation = await make_simulation()
    async with LivePreview(simulation) as preview, aiohttp.ClientSession() as http:
        dana = Browser(http, preview)
        shown = await dana.opens()
        await preview.refresh()
        receipt = await dana.says("hello", shown)
    assert (receipt["rejected"], receipt["settlement"]) == (False, "settled")
    assert last_text(simulation) == "hello"


async def test_action_that_meets_another_one_waits_for_its_turn(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation()
    async with LivePreview(simulation) as preview, aiohttp.ClientSession() as http:
        dana = Browser(http, preview)
        shown = await dana.opens()
        async with preview.turn:
            said = asyncio.create_task(dana.says("hello", shown))
            await until(lambda: bool(preview.turn._waiters))
            await preview.refresh()
        assert (await said)["settlement"] == "settled"
    assert last_text(simulation) == "hello"


async def test_page_measures_relative_times_from_when_it_was_published(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation()
    async with LivePreview(simulation) as preview, aiohttp.ClientSession() as http:
        dana = Browser(http, preview)
        shown = await dana.opens()
        before = datetime.now(UTC)
        await dana.says("hello", shown)
        shown = await dana.polls()
    assert before <= datetime.fromisoformat(shown["profile"]["presentationTime"]) <= datetime.now(UTC)


async def test_audit_view_shows_the_audit_channel_and_accepts_nothing(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation(audited=True)
    async with LivePreview(simulation) as preview, aiohttp.ClientSession() as http:
        browser = Browser(http, preview)
        shown = await browser.opens()
        assert shown["channel"]["name"] == "dispatch"
        shown = await browser.becomes(simulation.audit_view.id, shown)
        assert shown["channel"]["name"] == "audit"
        assert not shown["channel"]["canSendMessages"]
        assert not shown["channel"]["canUseApplicationCommands"]
        await remove(simulation)
        await until(lambda: bool(simulation.audit_room.history()))
        await preview.refresh()
        (report,) = (await browser.polls())["messages"].values()
    assert "Dana, dispatcher" in str(report["embeds"][0])


async def test_every_change_to_simcords_files_finds_its_place(make_simulation: OpenSimulation) -> None:
    simulation = await make_simulation()
    async with LivePreview(simulation) as preview, aiohttp.ClientSession() as http:
        for path, _, new in SERVED_CHANGES:
            assert (await Browser(http, preview).file(path)).count(new) == 1
