"""`python -m tests.generate_docs` writes what comes from the code: .env.example, tables, the story, docs/answers.md."""

from __future__ import annotations

import asyncio
import contextlib
import io
import textwrap
from pathlib import Path

from discord import app_commands
from yarl import URL

from bot.app import CadBot
from bot.cad.client import CadClient
from bot.cad.models import Account
from bot.calls.cache import CallCache
from bot.config.schema import SETTINGS, Setting
from bot.config.settings import Settings
from bot.journal.store import Journal
from bot.sandbox import script
from tests.answers import answers_page

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- written by `python -m tests.generate_docs`: from here -->", "<!-- to here -->"


def env_example() -> str:
    """Write the example of a .env file."""
    head = [
        *_wrapped("The bot's settings. `init` asks for those that are needed. Or copy this file to .env in the folder "
                  "from which you start the bot, and fill it in."),
        *_wrapped("Values need no quotes, and the bot expands nothing in them. A space followed by # begins a comment. "
                  "In Docker, Compose reads this file first and expands a $: put a value with a $ in single quotes, "
                  "and both take it literally."),
        *_wrapped("A variable of the same name in the environment wins. Empty means not set."),
        *_wrapped(".env holds secrets: let nobody else read it, and never commit it."),
    ]  # fmt: skip
    return "\n".join(head) + "\n" + "".join(f"\n{_remarks(setting)}\n{setting.name}=\n" for setting in SETTINGS)


def _remarks(setting: Setting) -> str:
    about = (
        setting.description
        if setting.if_unset
        else f"Needed: {setting.description[0].lower()}{setting.description[1:]}"
    )
    remarks = [*_wrapped(about), *([f"# Unset: {setting.if_unset}"] if setting.if_unset else [])]
    return "\n".join(remarks)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def settings_table() -> str:
    """List the settings."""
    rows = [f"| `{one.name}` | {one.description} | {one.if_unset or '**needed**'} |" for one in SETTINGS]
    return "\n".join(["| setting | what it is | unset |", "| --- | --- | --- |", *rows])


async def commands_table() -> str:
    """List the commands, as Discord hears of them where no default server is set."""
    account = Account(URL("https://cad.invalid"), "", "")
    settings = Settings(discord_token="", account=account, dispatcher_role_ids=())
    client = CadClient(account)
    bot = CadBot(settings, client, Journal(settings.database_path), CallCache(client))  # none of them opened
    await bot.load_commands()
    rows = [row for command in bot.guild_commands for row in _rows(command)]
    return "\n".join(["| command | what it does | options |", "| --- | --- | --- |", *sorted(rows)])


def _rows(command: object) -> list[str]:
    match command:
        case app_commands.Group():
            return [row for one in command.commands for row in _rows(one)]
        case app_commands.Command():
            options = [
                f"`{option.display_name}`{'' if option.required else ' (optional)'}: {option.description}"
                for option in command.parameters
            ]
            return [f"| `/{command.qualified_name}` | {command.description} | {'<br>'.join(options)} |"]
        case app_commands.ContextMenu():
            about = "Remove the call that a CAD post is about, after asking you to confirm"
            return [f"| right-click a message, Apps, `{command.name}` | {about} | |"]
        case _:
            raise TypeError(command)


async def story() -> str:
    """Play the sandbox's story."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        await script.play()
    return f"```text\n{told.getvalue().strip()}\n```"


def filled(document: str, table: str) -> str:
    """Put a table between the markers of a document."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


async def written() -> dict[Path, str]:
    """Return each document, as it should be."""
    settings, commands, readme = ROOT / "docs" / "settings.md", ROOT / "docs" / "commands.md", ROOT / "README.md"
    return {
        readme: filled(readme.read_text("utf-8"), await story()),
        ROOT / ".env.example": env_example(),
        settings: filled(settings.read_text("utf-8"), settings_table()),
        ROOT / "docs" / "answers.md": answers_page(),
        commands: filled(commands.read_text("utf-8"), await commands_table()),
    }


if __name__ == "__main__":
    for path, text in asyncio.run(written()).items():
        path.write_text(text, "utf-8", newline="\n")
