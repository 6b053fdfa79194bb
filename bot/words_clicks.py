"""What people read around buttons, and around posts that they point at: happened first, what to do second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cad.model import CallRef
from bot.footers import Post, Unread
from bot.text import relative
from bot.words_calls import about, details, named

if TYPE_CHECKING:
    from bot.board import SeenCalls

_TYPED = "Nothing was sent to the CAD. For a {number} call, use `/remove911` with its number and its server's number."

_UNREAD = {
    Unread.NOT_THE_CADS: "This message is not one of the CAD's posts, so it names no call that the bot could trust.",
    Unread.NO_CALL: "This post is not about a {number} call.",
    Unread.DISPATCH_CALL: "This post is about a dispatch call, and this command removes {number} calls only. "
    "A dispatch call is closed in the CAD.",
    Unread.NO_SERVER: "This post names a {number} call but not the server that it is on.",
    Unread.AMBIGUOUS: "This post can be read in more than one way, and the bot does not guess.",
    Unread.UNREADABLE: "The numbers at the end of this post can't be read.",
}


def expired() -> str:
    """Answer a click on what is over: too old, or of before a restart."""
    return "These buttons have expired, so this click did nothing. Run the command again."


def not_yours() -> str:
    """Answer somebody else's click."""
    return "These buttons belong to somebody else, so this click did nothing. Run the command yourself."


def first_click_counts() -> str:
    """Answer a second click where the first one decides."""
    return "This click did nothing: your first one counts."


def not_confirmed() -> str:
    """Close a question that nobody answered."""
    return "⌛ Not confirmed in time, so nothing was sent to the CAD. Run the command again if you still want it."


def cancelled() -> str:
    """Close a question that was answered with no."""
    return "Cancelled. Nothing was sent to the CAD."


def unread(why: Unread, number: str) -> str:
    """Explain why a post gives no call to remove; `number` is the emergency number in texts."""
    return f"{_UNREAD[why]} {_TYPED}".replace("{number}", number)


def unknown_server(ref: CallRef) -> str:
    """Refuse a post whose server the CAD does not have."""
    return (
        f"This post names server **{ref.server_id}**, and the CAD lists no such server, so the bot does not trust it. "
        "Nothing was sent to the CAD."
    )


def remove_from_post(post: Post, seen: SeenCalls | None) -> str:
    """Ask whether to remove the call that a post is about, and say where what is shown was read.

    Args:
        post: what the post says.
        seen: the server's open calls, or None where they are not known.
    """
    question = f"Remove call {named(post.ref)}?"
    if seen is None or seen.at is None:
        source = "This was read from the post, and nowhere else: the bot can't tell whether the call is still open."
    else:
        when = relative(seen.at)
        if call := next((one for one in seen.calls if one.ref == post.ref), None):
            return "\n".join([question, *about(call), f"This is what the CAD says of it, asked {when}."])
        since = ", or it was removed since" if seen.less else ""
        unlisted = f"does not list the call{since}: it may be gone already."
        source = (
            f"This was read from the post. The CAD, asked {when}, {unlisted}"
            if seen.whole
            else f"This was read from the post. The CAD was asked {when}, and not all of its list could be read."
        )
    said = details(post.caller, post.location, post.description, "not in the post")
    return "\n".join([question, *said, source])


def removing(ref: CallRef) -> str:
    """Stand in the question's place until the answer is there."""
    return f"⏳ The CAD is asked to remove call {named(ref)}."
