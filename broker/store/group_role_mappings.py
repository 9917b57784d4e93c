"""Group role mappings: what membership in a group at an identity provider gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row, delete, select

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import GroupRoleMapping
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.identity_providers import provider_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import group_role_mappings, identity_providers
from broker.store.transaction import Transaction, digest

_LISTING: Final = Listing(
    placement=Placement(group_role_mappings.c.id, group_role_mappings.c.group_id),
    order={
        "id": group_role_mappings.c.id,
        "identity_provider": group_role_mappings.c.identity_provider,
        "external_group": group_role_mappings.c.external_group,
        "role": group_role_mappings.c.role,
        "scope": group_role_mappings.c.scope,
        "created_at": group_role_mappings.c.created_at,
    },
    equal={
        "identity_provider": group_role_mappings.c.identity_provider,
        "group": group_role_mappings.c.group_id,
    },
)


class GroupRoleMappings:
    """The mappings in a transaction. The group that a mapping belongs to is its UIDP's parent."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, mapping: GroupRoleMapping) -> None:
        """Raises `Conflict` for one that exists, or another that gives the same role at the same
        scope to the same group of the provider; `NotFound` when its group or its provider does
        not exist. Role and scope are not looked at.
        """
        self._transaction.changed = True
        await self._expect_provider(mapping.identity_provider)
        exists = Conflict("mapping_exists", "the group has this role at this scope already")
        await self._transaction.insert(
            group_role_mappings,
            _columns(mapping),
            {
                Violation.PRIMARY_KEY: exists,
                Violation.UNIQUE: exists,
                Violation.FOREIGN_KEY: group_missing(),
            },
        )

    async def get(self, uidp: Uidp) -> GroupRoleMapping | None:
        """The one with this UIDP."""
        statement = select(group_role_mappings).where(group_role_mappings.c.id == uidp)
        row = await self._transaction.row(statement)
        return _mapping(row) if row else None

    async def many(self, uidps: Iterable[Uidp]) -> dict[Uidp, GroupRoleMapping]:
        """Those of these UIDPs that exist."""
        found = map(_mapping, await self._transaction.many(group_role_mappings, uidps))
        return {each.id: each for each in found}

    async def of_provider(self, provider: Uidp) -> list[GroupRoleMapping]:
        """Those of the identity provider."""
        column = group_role_mappings.c
        statement = select(group_role_mappings).where(column.identity_provider == provider)
        rows = await self._transaction.rows(statement.order_by(column.id))
        return [_mapping(row) for row in rows]

    async def page(self, selection: Selection) -> Page[GroupRoleMapping]:
        """Those selected, which may be compared by `identity_provider`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _mapping)

    async def delete(self, uidp: Uidp) -> None:
        """Raises `NotFound`."""
        self._transaction.changed = True
        statement = delete(group_role_mappings).where(group_role_mappings.c.id == uidp)
        if not await self._transaction.change(statement):
            raise NotFound("mapping_not_found", "the group role mapping does not exist", field="id")

    async def _expect_provider(self, provider: Uidp) -> None:
        # asked for by itself: SQLite does not say which foreign key was violated
        column = identity_providers.c.id
        if await self._transaction.row(select(column).where(column == provider)) is None:
            raise provider_missing("identity_provider")


def _columns(mapping: GroupRoleMapping) -> dict[str, Any]:
    return {
        "id": mapping.id,
        "group_id": mapping.id.parent,
        "identity_provider": mapping.identity_provider,
        "external_group": mapping.external_group,
        "role": mapping.role,
        "scope": mapping.scope,
        "grant_sha256": digest(
            mapping.identity_provider, mapping.external_group, mapping.role, mapping.scope
        ),
        "created_at": mapping.created_at,
    }


def _mapping(row: Row[Any]) -> GroupRoleMapping:
    return GroupRoleMapping(
        id=Uidp(row.id),
        identity_provider=Uidp(row.identity_provider),
        external_group=row.external_group,
        role=Uidp(row.role),
        scope=Uidp(row.scope),
        created_at=row.created_at,
    )
