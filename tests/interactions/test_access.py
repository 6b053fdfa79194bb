"""The access policy, decided by ids alone."""

from __future__ import annotations

import pytest

from bot.interactions.access import AccessPolicy, RequiredRole

HOME, FOREIGN = 10, 20


ROLES = {HOME: "@everyone", 11: "Dispatcher", 12: "Supervisor", 13: "Admin"}


@pytest.mark.parametrize(
    ("policy", "guild", "guild_roles", "held", "expected"),
    [
        pytest.param(AccessPolicy(frozenset(), (11,)), HOME, ROLES, [HOME, 11], None, id="has the role"),
        pytest.param(AccessPolicy(frozenset({HOME}), (11, 12)), HOME, ROLES, [HOME, 12], None, id="has one of two"),
        pytest.param(
            AccessPolicy(frozenset(), (11,)), HOME, ROLES, [HOME, 13], "Only **Dispatcher** can", id="lacks it"
        ),
        pytest.param(
            AccessPolicy(frozenset(), (11, 12)),
            HOME,
            ROLES,
            [],
            "Only **Dispatcher** or **Supervisor** can",
            id="lacks both",
        ),
        pytest.param(
            AccessPolicy(frozenset(), (11,)), None, None, [11], "only in your community's", id="direct message"
        ),
        pytest.param(
            AccessPolicy(frozenset({HOME}), (11,)), FOREIGN, ROLES, [11], "another community", id="not in GUILD_IDS"
        ),
        pytest.param(
            AccessPolicy(frozenset({HOME}), (11,)), FOREIGN, None, [11], "another community", id="foreign, uncached"
        ),
        pytest.param(
            AccessPolicy(frozenset(), (99,)),
            FOREIGN,
            ROLES,
            [99],
            "names no role of this server",
            id="a role from elsewhere",
        ),
        pytest.param(
            AccessPolicy(frozenset({HOME}), (99,)),
            HOME,
            ROLES,
            [99],
            "names no role of this server",
            id="a deleted role",
        ),
        pytest.param(
            AccessPolicy(frozenset({HOME}), (HOME,)),
            HOME,
            ROLES,
            [HOME],
            "names no role of this server",
            id="@everyone",
        ),
        pytest.param(
            AccessPolicy(frozenset({HOME}), (HOME, 11)),
            HOME,
            ROLES,
            [HOME],
            "**Dispatcher**",
            id="@everyone and a role",
        ),
        pytest.param(AccessPolicy(frozenset(), (11,)), HOME, None, [11], "can't see this server yet", id="uncached"),
        pytest.param(
            AccessPolicy(frozenset({HOME}), ()),
            HOME,
            ROLES,
            [11],
            "names no role of this server",
            id="nothing configured",
        ),
    ],
)
def test_dispatcher_command_is_allowed_or_refused(
    policy: AccessPolicy, guild: int | None, guild_roles: dict[int, str] | None, held: list[int], expected: str | None
) -> None:
    refusal = policy.refusal(guild, guild_roles, held)
    if expected is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert expected in refusal
        assert refusal.startswith("⛔ ")


ADMIN_BY_ROLE, ADMIN_BY_PERMISSION = AccessPolicy(frozenset(), (11,), (13,)), AccessPolicy(frozenset(), (11,))


@pytest.mark.parametrize(
    ("policy", "guild_roles", "held", "manages", "expected"),
    [
        pytest.param(ADMIN_BY_ROLE, ROLES, [13], False, None, id="has the role"),
        pytest.param(
            ADMIN_BY_ROLE,
            ROLES,
            [11],
            True,
            "Only **Admin** can do this. Being an admin isn't enough",
            id="the permission is not enough",
        ),
        pytest.param(
            AccessPolicy(frozenset(), (11,), (99,)),
            ROLES,
            [99],
            True,
            "`ADMIN_ROLE_IDS` names no role",
            id="deleted role",
        ),
        pytest.param(ADMIN_BY_PERMISSION, ROLES, [], True, None, id="manages the server"),
        pytest.param(ADMIN_BY_PERMISSION, ROLES, [11], False, "**Manage Server** permission", id="a dispatcher only"),
        pytest.param(
            AccessPolicy(frozenset(), (99,)), ROLES, [], True, "`DISPATCHER_ROLE_IDS` names no role", id="no home"
        ),
        pytest.param(
            AccessPolicy(frozenset({FOREIGN}), (11,)), ROLES, [], True, "another community", id="not in GUILD_IDS"
        ),
        pytest.param(AccessPolicy(frozenset({HOME}), (99,)), ROLES, [], True, None, id="home by GUILD_IDS"),
        pytest.param(ADMIN_BY_PERMISSION, None, [], True, "can't see this server yet", id="uncached"),
        pytest.param(
            AccessPolicy(frozenset({HOME}), (11,), (HOME,)),
            ROLES,
            [HOME],
            True,
            "names no role of this server",
            id="@everyone",
        ),
    ],
)
def test_admin_command_is_allowed_or_refused(
    policy: AccessPolicy, guild_roles: dict[int, str] | None, held: list[int], manages: bool, expected: str | None
) -> None:
    refusal = policy.refusal(HOME, guild_roles, held, RequiredRole.ADMIN, manages_server=manages)
    if expected is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert expected in refusal
        assert refusal.startswith("⛔ ")


def test_guild_with_either_kind_of_role_is_home() -> None:
    assert ADMIN_BY_ROLE.is_home(HOME, {HOME: "@everyone", 13: "Admin"})
    assert not ADMIN_BY_PERMISSION.is_home(HOME, {HOME: "@everyone", 13: "Admin"})
    # In a guild of the admins alone, the refusal of a dispatcher's command names the setting that gives access.
    refusal = ADMIN_BY_ROLE.refusal(HOME, {HOME: "@everyone", 13: "Admin"}, [13])
    assert refusal is not None
    assert "`DISPATCHER_ROLE_IDS` names no role" in refusal


def test_refusal_that_names_many_roles_fits_into_a_message() -> None:
    roles = {number: f"{number} " + "x" * 97 for number in range(1, 26)}
    refusal = AccessPolicy(frozenset(), tuple(roles)).refusal(99, roles, [])
    assert refusal is not None
    assert len(refusal) < 2000
    assert "or 22 other roles" in refusal
