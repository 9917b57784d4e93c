"""One transaction: statements go in, rows and the product's errors come out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Table, and_, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import Executable

from broker.errors import BrokerError
from broker.iam.uidp import Uidp
from broker.store.failures import Violation, translated, violation

Refusals = Mapping[Violation, BrokerError]
"""What to raise when a change runs into a constraint."""

NONE: Final[Refusals] = MappingProxyType({})

_AT_ONCE: Final = 500
"""How many UIDPs one statement asks for: both engines limit the parameters of a statement."""


class Transaction:
    """What the nouns of `Records` share."""

    def __init__(self, connection: AsyncConnection, *, writable: bool) -> None:
        self._connection = connection
        self._writable = writable
        self._refused = False
        self.changed = False
        """Whether a record that a cached snapshot may hold was touched."""

    async def row(self, statement: Executable) -> Row[Any] | None:
        """The only row, or None."""
        with translated():
            return (await self._connection.execute(statement)).one_or_none()

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """All of them."""
        with translated():
            return (await self._connection.execute(statement)).all()

    async def many(self, table: Table, uidps: Iterable[Uidp]) -> list[Row[Any]]:
        """The rows of these UIDPs, those that there are, in no order."""
        wanted = sorted(set(uidps))
        found: list[Row[Any]] = []
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            found += await self.rows(select(table).where(table.c.id.in_(some)))
        return found

    async def insert(self, table: Table, values: Mapping[str, Any], refusals: Refusals) -> None:
        """One row."""
        await self.change(insert(table).values(**values), refusals)

    async def change(self, statement: Executable, refusals: Refusals = NONE) -> int:
        """Insert, update or delete; returns how many rows it touched.

        After a refusal the transaction cannot go on: PostgreSQL forbids it, and SQLite, which
        would allow it, is held to the same.
        """
        self._expect_writable()
        try:
            with translated():
                result = await self._connection.execute(statement)
        except IntegrityError as error:
            self._refused = True
            refusal = refusals.get(found) if (found := violation(error)) else None
            if refusal is None:
                raise
            raise refusal from error
        return int(result.rowcount)

    async def change_each(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """One change for each of the rows, whose members are the statement's parameters, in one
        trip. None of them may run into a constraint.
        """
        self._expect_writable()
        if rows:
            with translated():
                await self._connection.execute(statement, rows)

    def _expect_writable(self) -> None:
        if not self._writable:
            raise RuntimeError("this transaction only reads; open it with Store.write")
        self.expect_usable()

    def expect_usable(self) -> None:
        """Raises RuntimeError when a change was refused and the caller carried on regardless."""
        if self._refused:
            raise RuntimeError("a change was refused; the transaction must be left")


def below(column: ColumnElement[str], uidp: Uidp) -> ColumnElement[bool]:
    """Everything whose UIDP begins with `uidp` and a '/': a range of the column's index.

    '0' is the character after '/', and UIDPs are ASCII.
    """
    return and_(column >= f"{uidp}/", column < f"{uidp}0")


def at_or_below(column: ColumnElement[str], uidp: Uidp) -> ColumnElement[bool]:
    """The UIDP and everything below it: one range too, as no other UIDP continues it."""
    return and_(column >= uidp, column < f"{uidp}0")


def digest(*parts: str) -> str:
    """SHA-256 in hex of the parts; their lengths go in, so ("ab", "c") and ("a", "bc") differ."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hashed.update(len(encoded).to_bytes(8, "big"))
        hashed.update(encoded)
    return hashed.hexdigest()


def storable(text: str) -> bool:
    """Whether a record can have this text: PostgreSQL keeps no NUL, and neither engine what is
    not Unicode (a lone surrogate). What cannot be kept cannot be found either.
    """
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
