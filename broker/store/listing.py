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

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Row,
    Select,
    column,
    func,
    literal_column,
    select,
    union_all,
)

from broker.iam.listing import Page, Record, Selection
from broker.store.intervals import EVERYTHING, Interval
from broker.store.keyset import Columns, Keyset
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
        statement = self.statement(selection)
        rows = await transaction.rows(statement) if statement is not None else ()
        records = tuple(read(row) for row in rows[: selection.limit])
        has_more = 0 < len(records) < len(rows)
        return Page(
            records=records,
            next=self._keyset(selection).position(records[-1]) if has_more else None,
            total=await self._count(transaction, selection) if selection.count else None,
        )

    def statement(self, selection: Selection) -> Select[Any] | None:
        """The rows of the page and one more, should there be one; None when nothing is selected.

        Raises as `page` does.
        """
        keyset = self._keyset(selection)
        keyset.expect(selection.after)
        table = self.placement.uidp.table
        columns: Columns = dict(table.c.items())
        beyond = keyset.beyond(selection.after, columns)
        found = [
            select(table).where(*branch, *beyond).order_by(*keyset.ordering(columns))
            for branch in self._branches(selection, keyset.rest(selection.after))
        ]
        if not found:
            return None
        limit = None if selection.limit is None else selection.limit + 1
        skip = selection.skip or None
        if len(found) == 1:
            return found[0].limit(limit).offset(skip)
        # of each branch no more than the page can need of it
        together = _union(found, None if limit is None else limit + selection.skip)
        same: Columns = {name: column(name, each.type) for name, each in table.c.items()}
        return (
            select(*same.values())
            .select_from(together)
            .order_by(*keyset.ordering(same))
            .limit(limit)
            .offset(skip)
        )

    def _keyset(self, selection: Selection) -> Keyset:
        return Keyset(selection.order, self.order, self.key)

    def _branches(self, selection: Selection, rest: Interval) -> list[Branch]:
        if unknown := set(selection.equal) - set(self.equal):
            raise ValueError(f"cannot compare {', '.join(sorted(unknown))}")
        if not all(map(storable, selection.equal.values())):
            return []
        alike = [self.equal[field] == value for field, value in selection.equal.items()]
        return [[*branch, *alike] for branch in self.placement.branches(selection, rest)]

    async def _count(self, transaction: Transaction, selection: Selection) -> int:
        branches = self._branches(selection, EVERYTHING)
        if not branches:
            return 0
        count = select(func.count().label("n")).select_from(self.placement.uidp.table)
        counts = union_all(*(count.where(*branch) for branch in branches)).subquery()
        row = await transaction.row(select(func.sum(counts.c.n)))
        assert row is not None, "an aggregate has one row"
        return int(row[0])


def _union(selects: Sequence[Select[Any]], limit: int | None) -> FromClause:
    # "*": with named columns, SQLAlchemy would spend more on each member than the engine does;
    # a member of a union may not have an order, but a subquery in it may
    star: ColumnElement[Any] = literal_column("*")
    limited = (each.limit(limit).subquery() for each in selects)
    return union_all(*(select(star).select_from(each) for each in limited)).subquery()
