"""`sandbox`: the simulated guild as a page, where a person acts as a dispatcher or as somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import webbrowser
from collections.abc import Iterable

import simcord

from bot.cad.model import CallRef, Plan
from bot.sandbox.cad import Call, LoopbackCad
from bot.sandbox.menu import Menu
from bot.sandbox.town import Town, open_town, to_the_present

SLOW = CallRef(1, 303)
SILENT = CallRef(1, 304)

AHEAD = 15.0
"""Seconds by which the simulated Discord's clock may be ahead, so that what happens now was a moment ago, and is not to
come."""

_WAYS = {
    True: """\
• **Pick a call:** `/remove911` and Enter, a part of a caller's name (`ana`), Enter, the server (`1`), Enter, Send.
• **List them:** `/calls911`, the server (`1`), Enter, Send. Select some, confirm; *Re-create call* is below the answer.
• **From a post:** answer it with the word `apps`, which opens its menu and picks *Remove 911 call*.
• For call **303** the CAD takes 4 s. **304** it removes without a word: after 10 s the bot looks for it in the list.
""",
    False: """\
• **Type the numbers** at the end of a post: `/remove911` and Enter, `302`, Tab, the server (`1`), Enter, Send.
• **From a post:** answer it with the word `apps`, which opens its menu and picks *Remove 911 call*.
• For call **303** the CAD takes 4 s. To **304** it never answers, and the bot asks twice before it says so.
• Picking a call, `/calls911` and *Re-create call* need **Plus**, which the sandbox has by default.
""",
}


def welcome(plan: Plan) -> str:
    """Say what there is to try on a plan."""
    refuses = (
        ""
        if plan.lists_servers
        else "\nOn this plan the CAD lets nobody remove a call, and that is what the answers say."
    )
    ways = _WAYS[plan.lists_calls]
    if refuses:  # all calls are alike there
        ways = "".join(line for line in ways.splitlines(keepends=True) if "**303**" not in line)
    return f"""\
**Welcome to the sandbox.** The posts above are the open 911 calls of a pretend CAD on the plan \
**{plan.name.title()}**; the bot is the real one. Its answers come below.{refuses}
{ways}\
• At the top, act as Joe, who may nothing, or as Ada, who may no more than `/cad911 history` and `/cad911 status`.
• This page may need your help: scroll down to an answer, and press Send again where it keeps what you typed. \
Where it says *Action outcome uncertain*, reload it (F5)."""


async def show(stop: asyncio.Event, *, browser: bool, plan: Plan, calls: Iterable[Call] | None = None) -> int:
    """Show the page until `stop` is set or the session is ended in the page; return the exit code.

    Args:
        stop: ends it.
        browser: whether it is opened in one.
        plan: that of the pretend CAD's community.
        calls: its open calls, the examples by default.
    """
    cad = LoopbackCad(plan=plan, seconds={SLOW: 4.0, SILENT: float("inf")})
    if calls is not None:
        cad.calls = {call.ref: call for call in calls}
    async with open_town(cad=cad, parked=True) as town:
        await to_the_present(town.env)
        await town.env.advance_time(AHEAD)
        await town.post_calls()
        await town.tell(welcome(plan))
        async with town.env.preview(town.room, viewers=town.people, layout="channel") as preview:
            print(f"The sandbox is at  {preview.url}  (Ctrl-C ends it)", flush=True)
            if browser:
                # A text browser would hold this terminal, so nobody waits for it.
                threading.Thread(target=webbrowser.open, args=(preview.url,), daemon=True).start()
            await _until_ended(town, preview, stop)
    print("The sandbox is closed. Nothing of it is kept.")
    return 0


async def _until_ended(town: Town, preview: simcord.Preview, stop: asyncio.Event) -> None:
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(work) for work in (stop.wait(), preview.wait_closed(), _tick(town, preview))
    ]
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(tasks)
    for task in done:
        task.result()  # the clock never ends, but by a bug


async def _tick(town: Town, preview: simcord.Preview) -> None:
    """Let the simulated Discord's clock follow the wall, and show what the bot has edited meanwhile.

    SimCord does one thing at a time, and an action of the page that meets another is lost. So this does as little
    as it can: a menu was asked for, something was edited, or the clock is not ahead any more.
    """
    env, menu = town.env, Menu(town)
    seen, then, asked = len(env.http_requests), time.monotonic(), False
    while True:
        await asyncio.sleep(0.5)
        # Somebody is clicking, which is a step of its own: next time round.
        with contextlib.suppress(simcord.SetupError, TimeoutError):
            asked = await menu.look() or asked
            now = time.monotonic()
            fresh = env.http_requests[seen:]
            # Acknowledgements are published by the page itself, but for those of the menu.
            edited = asked or any(r.method != "GET" and not r.path.startswith("/interactions/") for r in fresh)
            if not edited and now - then < AHEAD:
                continue
            await env.advance_time(now - then)
            then = now
            if edited:
                await preview.refresh()
            seen += len(fresh)
            asked = False
