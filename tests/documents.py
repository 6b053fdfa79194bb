"""`python -m tests.documents` writes what the documents say of the code: .env.example, and the tables in docs/."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

from discord import app_commands
from yarl import URL

from bot.app import CadBot
from bot.board import Board
from bot.cad.client import CadClient
from bot.cad.model import Account
from bot.journal import Journal
from bot.settings import Settings
from bot.settings_list import SETTINGS, Setting

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- written by `python -m tests.documents`: from here -->", "<!-- to here -->"


def env_example() -> str:
    """Write the example of a .env file."""
    head = (
        "# The bot's settings. Copy this file to .env in the folder that you start the bot in, and fill it in.\n"
        "# No quotes are needed, and nothing in a value is expanded; a space and # begin a remark.\n"
        "# A variable of the same name in the environment wins. Empty means not set.\n"
        "# .env holds secrets: let nobody else read it, and never commit it.\n"
    )
    return head + "".join(f"\n{_remarks(setting)}\n{setting.name}=\n" for setting in SETTINGS)


def _remarks(setting: Setting) -> str:
    about = setting.about if setting.unset else f"Needed: {setting.about[0].lower()}{setting.about[1:]}"
    remarks = [*_wrapped(about), *([f"# Unset: {setting.unset}"] if setting.unset else [])]
    return "\n".join(remarks)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def settings_table() -> str:
    """List the settings."""
    rows = [f"| `{one.name}` | {one.about} | {one.unset or '**needed**'} |" for one in SETTINGS]
    return "\n".join(["| setting | what it is | unset |", "| --- | --- | --- |", *rows])


async def commands_table() -> str:
    """List the commands, as Discord hears of them where no default server is set."""
    account = Account(URL("https://cad.invalid"), "", "")
    settings = Settings(discord_token="", account=account, dispatcher_role_ids=())
    client = CadClient(account)
    bot = CadBot(settings, client, Journal(settings.database_path), Board(client))  # none of them opened
    await bot.load_commands()
    rows = [row for command in bot.guild_commands for row in _rows(command)]
    return "\n".join(["| command | what it does | options |", "| --- | --- | --- |", *sorted(rows)])


def _rows(command: object) -> list[str]:
    match command:
        case app_commands.Group():
            return [row for one in command.commands for row in _rows(one)]
        case app_commands.Command():
            options = [
                f"`{option.display_name}`{'' if option.required else ' (may be left out)'}: {option.description}"
                for option in command.parameters
            ]
            return [f"| `/{command.qualified_name}` | {command.description} | {'<br>'.join(options)} |"]
        case app_commands.ContextMenu():
            about = "Remove the call of one of the CAD's posts, after one question"
            return [f"| right click on a message, Apps, `{command.name}` | {about} | |"]
        case _:
            raise TypeError(command)


def filled(document: str, table: str) -> str:
    """Put a table between the markers of a document."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


async def written() -> dict[Path, str]:
    """Return each document, as it should be."""
    settings, commands = ROOT / "docs" / "settings.md", ROOT / "docs" / "commands.md"
    return {
        ROOT / ".env.example": env_example(),
        settings: filled(settings.read_text("utf-8"), settings_table()),
        commands: filled(commands.read_text("utf-8"), await commands_table()),
    }


if __name__ == "__main__":
    for path, text in asyncio.run(written()).items():
        path.write_text(text, "utf-8", newline="\n")
