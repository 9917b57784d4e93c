"""Terms: which documents were accepted for an organization."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, select

from broker.iam.listing import Page, Selection
from broker.iam.model import TermsAcceptance
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import terms_acceptances
from broker.store.transaction import Transaction

_LISTING: Final = Listing(
    placement=Placement(terms_acceptances.c.group_id, None),
    order={
        "group": terms_acceptances.c.group_id,
        "document": terms_acceptances.c.document,
        "accepted_by": terms_acceptances.c.accepted_by,
        "accepted_at": terms_acceptances.c.accepted_at,
    },
    equal={"document": terms_acceptances.c.document, "group": terms_acceptances.c.group_id},
    key=("group", "document"),
)


class Terms:
    """The acceptances in a transaction: at most one of a document for a group."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def accept(self, acceptance: TermsAcceptance) -> TermsAcceptance:
        """The acceptance that stands from now on: an earlier one of the same document for the
        same group is left as it is. Raises `NotFound` when the group does not exist.
        """
        column = terms_acceptances.c
        earlier = await self._transaction.row(
            select(terms_acceptances).where(
                column.group_id == acceptance.group, column.document == acceptance.document
            )
        )
        if earlier:
            return _acceptance(earlier)
        values = {
            "group_id": acceptance.group,
            "document": acceptance.document,
            "accepted_by": acceptance.accepted_by,
            "accepted_at": acceptance.accepted_at,
        }
        refusals = {Violation.FOREIGN_KEY: group_missing()}
        await self._transaction.insert(terms_acceptances, values, refusals)
        return acceptance

    async def of_group(self, group: Uidp) -> list[TermsAcceptance]:
        """Those for this very group, by document."""
        column = terms_acceptances.c
        statement = select(terms_acceptances).where(column.group_id == group)
        rows = await self._transaction.rows(statement.order_by(column.document))
        return [_acceptance(row) for row in rows]

    async def page(self, selection: Selection) -> Page[TermsAcceptance]:
        """Those selected, which may be compared by `document`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _acceptance)


def _acceptance(row: Row[Any]) -> TermsAcceptance:
    return TermsAcceptance(
        group=Uidp(row.group_id),
        document=row.document,
        accepted_by=Uidp(row.accepted_by),
        accepted_at=row.accepted_at,
    )
