"""Sentences of the message command on the CAD's posts."""

from __future__ import annotations

from bot.cad.models import CallRef
from bot.calls.cache import CallsSnapshot
from bot.calls.posts import CallPost, PostError
from bot.messages.calls import BY_NUMBERS, NO_RESULT, as_of, call_name, describe, details
from bot.text import relative_time

_POST_ERRORS = {
    PostError.NOT_THE_CADS: f"This isn't one of the CAD's posts. {BY_NUMBERS}",
    PostError.NO_CALL: "This post isn't about a {number} call.",
    PostError.DISPATCH_CALL: "This post is about a dispatch call. Close it in the CAD.",
    PostError.NO_SERVER: f"This post doesn't say which server the call is on. {BY_NUMBERS}",
    PostError.AMBIGUOUS: f"This post can mean more than one call, and the bot doesn't guess. {BY_NUMBERS}",
    PostError.UNREADABLE: f"The numbers in this post can't be read. {BY_NUMBERS}",
}


def post_error(error: PostError, number: str) -> str:
    """Explain why a post identifies no call to remove. `number` is the emergency number."""
    return f"❌ {_POST_ERRORS[error]}".replace("{number}", number)


def unknown_server(ref: CallRef, listed_at: float | None) -> str:
    """Refuse a post whose server was not in the CAD's list at that time."""
    return f"❌ The CAD has no server **{ref.server_id}**{as_of(listed_at)}, which this post names. {BY_NUMBERS}"


def confirm_removal(post: CallPost, snapshot: CallsSnapshot | None) -> str:
    """Ask to confirm the removal of a post's call, and name the source of the details: the CAD or only the post.

    `snapshot` holds the server's open calls, or is None if they are not known.
    """
    question = f"Remove {call_name(post.ref)}?"
    if snapshot is None or snapshot.listed_at is None:
        source = "From the post. The bot can't tell whether the call is still open."
    else:
        when = relative_time(snapshot.listed_at)
        if call := next((call for call in snapshot.calls if call.ref == post.ref), None):
            return "\n".join([question, *describe(call), f"From the CAD, {when}."])
        if snapshot.complete:
            since = ", or it was removed since" if snapshot.pruned else ""
            source = f"From the post. The CAD didn't list it {when}{since}: it may be gone already."
        else:
            source = f"From the post. Not all of the CAD's list could be read {when}."
    return "\n".join([question, *details(post.caller, post.location, post.description, "not in the post"), source])


def removing(ref: CallRef) -> str:
    """Replace the question until the result is known."""
    return f"⏳ {call_name(ref).capitalize()}: removal requested. {NO_RESULT}"
