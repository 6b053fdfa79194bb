"""The program's entry point: only what must happen before the libraries load. The commands are in `bot.cli`."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

if not __package__:  # started as a file, as panels do: Python then looks beside this file, not in the project's folder
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

if missing := [name for name in ("aiohttp", "aiosqlite", "discord", "dotenv") if find_spec(name) is None]:
    sys.exit(
        f"This Python ({sys.executable}) lacks the packages that the bot needs ({', '.join(missing)}).\n"
        "README.md has the line that installs them; then start the bot with .venv/bin/python -m bot "
        "(on Windows .venv\\Scripts\\python -m bot)."
    )

# Until everything is loaded, Ctrl-C ends the process at once. Python's default would print a traceback.
_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_DFL)

from bot.cli import main

signal.signal(signal.SIGINT, _ctrl_c)

if __name__ == "__main__":
    sys.exit(main())
