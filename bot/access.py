"""Who may, and where. Pure, and refuses by default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Self

from bot import words

if TYPE_CHECKING:
    from bot.settings import Settings


class Need(Enum):
    """What a command needs its user to be; the value is the setting that says who is."""

    DISPATCHER = "DISPATCHER_ROLE_IDS"
    ADMIN = "ADMIN_ROLE_IDS"


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides by ids: a role's name says nothing, and an administrator is nobody special.

    Args:
        guild_ids: the home guilds; where empty, a guild is home that holds one of the roles, of either kind.
        dispatcher_role_ids: whoever has one of these may remove calls.
        admin_role_ids: whoever has one of these may see what the bot did; where empty, whoever manages the server.
    """

    guild_ids: frozenset[int]
    dispatcher_role_ids: tuple[int, ...]
    admin_role_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take it from the settings."""
        return cls(settings.guild_ids, settings.dispatcher_role_ids, settings.admin_role_ids)

    def is_home(self, guild_id: int, guild_role_ids: Collection[int]) -> bool:
        """Say whether the bot works in this guild at all."""
        if self.guild_ids:
            return guild_id in self.guild_ids
        # Nobody else can make a role with one of these ids, so an admins' server is ours as well.
        return any(self._roles_there(need, guild_id, guild_role_ids) for need in Need)

    def refusal(
        self,
        guild_id: int | None,
        guild_roles: Mapping[int, str] | None,
        member_role_ids: Collection[int],
        need: Need = Need.DISPATCHER,
        *,
        manages_server: bool = False,
    ) -> str | None:
        """Return what somebody who may not is told, or None for somebody who may.

        Args:
            guild_id: where it was asked, None for a direct message.
            guild_roles: that guild's roles and their names, None where the guild is not cached.
            member_role_ids: the roles in the interaction's member.
            need: what is asked needs this.
            manages_server: whether the interaction's member has the permission Manage Server, or is administrator.
        """
        if guild_id is None:
            return words.no_server()
        if self.guild_ids and guild_id not in self.guild_ids:
            return words.foreign_server()
        if guild_roles is None:
            return words.server_not_seen_yet()
        if need is Need.ADMIN and not self.admin_role_ids and self.is_home(guild_id, guild_roles):
            return None if manages_server else words.manage_server_needed()
        there = self._roles_there(need, guild_id, guild_roles)
        if not there:
            return words.no_configured_role(need.value if self.role_ids(need) else Need.DISPATCHER.value)
        if not any(role in member_role_ids for role in there):
            return words.role_needed(guild_roles[role] for role in there)
        return None

    def role_ids(self, need: Need) -> tuple[int, ...]:
        """List the roles that a setting names."""
        return {Need.DISPATCHER: self.dispatcher_role_ids, Need.ADMIN: self.admin_role_ids}[need]

    def _roles_there(self, need: Need, guild_id: int, guild_role_ids: Collection[int]) -> list[int]:
        # A guild's own id is the role @everyone: nobody passes by that, whatever the settings say.
        return [role for role in self.role_ids(need) if role in guild_role_ids and role != guild_id]
