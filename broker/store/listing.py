"""Pages of records: a `Selection` as SQL, alike for every noun and on both engines.

In the order of UIDPs, what a page costs follows from its length and from how many subtrees its
reader sees, not from how many records there are: each subtree is a range of an index, read in
order and no further than the page needs. Other orders sort what is selected, except by name
within one group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, Select, func, select, union_all

from broker.iam.listing import Page, Record, Selection
from broker.store.intervals import EVERYTHING, Interval
from broker.store.keyset import Keyset
from broker.store.placement import Branch, Placement
from broker.store.transaction import Transaction, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How the records of a noun are selected.

    `order`: what they may be ordered by, `equal`: what may be compared, each a field of the
    record. `key`: the fields that tell records apart, the UIDP first.
    """

    placement: Placement
    order: Mapping[str, Column[Any]]
    equal: Mapping[str, Column[str]]
    key: tuple[str, ...] = ("id",)

    async def page(
        self, transaction: Transaction, selection: Selection, read: Callable[[Row[Any]], Record]
    ) -> Page[Record]:
        """What is selected, each record as `read` makes it of its row.

        Raises `Invalid` for an `after` that no page of this order can have ended with, and for
        more than 1,000 `ids`; ValueError for a field that the noun does not order by or compare.
        """
        keyset = Keyset(selection.order, self.order, self.key)
        keyset.expect(selection.after)
        rows: Sequence[Row[Any]] = ()
        if branches := self._branches(selection, keyset.rest(selection.after)):
            beyond = keyset.beyond(selection.after, self.placement.uidp.table)
            branches = [[*branch, *beyond] for branch in branches]
            rows = await transaction.rows(self._select(branches, keyset, selection))
        records = tuple(read(row) for row in rows[: selection.limit])
        return Page(
            records=records,
            next=keyset.position(records[-1]) if 0 < len(records) < len(rows) else None,
            total=await self._count(transaction, selection) if selection.count else None,
        )

    def _branches(self, selection: Selection, rest: Interval) -> list[Branch]:
        if unknown := set(selection.equal) - set(self.equal):
            raise ValueError(f"cannot compare {', '.join(sorted(unknown))}")
        if not all(map(storable, selection.equal.values())):
            return []
        alike = [self.equal[field] == value for field, value in selection.equal.items()]
        return [[*branch, *alike] for branch in self.placement.branches(selection, rest)]

    def _select(
        self, branches: Sequence[Branch], keyset: Keyset, selection: Selection
    ) -> Select[Any]:
        table = self.placement.uidp.table
        # one more than the page, to know whether there is a next one
        limit = None if selection.limit is None else selection.limit + 1
        found = select(table).where(*branches[0])
        columns: Any = table
        if len(branches) > 1:
            deep = None if limit is None else limit + selection.skip
            each = (select(table).where(*b).order_by(*keyset.ordering(table)) for b in branches)
            columns = union_all(*(select(e.limit(deep).subquery()) for e in each)).subquery()
            found = select(columns)
        return found.order_by(*keyset.ordering(columns)).limit(limit).offset(selection.skip or None)

    async def _count(self, transaction: Transaction, selection: Selection) -> int:
        branches = self._branches(selection, EVERYTHING)
        if not branches:
            return 0
        count = select(func.count().label("n")).select_from(self.placement.uidp.table)
        counts = union_all(*(count.where(*branch) for branch in branches)).subquery()
        row = await transaction.row(select(func.sum(counts.c.n)))
        assert row is not None, "an aggregate has one row"
        return int(row[0])
