"""The log of signing keys."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.issuer.keys import SigningKey
from broker.store.failures import Violation
from broker.store.tables import signing_keys
from broker.store.transaction import Transaction


class Keys:
    """The signing keys in a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def all(self) -> list[SigningKey]:
        """Every key that was not deleted, oldest first."""
        statement = select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.kid)
        return [_key(row) for row in await self._transaction.rows(statement)]

    async def add(self, key: SigningKey) -> None:
        """Raises `Conflict` when the predecessor has a successor already: another process
        rotated first, and its key is the one to use.
        """
        rotated = Conflict(
            "key_rotated", "another process has rotated this key", field="predecessor"
        )
        await self._transaction.insert(
            signing_keys,
            asdict(key),
            {Violation.PRIMARY_KEY: rotated, Violation.UNIQUE: rotated},
        )

    async def revoke(self, kid: str, at: datetime) -> None:
        """The first revocation counts. Raises `NotFound`."""
        mine = signing_keys.c.kid == kid
        rows = await self._transaction.rows(select(signing_keys.c.revoked_at).where(mine))
        if not rows:
            raise _missing()
        if rows[0].revoked_at is None:
            await self._transaction.change(update(signing_keys).where(mine).values(revoked_at=at))

    async def rewrap(self, kid: str, old: bytes, new: bytes) -> bool:
        """Whether the private key was wrapped as `old`, and is as `new` now."""
        statement = (
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.wrapped_private == old)
            .values(wrapped_private=new)
        )
        return bool(await self._transaction.change(statement))

    async def delete(self, kid: str) -> None:
        """Raises `NotFound`."""
        statement = delete(signing_keys).where(signing_keys.c.kid == kid)
        if not await self._transaction.change(statement):
            raise _missing()


def _missing() -> NotFound:
    return NotFound("key_not_found", "the signing key does not exist", field="kid")


def _key(row: Row[Any]) -> SigningKey:
    return SigningKey(
        kid=row.kid,
        algorithm=row.algorithm,
        public_jwk=row.public_jwk,
        wrapped_private=bytes(row.wrapped_private),
        created_at=row.created_at,
        activates_at=row.activates_at,
        predecessor=row.predecessor,
        revoked_at=row.revoked_at,
    )
