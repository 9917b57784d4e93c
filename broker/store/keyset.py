"""Total orders over a noun's records, and the positions in them where pages meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Column, ColumnElement, and_, func, or_, type_coerce

from broker.errors import Invalid
from broker.iam.listing import Order
from broker.store.intervals import EVERYTHING, Interval, following
from broker.store.tables import Moment, microseconds
from broker.store.transaction import storable

_BEFORE_ALL_TIMES: Final = -(2**63)
"""Where a time that is not known stands: first. The least number that both engines keep."""

Position = tuple[str | int, ...]

Columns = Mapping[str, ColumnElement[Any]]
"""By name: those of a table, or of a subquery that has the same."""


class _Step(NamedTuple):
    """By one column; later steps tell apart what is alike in the earlier ones."""

    field: str
    column: Column[Any]
    descending: bool

    @property
    def is_time(self) -> bool:
        return isinstance(self.column.type, Moment)

    def among(self, columns: Columns) -> ColumnElement[Any]:
        """What is compared, of these columns."""
        column = columns[self.column.name]
        if not self.is_time:
            return column
        number = type_coerce(column, BigInteger)
        return func.coalesce(number, _BEFORE_ALL_TIMES) if self.column.nullable else number

    def takes(self, value: object) -> bool:
        """Whether a record may have this value there."""
        if self.is_time:
            return type(value) is int and -(2**63) <= value < 2**63
        return isinstance(value, str) and storable(value)


class Keyset:
    """The order of a list. A position in it is a record's values of the fields that the list was
    asked to be ordered by, then those of `key`, the fields that tell records apart (the UIDP is
    the first of them). Times are microseconds since the epoch.
    """

    def __init__(
        self, order: Sequence[Order], columns: Mapping[str, Column[Any]], key: tuple[str, ...]
    ) -> None:
        """Raises ValueError for a field that `columns` does not have."""
        self._fields = (*(each.field for each in order), *key)
        self._key = key
        if unknown := set(self._fields) - set(columns):
            raise ValueError(f"cannot order by {', '.join(sorted(unknown))}")
        asked = {each.field: each.descending for each in reversed(order)}
        self._steps: list[_Step] = []
        for name in dict.fromkeys(self._fields):
            self._steps.append(_Step(name, columns[name], asked.get(name, False)))
            if {step.field for step in self._steps} >= set(key):
                break  # nothing is alike any more

    def ordering(self, columns: Columns) -> list[ColumnElement[Any]]:
        """For ORDER BY."""
        terms = [(step.among(columns), step.descending) for step in self._steps]
        return [column.desc() if descending else column for column, descending in terms]

    def position(self, record: object) -> Position:
        """Where the record stands."""
        return tuple(_value(getattr(record, name)) for name in self._fields)

    def rest(self, after: Position) -> Interval:
        """The UIDPs that can follow a position, as far as the order is by UIDP.

        Said as an interval and not as one more condition: of two lower bounds, SQLite may take
        the wrong one into the index and read everything between the two.
        """
        first = self._steps[0]
        if not after or first.field != self._key[0]:
            return EVERYTHING
        value = str(self._values(after)[0])
        return following(value, descending=first.descending, inclusive=len(self._steps) > 1)

    def beyond(self, after: Position, columns: Columns) -> list[ColumnElement[bool]]:
        """What else holds of the rows that follow a position."""
        if not after or len(self._steps) == 1:
            return []
        compared = [
            (step.among(columns), step.descending, value)
            for step, value in zip(self._steps, self._values(after), strict=True)
        ]
        column, descending, value = compared.pop()
        further = _further(column, value, descending=descending)
        for column, descending, value in reversed(compared):
            alike = and_(column == value, further)
            further = or_(_further(column, value, descending=descending), alike)
        # follows from what was said, and can be looked up in an index
        column, descending, value = compared[0]
        return [column <= value if descending else column >= value, further]

    def expect(self, after: Position) -> None:
        """Raises `Invalid` when no page of this order can have ended there."""
        if after and not self._is_position(after):
            raise Invalid(
                "page_token_invalid",
                "page_token: not of a list in this order (expected the next_page_token of the "
                "page before, with the same order_by)",
                field="page_token",
            )

    def _is_position(self, after: Position) -> bool:
        return len(after) == len(self._fields) and all(
            step.takes(value) for step, value in zip(self._steps, self._values(after), strict=True)
        )

    def _values(self, after: Position) -> list[str | int]:
        values = dict(zip(self._fields, after, strict=True))
        return [values[step.field] for step in self._steps]


def _further(
    column: ColumnElement[Any], value: str | int, *, descending: bool
) -> ColumnElement[bool]:
    return column < value if descending else column > value


def _value(value: object) -> str | int:
    if value is None:
        return _BEFORE_ALL_TIMES
    return microseconds(value) if isinstance(value, datetime) else str(value)
