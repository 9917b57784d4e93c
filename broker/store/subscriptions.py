"""Subscriptions: where the events of a group are sent."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, delete, select

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import Subscription
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import subscriptions
from broker.store.transaction import Transaction

_LISTING: Final = Listing(
    placement=Placement(subscriptions.c.id, subscriptions.c.group_id),
    order={
        "id": subscriptions.c.id,
        "sink": subscriptions.c.sink,
        "created_at": subscriptions.c.created_at,
    },
    equal={"group": subscriptions.c.group_id},
)


class Subscriptions:
    """The subscriptions in a transaction. A subscription's group is its UIDP's parent."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, subscription: Subscription) -> None:
        """Raises `Conflict` for one that exists, `NotFound` when its group does not exist. A
        group may have several for one sink.
        """
        values = {
            "id": subscription.id,
            "group_id": subscription.id.parent,
            "sink": subscription.sink,
            "created_at": subscription.created_at,
        }
        exists = Conflict("subscription_exists", "the subscription exists already", field="id")
        await self._transaction.insert(
            subscriptions,
            values,
            {Violation.PRIMARY_KEY: exists, Violation.FOREIGN_KEY: group_missing()},
        )

    async def get(self, uidp: Uidp) -> Subscription | None:
        """The one with this UIDP."""
        row = await self._transaction.row(select(subscriptions).where(subscriptions.c.id == uidp))
        return _subscription(row) if row else None

    async def at_or_above(self, group: Uidp) -> list[Subscription]:
        """Those of the group and of every group above it: who is sent an event of the group."""
        lineage = list(group.lineage())
        statement = select(subscriptions).where(subscriptions.c.group_id.in_(lineage))
        rows = await self._transaction.rows(statement.order_by(subscriptions.c.id))
        return [_subscription(row) for row in rows]

    async def page(self, selection: Selection) -> Page[Subscription]:
        """Those selected, which may be compared by `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _subscription)

    async def delete(self, uidp: Uidp) -> None:
        """Raises `NotFound`."""
        statement = delete(subscriptions).where(subscriptions.c.id == uidp)
        if not await self._transaction.change(statement):
            raise NotFound("subscription_not_found", "the subscription does not exist", field="id")


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(id=Uidp(row.id), sink=row.sink, created_at=row.created_at)
