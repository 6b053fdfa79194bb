"""`sandbox --cad-only`: the fake CAD alone, as a target for a bot or a script."""

from __future__ import annotations

import asyncio
import sys

from bot.cad.models import Plan
from bot.sandbox.fake_cad.server import FakeCad
from bot.sandbox.fake_cad.v2 import PUBLISHED_LIMITS


async def serve(stop: asyncio.Event, port: int, plan: Plan) -> int:
    """Serve until `stop` is set; return the exit code."""
    cad = FakeCad(plan=plan, limits_per_minute=PUBLISHED_LIMITS)
    try:
        async with cad.serving(port) as account:
            print(
                f"# A fake CAD listens at {account.url}, on this machine only. Press Ctrl-C to stop it.",
                f"# It has {len(cad.calls)} open calls and the plan {plan.name.title()}. "
                "It speaks v1 and v2 at once, v2 with its published limits. Settings for a bot:",
                f"SONORAN_API_URL={account.url}",
                f"SONORAN_COMMUNITY_ID={account.community_id}",
                f"SONORAN_API_KEY={account.key}",
                "# SONORAN_API_VERSION=v2",
                sep="\n",
                flush=True,
            )
            await stop.wait()
    except OSError as error:
        print(f"Port {port} can't be used ({error.strerror}). Choose another one with --port.", file=sys.stderr)
        return 1
    return 0
