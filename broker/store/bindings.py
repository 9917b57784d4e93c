"""Role bindings: which identity holds which role where."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import Role, RoleBinding
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.roles import role_of
from broker.store.tables import bindings, roles
from broker.store.transaction import Transaction, below, digest

_WITH_ROLES = (
    select(
        bindings.c.id.label("binding_id"),
        bindings.c.identity.label("binding_identity"),
        bindings.c.role.label("binding_role"),
        bindings.c.created_at.label("binding_created_at"),
        roles,
    )
    .join_from(bindings, roles, bindings.c.role == roles.c.id, isouter=True)
    .order_by(bindings.c.id)
)

_LISTING: Final = Listing(
    placement=Placement(bindings.c.id, bindings.c.group_id),
    order={
        "id": bindings.c.id,
        "identity": bindings.c.identity,
        "role": bindings.c.role,
        "created_at": bindings.c.created_at,
    },
    equal={"identity": bindings.c.identity, "role": bindings.c.role, "group": bindings.c.group_id},
)


class Bindings:
    """The role bindings in a transaction. A binding's group is its UIDP's parent."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, binding: RoleBinding) -> None:
        """Raises `Conflict` when the identity holds the role at the group already, `NotFound`
        when the group does not exist. Identity and role are not looked at.
        """
        self._transaction.changed = True
        values = {
            "id": binding.id,
            "group_id": binding.group,
            "created_at": binding.created_at,
            **_mutable(binding),
        }
        exists = _exists()
        await self._transaction.insert(
            bindings,
            values,
            {
                Violation.PRIMARY_KEY: exists,
                Violation.UNIQUE: exists,
                Violation.FOREIGN_KEY: group_missing(),
            },
        )

    async def update(self, binding: RoleBinding) -> None:
        """Identity and role. Raises `NotFound`, `Conflict` as `add`."""
        self._transaction.changed = True
        statement = update(bindings).where(bindings.c.id == binding.id)
        changed = await self._transaction.change(
            statement.values(**_mutable(binding)), {Violation.UNIQUE: _exists()}
        )
        if not changed:
            raise _not_found()

    async def get(self, uidp: Uidp) -> RoleBinding | None:
        """The one with this UIDP."""
        row = await self._transaction.row(select(bindings).where(bindings.c.id == uidp))
        return _binding(row) if row else None

    async def at_group(self, group: Uidp) -> list[RoleBinding]:
        """Those at this very group."""
        return await self._select(bindings.c.group_id == group)

    async def holders(self, group: Uidp, role: Uidp) -> list[RoleBinding]:
        """Those that give the role at this very group."""
        column = bindings.c
        # the range lets the index by role serve, where most groups have a binding of the role
        return await self._select(
            column.role == role, below(column.id, group), column.group_id == group
        )

    async def below(self, group: Uidp) -> list[RoleBinding]:
        """Those at the group and at every folder below it."""
        return await self._select(below(bindings.c.id, group))

    async def of_identity(self, identity: Uidp) -> list[RoleBinding]:
        """Those of the identity, anywhere."""
        return await self._select(bindings.c.identity == identity)

    async def of_identities_below(self, group: Uidp) -> list[RoleBinding]:
        """Those of the identities of the group and of every folder below it, anywhere."""
        return await self._select(below(bindings.c.identity, group))

    async def with_roles(self, identity: Uidp) -> list[tuple[RoleBinding, Role | None]]:
        """Those of the identity, each with its custom role; None for a built-in one."""
        rows = await self._transaction.rows(_WITH_ROLES.where(bindings.c.identity == identity))
        return [
            (
                RoleBinding(
                    id=Uidp(row.binding_id),
                    identity=Uidp(row.binding_identity),
                    role=Uidp(row.binding_role),
                    created_at=row.binding_created_at,
                ),
                role_of(row) if row.id is not None else None,
            )
            for row in rows
        ]

    async def page(self, selection: Selection) -> Page[RoleBinding]:
        """Those selected, which may be compared by `identity`, `role`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _binding)

    async def delete(self, uidp: Uidp) -> None:
        """Raises `NotFound`."""
        self._transaction.changed = True
        if not await self._transaction.change(delete(bindings).where(bindings.c.id == uidp)):
            raise _not_found()

    async def _select(self, *conditions: Any) -> list[RoleBinding]:
        statement = select(bindings).where(*conditions).order_by(bindings.c.id)
        return [_binding(row) for row in await self._transaction.rows(statement)]


def _exists() -> Conflict:
    return Conflict("binding_exists", "the identity has this role at this group already")


def _not_found() -> NotFound:
    return NotFound("binding_not_found", "the role binding does not exist", field="id")


def _mutable(binding: RoleBinding) -> dict[str, Any]:
    return {
        "identity": binding.identity,
        "role": binding.role,
        "grant_sha256": digest(binding.group, binding.identity, binding.role),
    }


def _binding(row: Row[Any]) -> RoleBinding:
    return RoleBinding(
        id=Uidp(row.id),
        identity=Uidp(row.identity),
        role=Uidp(row.role),
        created_at=row.created_at,
    )
