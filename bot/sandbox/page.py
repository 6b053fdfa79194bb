"""`sandbox`: the simulated guild as a web page, on which you act as the dispatcher, the civilian or the admin."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import webbrowser

from bot.cad.models import CallRef, Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.live_preview import LivePreview
from bot.sandbox.message_menu import MessageMenu
from bot.sandbox.simulation import Simulation, open_simulation

SLOW_CALL = CallRef(1, 303)
SILENT_CALL = CallRef(1, 304)

_PICK = """\
**Pick one:** `call_id` also takes part of a name. `/remove911` ⏎ `rosa`, wait for her call, ⏎, then `2` ⏎ ⏎.
**List them:** `/calls911` ⏎ ⏎. Select some, click Apply, and confirm with the red button.
"""
_SLOW = {
    True: "**303** takes the CAD 4 s. **304**: removed, but the CAD never says so.",
    False: "**303** takes the CAD 4 s. **304**: the CAD never answers.",
}

START_SECONDS = 20.0
"""Seconds that the page may wait for the CAD's lists at the start. They take about four."""


def welcome(plan: Plan) -> str:
    """Return the page's first message: what a person can try on this plan."""
    slow = f"**Slow ones**, on server `1`: {_SLOW[plan.lists_calls]}"
    if not plan.lists_servers:
        slow = "**Every removal fails:** on this plan the CAD allows none."
    return f"""\
**Welcome to the sandbox.** The bot is the real one. The CAD is made up, on the plan **{plan.name.title()}**. \
Its open calls are above; each post ends with the call's number and its server's: `… | 302 | 1`.
**Keys:** ⏎ is Enter, ⇥ is Tab. The first ⏎ may take a suggestion; the last one sends, as the arrow on the right does.
**Remove one:** type `/remove911` ⏎ `302` ⇥ `1` ⏎ ⏎.
{_PICK if plan.lists_calls else ""}\
**From a post:** point at it, click Reply (the arrow), type `apps` ⏎, and confirm with the red button. In real \
Discord, right-click the post, then *Apps*.
{slow}
**Be somebody else** (*Viewing as*, at the top): Joe is a civilian. Ada is an admin: `/cad911 status`, \
`/cad911 history`. *#audit channel* shows what the bot reports there."""


async def show(stop: asyncio.Event, *, browser: bool, plan: Plan) -> int:
    """Serve the page until `stop` is set or a person ends the session; return the exit code.

    `browser` opens the page in a web browser.
    """
    print("The sandbox starts. That takes a few seconds.", flush=True)
    cad = FakeCad(plan=plan, delays={SLOW_CALL: 4.0, SILENT_CALL: float("inf")})
    async with open_simulation(cad=cad, parked=True, audited=True) as simulation:
        await simulation.post_calls()
        await simulation.post_note(welcome(plan))
        # So that suggestions are there at the first key, and what is removed first can be re-created.
        await simulation.call_cache.calls(wait=START_SECONDS)
        async with LivePreview(simulation) as preview:
            print(f"The sandbox is at  {preview.url}  (Ctrl-C ends it)", flush=True)
            if browser:
                # In a thread: a text browser blocks until it is closed.
                threading.Thread(target=webbrowser.open, args=(preview.url,), daemon=True).start()
            await _run_until_closed(simulation, preview, stop)
    print("The sandbox is closed. Nothing of it is kept.")
    return 0


async def _run_until_closed(simulation: Simulation, preview: LivePreview, stop: asyncio.Event) -> None:
    waits = (stop.wait(), preview.wait_closed(), _tick(simulation, preview), _keep_lists_fresh(simulation))
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(wait) for wait in waits]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(tasks)
    if preview.is_closing:
        await preview.wait_closed()
        return  # a refresh can fail meanwhile
    for task in done:
        task.result()  # raises the error that ended one of the last two


async def _tick(simulation: Simulation, preview: LivePreview) -> None:
    """Keep the simulated Discord's clock with the real one, and show on the page what the bot has edited."""
    env, menu, seen = simulation.env, MessageMenu(simulation), len(simulation.env.http_requests)
    while True:
        await asyncio.sleep(0.5)
        async with preview.turn:
            with contextlib.suppress(TimeoutError):  # the bot is busy: try again on the next pass
                menu_used = await menu.process_replies()
                await simulation.sync_clock()
                fresh = env.http_requests[seen:]
                # The page shows the replies to its own interactions by itself, but not those to the menu's.
                if menu_used or any(r.method != "GET" and not r.path.startswith("/interactions/") for r in fresh):
                    await preview.refresh()
                seen += len(fresh)


async def _keep_lists_fresh(simulation: Simulation) -> None:
    """Keep the lists young, so that suggestions are there at the first key."""
    while True:
        await simulation.call_cache.calls()
        await asyncio.sleep(1)
