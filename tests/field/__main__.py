"""`python -m tests.field` plays seven days in the field, shortened, and prints the figures."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.field.week import day, opened, report


async def main(days: int) -> None:
    """Play some days."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as week:
            for _ in range(days):
                await day(week)
                print(report(week, began), flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
