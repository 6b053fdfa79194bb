"""Replies to interactions: always ephemeral, and every failure is logged instead of raised."""

# ruff: noqa: BLE001 - an odd answer of Discord's edge makes discord.py raise any error

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import IO, cast

import discord

from bot.cad.models import CallRef
from bot.cad.results import QueuePosition
from bot.interactions import Interaction
from bot.interactions.errors import refusal_text
from bot.messages import outcomes, refusals
from bot.removals.replies import OpenReplies

log = logging.getLogger(__name__)

_ALREADY_ACKNOWLEDGED = 40060
_INVALID_TOKEN = 50027  # the interaction is older than 15 minutes
_ORIGINAL = cast("int", "@original")  # Discord's name for the reply. discord.py's public methods accept ids only.
# Keys in `extras`: Discord has the acknowledgement, though discord.py does not know; the member sees "thinking" or a
# pending text, so a last word is owed; the result of a request was sent, or is kept, and nothing takes its place.
_ACKNOWLEDGED, _OWED, _TOLD = "acknowledged", "owed", "told"
MAY_BE_ACKNOWLEDGED = "may be acknowledged"
"""Key in `extras`: an acknowledgement got no clear answer. Discord may have it, or may still take it."""

ACKNOWLEDGE_SECONDS, ACKNOWLEDGE_PAUSE = 2.5, 0.25
"""Seconds in which an acknowledgement is tried again, and the pause in between. Discord accepts it for 3."""
EDIT_SECONDS, FILE_SECONDS = 30.0, 120.0
"""Seconds for one try of an edit, without and with a file: a connection can go silent, and aiohttp would wait for five
minutes."""
RETRY_PAUSES = (1.0, 3.0)
"""Seconds before each retry of an edit that failed. Their sum is below `REPLY_SECONDS` of a drain."""


async def defer(interaction: Interaction, pending_text: str | None = None, *, new_reply: bool = False) -> bool:
    """Acknowledge an interaction. If False, Discord did not accept that, and the caller must do nothing else.

    Args:
        interaction: a command, which gets a new reply, or a click, whose message becomes the reply.
        pending_text: for a click, replaces the message and its buttons until the result is there.
        new_reply: a click gets a new reply too, and its message stays as it is.
    """
    response = interaction.response
    thinking = new_reply or interaction.type is discord.InteractionType.application_command

    async def acknowledge() -> None:
        if thinking:
            await response.defer(ephemeral=True, thinking=True)
        elif pending_text is None:
            await response.defer()
        else:
            await response.edit_message(content=pending_text, view=None)

    error = await _acknowledge(interaction, acknowledge)
    if error is None:
        if thinking or pending_text is not None:
            interaction.extras[_OWED] = True
        return True
    code = getattr(error, "code", None)
    if code == _ALREADY_ACKNOWLEDGED:
        log.error(
            "interaction %s was already acknowledged, so nothing was sent to the CAD. Either Discord's response "
            "got lost, or another copy of this bot is running with the same token: stop that copy",
            interaction.id,
        )
        # Not an edit: that could overwrite the other copy's result.
        with contextlib.suppress(Exception):
            await interaction.followup.send(refusals.ACKNOWLEDGED_ELSEWHERE, ephemeral=True)
        return False
    log.warning("interaction %s could not be acknowledged (%s): nothing was sent", interaction.id, _brief(error))
    if thinking and not isinstance(error, discord.NotFound):
        # Discord may have accepted it all the same, and shows "thinking" then.
        interaction.extras[_ACKNOWLEDGED] = interaction.extras[_OWED] = True
        await respond(interaction, refusals.NOT_ACKNOWLEDGED)
    return False


async def _acknowledge(interaction: Interaction, send: Callable[[], Awaitable[object]]) -> Exception | None:
    """Send an interaction's first response, and again while its fate is not known. Return the error, or None."""
    end = asyncio.get_running_loop().time() + ACKNOWLEDGE_SECONDS
    while True:
        try:
            async with asyncio.timeout_at(end):  # not less for one try: a slow Discord may take two seconds
                await send()
        except discord.InteractionResponded:
            return None
        except Exception as error:
            if MAY_BE_ACKNOWLEDGED in interaction.extras and getattr(error, "code", None) == _ALREADY_ACKNOWLEDGED:
                interaction.extras[_ACKNOWLEDGED] = True  # by the try whose answer was lost
                return None
            if isinstance(error, discord.HTTPException) and error.status < 500:  # it refused this try
                return error
            interaction.extras[MAY_BE_ACKNOWLEDGED] = True
            if asyncio.get_running_loop().time() + ACKNOWLEDGE_PAUSE >= end:
                return error
            await asyncio.sleep(ACKNOWLEDGE_PAUSE)
        else:
            return None


async def respond(
    interaction: Interaction, text: str, view: discord.ui.View | None = None, embed: discord.Embed | None = None
) -> bool:
    """Send the reply, or replace all of it if the interaction is acknowledged. Return False if that failed.

    This is the last word. Where the member sees "thinking" or a pending text, it is kept if it fails, and sent again
    later. What has buttons or an embed would be outdated by then, so they read that it did not come.

    Whatever discord.py raises counts as a failure: an odd answer of Discord's edge makes it raise any error.
    """
    missing = discord.utils.MISSING
    error = None
    if not interaction.response.is_done() and _ACKNOWLEDGED not in interaction.extras:
        error = await _acknowledge(
            interaction,
            lambda: interaction.response.send_message(
                text, view=view or missing, embed=embed or missing, ephemeral=True
            ),
        )
        if error is None and _ACKNOWLEDGED not in interaction.extras:
            return True
    if error is None:
        error = await _edit(interaction, text, view, embed)
    if error is None:
        _settle(interaction)
        return True
    if _OWED in interaction.extras:
        stands_alone = view is None and embed is None
        _open_replies(interaction).keep(interaction.token, text if stands_alone else refusals.NOT_SHOWN)
    _log_lost(interaction, error, text)
    return False


async def respond_or_keep(interaction: Interaction, text: str) -> None:
    """Send the last reply of an interaction. If Discord does not accept it, the text is sent again later."""
    if not await respond(interaction, text):
        _open_replies(interaction).keep(interaction.token, text)


async def deliver(interaction: Interaction, text: str, view: discord.ui.View | None = None) -> None:
    """Send the result of a request that is in the journal, and record that the member has it."""
    delivered, replies = await respond(interaction, text, view), _open_replies(interaction)
    interaction.extras[_TOLD] = True
    if delivered:
        await replies.mark_answered(interaction.token)
    else:
        replies.keep(interaction.token, text, is_result=True)


async def show_progress(interaction: Interaction, text: str) -> None:
    """Show how far a request is, while its last word is still to come. Nothing is kept of that."""
    if (error := await _edit(interaction, text)) is not None:
        _log_lost(interaction, error, text)


def answering(interaction: Interaction) -> AbstractContextManager[None]:
    """Mark the reply to an interaction as in progress, so that recovery does not reply meanwhile."""
    return _open_replies(interaction).answering(interaction.token)


def _open_replies(interaction: Interaction) -> OpenReplies:
    replies: OpenReplies = interaction.client.removals.replies
    return replies


def _settle(interaction: Interaction) -> None:
    """Note that Discord took the last word. A word that was kept before is older."""
    interaction.extras.pop(_OWED, None)
    _open_replies(interaction).drop(interaction.token)


def _log_lost(interaction: Interaction, error: Exception, text: str) -> None:
    # Only the first line: the lines below it hold players' text.
    first_line, _, _ = text.partition("\n")
    log.error("interaction %s: the reply did not reach Discord (%s): %s", interaction.id, _brief(error), first_line)


async def show_wait(interaction: Interaction, ref: CallRef, position: QueuePosition | None) -> None:
    """Show in the reply where the request for a call stands in the queue, or that it still waits for the CAD."""
    text = outcomes.still_waiting(ref) if position is None else outcomes.queued(ref, position)
    await show_progress(interaction, text)


async def _edit(
    interaction: Interaction,
    text: str,
    view: discord.ui.View | None = None,
    embed: discord.Embed | None = None,
    file: tuple[IO[bytes], str] | None = None,
) -> Exception | None:
    # discord.py retries after a 5xx, but not after a broken connection or an odd answer. An edit can be repeated.
    for pause in (*RETRY_PAUSES, None):
        try:
            async with asyncio.timeout(EDIT_SECONDS if file is None else FILE_SECONDS):
                files = [] if file is None else [_attachment(*file)]
                await interaction.edit_original_response(content=text, view=view, embed=embed, attachments=files)
        except Exception as error:
            if pause is None or isinstance(error, discord.HTTPException):
                return error
            await asyncio.sleep(pause)
        else:
            return None
    return None


def _attachment(file: IO[bytes], name: str) -> discord.File:
    file.seek(0)  # an earlier try has read it
    return discord.File(cast("io.BufferedIOBase", file), name)


async def send_file(interaction: Interaction, text: str, file: IO[bytes], name: str) -> None:
    """Send a file as the reply. If Discord does not accept it, the member reads that instead."""
    error = await _edit(interaction, text, file=(file, name))
    if error is None:
        _settle(interaction)
        return
    log.error("interaction %s: a file did not reach Discord (%s)", interaction.id, _brief(error))
    await respond(interaction, refusals.NO_FILE)


async def edit_by_token(client: discord.Client, token: str, text: str) -> bool:
    """Replace the reply to an interaction of which only the token is left. Return False if a later try may succeed."""
    try:
        async with asyncio.timeout(EDIT_SECONDS):
            await _webhook(client, token).edit_message(
                _ORIGINAL, content=text, view=None, attachments=[], allowed_mentions=client.allowed_mentions
            )
    except Exception as error:
        log.warning("a pending reply did not reach Discord (%s): %s", _brief(error), text.partition("\n")[0])
        return getattr(error, "code", None) == _INVALID_TOKEN
    return True


async def read_by_token(client: discord.Client, token: str) -> str | None:
    """Return the text of the reply that the member sees: empty before the first one, None if Discord does not say."""
    try:
        async with asyncio.timeout(EDIT_SECONDS):
            message = await _webhook(client, token).fetch_message(_ORIGINAL)
    except Exception as error:
        log.info("the reply to an earlier interaction can't be read (%s)", _brief(error))
        return "" if getattr(error, "code", None) == _INVALID_TOKEN else None
    return message.content


def _webhook(client: discord.Client, token: str) -> discord.Webhook:
    return discord.Webhook.partial(client.application_id or 0, token, client=client)


async def update_view(interaction: Interaction, view: discord.ui.View) -> None:
    """Show the current state of a reply's buttons and selects."""
    try:
        async with asyncio.timeout(EDIT_SECONDS):
            await interaction.edit_original_response(view=view)
    except Exception as error:
        log.warning("interaction %s: the buttons of its reply could not be updated (%s)", interaction.id, _brief(error))


async def respond_or_suggest_nothing(interaction: Interaction, text: str) -> None:
    """Send the reply; answer an autocomplete request with an empty list instead."""
    if interaction.type is not discord.InteractionType.autocomplete:
        await respond(interaction, text)
        return
    try:
        if not interaction.response.is_done():
            await interaction.response.autocomplete([])
    except Exception as error:
        log.info("autocomplete %s could not be answered (%s)", interaction.id, _brief(error))


async def respond_to_error(interaction: Interaction, error: Exception) -> None:
    """Reply with the text of an expected refusal, or, for a bug, with a reference that the log shows too."""
    text = refusal_text(error)
    if text is None:
        log.error("interaction %s failed", interaction.id, exc_info=error)
        text = refusals.broken(interaction.id)
    if _TOLD not in interaction.extras:  # what was read is never taken back
        with answering(interaction):
            await respond_or_suggest_nothing(interaction, text)


def _brief(error: Exception) -> str:
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}"
    return type(error).__name__
