"""Access requests: people who ask an organization to be let in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, select

from broker.errors import Conflict, NotFound
from broker.iam.model import AccessRequest
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.tables import access_requests
from broker.store.transaction import Transaction


class AccessRequests:
    """The requests in a transaction: at most one of a person to an organization."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, request: AccessRequest) -> None:
        """Raises `Conflict` when the person has asked the organization already, `NotFound` when
        the person or the organization does not exist.
        """
        exists = Conflict("access_request_exists", "the person has asked already")
        await self._transaction.insert(
            access_requests,
            {
                "id": request.id,
                "group_id": request.group,
                "identity": request.identity,
                "email": request.email,
                "created_at": request.created_at,
            },
            {
                Violation.PRIMARY_KEY: exists,
                Violation.UNIQUE: exists,
                # SQLite does not say which of the two keys it was
                Violation.FOREIGN_KEY: NotFound(
                    "group_not_found", "the organization, or the person, does not exist"
                ),
            },
        )

    async def get(self, uidp: Uidp) -> AccessRequest | None:
        """The one with this UIDP."""
        statement = select(access_requests).where(access_requests.c.id == uidp)
        row = await self._transaction.row(statement)
        return _request(row) if row else None

    async def of_identity(self, identity: Uidp, group: Uidp) -> AccessRequest | None:
        """What the person has asked of the organization."""
        column = access_requests.c
        statement = select(access_requests).where(
            column.identity == identity, column.group_id == group
        )
        row = await self._transaction.row(statement)
        return _request(row) if row else None

    async def of_group(self, group: Uidp, *, limit: int) -> list[AccessRequest]:
        """Those to the organization, the oldest first."""
        column = access_requests.c
        statement = select(access_requests).where(column.group_id == group)
        ordered = statement.order_by(column.created_at, column.id).limit(limit)
        return [_request(row) for row in await self._transaction.rows(ordered)]

    async def count(self, *, identity: Uidp) -> int:
        """How many the person has made that nobody has decided."""
        counted = select(func.count()).select_from(access_requests)
        row = await self._transaction.row(counted.where(access_requests.c.identity == identity))
        assert row is not None, "an aggregate has one row"
        return int(row[0])

    async def delete(self, uidp: Uidp) -> None:
        """It is decided. Raises `NotFound`: of two who decide at once, for the second."""
        statement = delete(access_requests).where(access_requests.c.id == uidp)
        if not await self._transaction.change(statement):
            raise NotFound("access_request_not_found", "the access request does not exist")


def _request(row: Row[Any]) -> AccessRequest:
    return AccessRequest(
        id=Uidp(row.id),
        identity=Uidp(row.identity),
        email=row.email,
        created_at=row.created_at,
    )
