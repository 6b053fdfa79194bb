"""`sandbox --cad-only`: the loopback CAD by itself, for a bot or a script that is to be pointed at it."""

from __future__ import annotations

import asyncio
import sys

from bot.cad.model import Plan
from bot.sandbox.cad import LoopbackCad
from bot.sandbox.cad_v2 import PUBLISHED


async def serve(stop: asyncio.Event, port: int, plan: Plan) -> int:
    """Serve until `stop` is set; return the exit code."""
    cad = LoopbackCad(plan=plan, limits=PUBLISHED)
    try:
        async with cad.serving(port) as account:
            print(
                f"# A pretend CAD is at {account.url} (Ctrl-C ends it), on this machine only. "
                f"It has {len(cad.calls)} open calls,",
                f"# the plan {plan.name.title()}, and speaks v1 and v2 at once, v2 with its "
                "published limits. Settings for a bot:",
                f"SONORAN_API_URL={account.url}",
                f"SONORAN_COMMUNITY_ID={account.community_id}",
                f"SONORAN_API_KEY={account.key}",
                "# SONORAN_API_VERSION=v2",
                sep="\n",
                flush=True,
            )
            await stop.wait()
    except OSError as error:
        print(f"Port {port} can't be used ({error.strerror}); choose another one with --port.", file=sys.stderr)
        return 1
    return 0
