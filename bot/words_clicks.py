"""What people read around buttons, and around posts that they point at: happened first, what to do second."""

from __future__ import annotations


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
