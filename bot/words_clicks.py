"""What people read around buttons, and around posts that they point at: happened first, what to do second."""

from __future__ import annotations

from bot.cad.model import CallRef
from bot.footers import Post, Unread
from bot.words import clean, quoted

_TYPED = "Nothing was sent to the CAD. For a 911 call, use `/remove911` with its number and its server's number."

_UNREAD = {
    Unread.NOT_THE_CADS: "This message is not one of the CAD's posts, so it names no call that the bot could trust.",
    Unread.NO_CALL: "This post is not about a 911 call.",
    Unread.DISPATCH_CALL: "This post is about a dispatch call, and this command removes 911 calls only. "
    "A dispatch call is closed in the CAD.",
    Unread.NO_SERVER: "This post names a 911 call but not the server that it is on.",
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


def unread(why: Unread) -> str:
    """Explain why a post gives no call to remove."""
    return f"{_UNREAD[why]} {_TYPED}"


def remove_from_post(post: Post) -> str:
    """Ask whether to remove the call that a post is about, and say where that was read."""
    lines = [
        f"Remove call **{post.ref.call_id}** on server **{post.ref.server_id}**?",
        *_details(post),
        "This was read from the post, and nowhere else: the bot can't tell whether the call is still open.",
    ]
    return "\n".join(lines)


def removing(ref: CallRef) -> str:
    """Stand in the question's place until the answer is there."""
    return f"⏳ The CAD is asked to remove call **{ref.call_id}** on server **{ref.server_id}**."


def _details(post: Post) -> list[str]:
    known = {"Caller": post.caller, "Place": post.location, "Description": post.description}
    # A line each: what is written from right to left turns nothing else round.
    return [f"{name}: {quoted(text) if clean(text) else 'not in the post'}" for name, text in known.items()]
