"""Sentences about buttons."""

EXPIRED = "⌛ These buttons have expired. Run the command again."
"""Reply to a click on expired buttons: too old, or sent before a restart."""

NOT_YOURS = "⛔ These buttons are someone else's. Run the command yourself."
"""Reply to a click by another member."""

FIRST_CLICK_COUNTS = "☑️ Your first click is being handled."
"""Reply to a second click on buttons that ask for one decision."""

NOT_CONFIRMED = "⌛ Not confirmed in time, so nothing was changed. Run the command again if you still want it."
"""Replaces a confirmation that expired."""

CANCELLED = "☑️ Cancelled. Nothing was changed."
"""Replaces a confirmation that was cancelled."""
