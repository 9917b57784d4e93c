"""Account associations: a group's accounts at clouds and code hosts."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import orjson
from sqlalchemy import Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import AccountAssociation
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import account_associations
from broker.store.transaction import Transaction

_LISTING: Final = Listing(
    placement=Placement(account_associations.c.group_id, None),
    order={
        "id": account_associations.c.group_id,
        "name": account_associations.c.name,
        "created_at": account_associations.c.created_at,
        "updated_at": account_associations.c.updated_at,
    },
    equal={"name": account_associations.c.name, "group": account_associations.c.group_id},
)


class AccountAssociations:
    """The account associations in a transaction, each known by its group."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, association: AccountAssociation) -> None:
        """Raises `Conflict` when the group has one, `NotFound` when it does not exist."""
        values = {
            "group_id": association.group,
            "created_at": association.created_at,
            **_mutable(association),
        }
        exists = Conflict("association_exists", "the group has account associations", field="group")
        await self._transaction.insert(
            account_associations,
            values,
            {Violation.PRIMARY_KEY: exists, Violation.FOREIGN_KEY: group_missing()},
        )

    async def update(self, association: AccountAssociation) -> None:
        """Everything but group and time of creation. Raises `NotFound`."""
        of_group = account_associations.c.group_id == association.group
        statement = update(account_associations).where(of_group).values(**_mutable(association))
        if not await self._transaction.change(statement):
            raise _not_found()

    async def get(self, group: Uidp) -> AccountAssociation | None:
        """The group's."""
        of_group = account_associations.c.group_id == group
        row = await self._transaction.row(select(account_associations).where(of_group))
        return _association(row) if row else None

    async def page(self, selection: Selection) -> Page[AccountAssociation]:
        """Those selected, which may be compared by `name`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _association)

    async def delete(self, group: Uidp) -> None:
        """The group's. Raises `NotFound`."""
        of_group = account_associations.c.group_id == group
        if not await self._transaction.change(delete(account_associations).where(of_group)):
            raise _not_found()


def _not_found() -> NotFound:
    return NotFound("association_not_found", "the group has no account associations", field="group")


def _mutable(association: AccountAssociation) -> dict[str, Any]:
    return {
        "name": association.name,
        "description": association.description,
        "accounts": orjson.dumps(dict(association.accounts)).decode(),
        "updated_at": association.updated_at,
    }


def _association(row: Row[Any]) -> AccountAssociation:
    return AccountAssociation(
        group=Uidp(row.group_id),
        name=row.name,
        description=row.description,
        accounts=MappingProxyType(orjson.loads(row.accounts)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
