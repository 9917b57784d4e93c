"""An organization that has an owner keeps one."""

from __future__ import annotations

from collections.abc import Iterable

from broker.errors import Precondition
from broker.iam.model import RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Records


def organizations_owned(bindings: Iterable[RoleBinding], roles: BuiltinRoles) -> set[Uidp]:
    """The organizations of which some of these bindings make their identity an owner."""
    return {
        binding.group
        for binding in bindings
        if binding.role == roles.owner.id and binding.group.is_root
    }


async def expect_owners_left(
    records: Records, organizations: Iterable[Uidp], roles: BuiltinRoles
) -> None:
    """To be asked after bindings were removed. Raises `Precondition` (`last_owner`), with which
    the transaction ends and they are back. Who is bound and has never come is no owner yet: the
    UIDP may be misspelt, and nobody's.
    """
    for organization in organizations:
        if await records.groups.get(organization) is None:
            continue
        owners = await records.bindings.holders(organization, roles.owner.id)
        if not await records.identities.many(binding.identity for binding in owners):
            raise Precondition(
                "last_owner",
                f"this would leave the organization {organization} without an owner; make "
                "somebody else an owner first",
                field="id",
            )
