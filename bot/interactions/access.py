"""The access policy: who may use which command, and in which Discord server. Pure, and denies by default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

from bot.config.settings import Settings
from bot.messages import refusals


class RequiredRole(Enum):
    """The kind of role that a command requires. Its value is the setting that lists the roles' ids."""

    DISPATCHER = "DISPATCHER_ROLE_IDS"
    ADMIN = "ADMIN_ROLE_IDS"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Decides by ids, never by a role's name. A Discord administrator needs the role like everybody else.

    Args:
        guild_ids: the home guilds. If empty, every guild that has one of the roles is a home guild.
        dispatcher_role_ids: members with one of these roles may remove calls.
        admin_role_ids: members with one of these roles may use `/cad911`. If empty, members with Manage Server may.
    """

    guild_ids: frozenset[int]
    dispatcher_role_ids: tuple[int, ...]
    admin_role_ids: tuple[int, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build the policy from the settings."""
        return cls(settings.guild_ids, settings.dispatcher_role_ids, settings.admin_role_ids)

    def is_home(self, guild_id: int, guild_role_ids: Collection[int]) -> bool:
        """Return True if the bot serves this guild."""
        if self.guild_ids:
            return guild_id in self.guild_ids
        # Role ids are unique in Discord, so a foreign guild can't have one. A guild of the admins alone is home too.
        return any(self._roles_in_guild(required, guild_id, guild_role_ids) for required in RequiredRole)

    def refusal(
        self,
        guild_id: int | None,
        guild_roles: Mapping[int, str] | None,
        member_role_ids: Collection[int],
        required: RequiredRole = RequiredRole.DISPATCHER,
        *,
        manages_server: bool = False,
    ) -> str | None:
        """Return the refusal that the member reads, or None if they may go on.

        Args:
            guild_id: the guild of the interaction, None for a direct message.
            guild_roles: names of that guild's roles by id, None if the guild is not cached.
            member_role_ids: the roles of the interaction's member.
            required: the kind of role that the command requires.
            manages_server: whether the member has the permission Manage Server or Administrator.
        """
        if guild_id is None:
            return refusals.NOT_IN_GUILD
        if self.guild_ids and guild_id not in self.guild_ids:
            return refusals.FOREIGN_GUILD
        if guild_roles is None:
            return refusals.GUILD_NOT_SEEN_YET
        if required is RequiredRole.ADMIN and not self.admin_role_ids and self.is_home(guild_id, guild_roles):
            return None if manages_server else refusals.MANAGE_SERVER_NEEDED
        accepted = self._roles_in_guild(required, guild_id, guild_roles)
        if not accepted:
            setting = required if self.role_ids(required) else RequiredRole.DISPATCHER
            return refusals.no_configured_role(setting.value)
        if not any(role in member_role_ids for role in accepted):
            return refusals.role_needed((guild_roles[role] for role in accepted), is_admin=manages_server)
        return None

    def role_ids(self, required: RequiredRole) -> tuple[int, ...]:
        """Return the configured roles of a kind."""
        return self.admin_role_ids if required is RequiredRole.ADMIN else self.dispatcher_role_ids

    def _roles_in_guild(self, required: RequiredRole, guild_id: int, guild_role_ids: Collection[int]) -> list[int]:
        # The role @everyone has the guild's own id. It never gives access, even if the settings list it.
        return [role for role in self.role_ids(required) if role in guild_role_ids and role != guild_id]
