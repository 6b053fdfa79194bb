"""What the removal service refuses, as exceptions with data. `bot.interactions.errors` puts them into words."""

from __future__ import annotations


class InvalidId(Exception):  # noqa: N818 - a refusal, not a failure
    """The `value` of a command's `option` is outside the CAD's range of ids, so nothing was sent."""

    def __init__(self, option: str, value: object) -> None:
        super().__init__(f"{option} can't be {value!r}")
        self.option = option
        self.value = value


class AlreadyRecreated(Exception):  # noqa: N818 - a refusal, not a failure
    """The call was re-created before, or an attempt was made, so nothing was sent."""
