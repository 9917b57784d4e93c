"""Custom roles. The built-in ones are part of the program and have no rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson
from sqlalchemy import Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import Role
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import (
    bindings,
    group_invites,
    group_role_mappings,
    identity_providers,
    roles,
)
from broker.store.transaction import Transaction, below

_LISTING: Final = Listing(
    placement=Placement(roles.c.id, roles.c.group_id),
    order={
        "id": roles.c.id,
        "name": roles.c.name,
        "created_at": roles.c.created_at,
        "updated_at": roles.c.updated_at,
    },
    equal={"name": roles.c.name, "group": roles.c.group_id},
)


class Roles:
    """The custom roles in a transaction, each in its group."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, role: Role) -> None:
        """Raises `Conflict` for one that exists, `NotFound` when its group does not exist."""
        self._transaction.changed = True
        values = {
            "id": role.id,
            "group_id": role.id.parent,
            "created_at": role.created_at,
            **_mutable(role),
        }
        exists = Conflict("role_exists", "the role exists already", field="id")
        await self._transaction.insert(
            roles,
            values,
            {Violation.PRIMARY_KEY: exists, Violation.FOREIGN_KEY: group_missing()},
        )

    async def update(self, role: Role) -> None:
        """Everything but UIDP and time of creation. Raises `NotFound`."""
        self._transaction.changed = True
        statement = update(roles).where(roles.c.id == role.id).values(**_mutable(role))
        if not await self._transaction.change(statement):
            raise _not_found()

    async def get(self, uidp: Uidp) -> Role | None:
        """The one with this UIDP; None for a built-in one."""
        row = await self._transaction.row(select(roles).where(roles.c.id == uidp))
        return role_of(row) if row else None

    async def many(self, uidps: Iterable[Uidp]) -> dict[Uidp, Role]:
        """Those of these UIDPs that are custom roles."""
        found = map(role_of, await self._transaction.many(roles, uidps))
        return {each.id: each for each in found}

    async def in_group(self, group: Uidp) -> list[Role]:
        """Those of this very group, by name."""
        return await self._select(roles.c.group_id == group)

    async def below(self, group: Uidp) -> list[Role]:
        """Those of the group and of every folder below it, by name."""
        return await self._select(below(roles.c.id, group))

    async def visible_at(self, group: Uidp) -> list[Role]:
        """Those of the group and of every group above it, by name."""
        return await self._select(roles.c.group_id.in_(list(group.lineage())))

    async def page(self, selection: Selection) -> Page[Role]:
        """Those selected, which may be compared by `name`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, role_of)

    async def delete(self, uidp: Uidp) -> None:
        """The role and every binding, invite and mapping that gives it; a provider whose default
        it was has none any more. Raises `NotFound`.
        """
        self._transaction.changed = True
        for table in (bindings, group_invites, group_role_mappings):
            await self._transaction.change(delete(table).where(table.c.role == uidp))
        cleared = update(identity_providers).values(default_role=None)
        await self._transaction.change(cleared.where(identity_providers.c.default_role == uidp))
        if not await self._transaction.change(delete(roles).where(roles.c.id == uidp)):
            raise _not_found()

    async def _select(self, condition: Any) -> list[Role]:
        statement = select(roles).where(condition).order_by(roles.c.name, roles.c.id)
        return [role_of(row) for row in await self._transaction.rows(statement)]


def role_of(row: Row[Any]) -> Role:
    """From a row with the columns of `roles`."""
    return Role(
        id=Uidp(row.id),
        name=row.name,
        description=row.description,
        capabilities=frozenset(orjson.loads(row.capabilities)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _not_found() -> NotFound:
    return NotFound("role_not_found", "the role does not exist", field="id")


def _mutable(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "description": role.description,
        "capabilities": orjson.dumps(sorted(role.capabilities)).decode(),
        "updated_at": role.updated_at,
    }
