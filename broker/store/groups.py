"""Organizations and folders."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, or_, select, update

from broker.errors import Conflict, NotFound
from broker.iam.model import Group
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.tables import bindings, groups, identities, roles
from broker.store.transaction import Refusals, Transaction, below


class Groups:
    """The groups in a transaction. A folder's parent is its UIDP's."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, group: Group) -> None:
        """Raises `Conflict` for a name that the parent's children (the roots) have already,
        `NotFound` for a folder whose parent does not exist.
        """
        self._transaction.changed = True
        values = {
            "id": group.id,
            "parent": group.id.parent,
            "created_at": group.created_at,
            **_mutable(group),
        }
        await self._transaction.insert(groups, values, _refusals())

    async def update(self, group: Group) -> None:
        """Name, description and time of update. Raises `NotFound`, `Conflict` as `add`."""
        self._transaction.changed = True
        statement = update(groups).where(groups.c.id == group.id).values(**_mutable(group))
        if not await self._transaction.change(statement, _refusals()):
            raise _not_found()

    async def get(self, uidp: Uidp) -> Group | None:
        """The one with this UIDP."""
        row = await self._transaction.row(select(groups).where(groups.c.id == uidp))
        return _group(row) if row else None

    async def by_name(self, parent: Uidp | None, name: str) -> Group | None:
        """The folder of that name right below `parent`, or the organization of that name."""
        statement = select(groups).where(groups.c.parent == parent, groups.c.name == name)
        row = await self._transaction.row(statement)
        return _group(row) if row else None

    async def roots(self) -> list[Group]:
        """The organizations, by name."""
        statement = select(groups).where(groups.c.parent.is_(None)).order_by(groups.c.name)
        return [_group(row) for row in await self._transaction.rows(statement)]

    async def children(self, uidp: Uidp) -> list[Group]:
        """The folders right below, by name."""
        statement = select(groups).where(groups.c.parent == uidp).order_by(groups.c.name)
        return [_group(row) for row in await self._transaction.rows(statement)]

    async def descendants(self, uidp: Uidp) -> list[Group]:
        """The folders at any depth below, each after its parent."""
        statement = select(groups).where(below(groups.c.id, uidp)).order_by(groups.c.id)
        return [_group(row) for row in await self._transaction.rows(statement)]

    async def delete(self, uidp: Uidp) -> None:
        """The group, everything below it, and what identities and roles below it were bound by
        elsewhere. Raises `NotFound`.
        """
        self._transaction.changed = True
        for column in (bindings.c.identity, bindings.c.role, bindings.c.id):
            await self._transaction.change(delete(bindings).where(below(column, uidp)))
        for table in (identities, roles):
            await self._transaction.change(delete(table).where(below(table.c.id, uidp)))
        subtree = or_(groups.c.id == uidp, below(groups.c.id, uidp))
        if not await self._transaction.change(delete(groups).where(subtree)):
            raise _not_found()


def group_missing() -> NotFound:
    """The group that a record is added to does not exist."""
    return NotFound("group_not_found", "the group does not exist", field="group")


def _not_found() -> NotFound:
    return NotFound("group_not_found", "the group does not exist", field="id")


def _refusals() -> Refusals:
    return {
        Violation.PRIMARY_KEY: Conflict("group_exists", "the group exists already", field="id"),
        Violation.UNIQUE: Conflict(
            "name_taken", "another group beside it has this name", field="name"
        ),
        Violation.FOREIGN_KEY: NotFound(
            "group_not_found", "the parent group does not exist", field="parent"
        ),
    }


def _mutable(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "description": group.description,
        "updated_at": group.updated_at,
    }


def _group(row: Row[Any]) -> Group:
    return Group(
        id=Uidp(row.id),
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
