"""Invites: standing offers to hold a role at a group."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, delete, select

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import GroupInvite
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import group_invites
from broker.store.transaction import Transaction, storable

_LISTING: Final = Listing(
    placement=Placement(group_invites.c.id, group_invites.c.group_id),
    order={
        "id": group_invites.c.id,
        "role": group_invites.c.role,
        "email": group_invites.c.email,
        "key_id": group_invites.c.key_id,
        "expires_at": group_invites.c.expires_at,
        "created_at": group_invites.c.created_at,
    },
    equal={
        "key_id": group_invites.c.key_id,
        "role": group_invites.c.role,
        "group": group_invites.c.group_id,
    },
)


class Invites:
    """The invites in a transaction. An invite's group is its UIDP's parent."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, invite: GroupInvite) -> None:
        """Raises `Conflict` for a UIDP or a key id that exists, `NotFound` when the group does
        not exist. The role is not looked at.
        """
        exists = Conflict("invite_exists", "the invite exists already", field="id")
        await self._transaction.insert(
            group_invites,
            _columns(invite),
            {
                Violation.PRIMARY_KEY: exists,
                Violation.UNIQUE: exists,
                Violation.FOREIGN_KEY: group_missing(),
            },
        )

    async def get(self, uidp: Uidp) -> GroupInvite | None:
        """The one with this UIDP."""
        row = await self._transaction.row(select(group_invites).where(group_invites.c.id == uidp))
        return _invite(row) if row else None

    async def by_key_id(self, key_id: str) -> GroupInvite | None:
        """The one whose code has this key id."""
        if not storable(key_id):
            return None
        statement = select(group_invites).where(group_invites.c.key_id == key_id)
        row = await self._transaction.row(statement)
        return _invite(row) if row else None

    async def page(self, selection: Selection) -> Page[GroupInvite]:
        """Those selected, which may be compared by `key_id`, `role`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _invite)

    async def delete(self, uidp: Uidp) -> None:
        """Raises `NotFound`: of two who accept a single-use invite at once, for the second."""
        statement = delete(group_invites).where(group_invites.c.id == uidp)
        if not await self._transaction.change(statement):
            raise NotFound("invite_not_found", "the invite does not exist", field="id")


def _columns(invite: GroupInvite) -> dict[str, Any]:
    return {
        "id": invite.id,
        "group_id": invite.id.parent,
        "role": invite.role,
        "email": invite.email,
        "single_use": invite.single_use,
        "key_id": invite.key_id,
        "secret_sha256": invite.secret_sha256,
        "created_by": invite.created_by,
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
    }


def _invite(row: Row[Any]) -> GroupInvite:
    return GroupInvite(
        id=Uidp(row.id),
        role=Uidp(row.role),
        email=row.email,
        single_use=row.single_use,
        key_id=row.key_id,
        secret_sha256=row.secret_sha256,
        created_by=Uidp(row.created_by),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
