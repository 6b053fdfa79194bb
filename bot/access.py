"""Who may, and where. Pure, and refuses by default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot import words


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides by ids: a role's name says nothing, and an administrator is nobody special.

    Args:
        guild_ids: the home guilds; where empty, a guild is home that holds one of the roles.
        dispatcher_role_ids: whoever has one of these may remove calls.
    """

    guild_ids: frozenset[int]
    dispatcher_role_ids: tuple[int, ...]

    def is_home(self, guild_id: int, guild_role_ids: Collection[int]) -> bool:
        """Say whether the bot works in this guild at all."""
        if self.guild_ids:
            return guild_id in self.guild_ids
        return bool(self._roles_there(guild_id, guild_role_ids))

    def missing_roles(self, guild_id: int, guild_role_ids: Collection[int]) -> list[int]:
        """List the configured roles by which nobody passes here: deleted, another guild's, or @everyone."""
        there = self._roles_there(guild_id, guild_role_ids)
        return [role for role in self.dispatcher_role_ids if role not in there]

    def refusal(
        self, guild_id: int | None, guild_roles: Mapping[int, str] | None, member_role_ids: Collection[int]
    ) -> str | None:
        """Return what somebody who may not is told, or None for somebody who may.

        Args:
            guild_id: where it was asked, None for a direct message.
            guild_roles: that guild's roles and their names, None where the guild is not cached.
            member_role_ids: the roles in the interaction's member.
        """
        if guild_id is None:
            return words.no_server()
        if self.guild_ids and guild_id not in self.guild_ids:
            return words.foreign_server()
        if guild_roles is None:
            return words.server_not_seen_yet()
        there = self._roles_there(guild_id, guild_roles)
        if not there:
            return words.no_configured_role()
        if not any(role in member_role_ids for role in there):
            return words.role_needed(guild_roles[role] for role in there)
        return None

    def _roles_there(self, guild_id: int, guild_role_ids: Collection[int]) -> list[int]:
        # A guild's own id is the role @everyone: nobody passes by that, whatever the settings say.
        return [role for role in self.dispatcher_role_ids if role in guild_role_ids and role != guild_id]
