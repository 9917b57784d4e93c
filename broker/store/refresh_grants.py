"""Refresh grants: logins that go on, each with the hash of its newest token's secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.iam.model import RefreshGrant
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.tables import refresh_grants
from broker.store.transaction import Transaction


class RefreshGrants:
    """The refresh grants in a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, grant: RefreshGrant) -> None:
        """Raises `Conflict` for one that exists, `NotFound` when its person does not."""
        await self._transaction.insert(
            refresh_grants,
            _columns(grant),
            {
                Violation.PRIMARY_KEY: Conflict(
                    "refresh_grant_exists", "the refresh grant exists already", field="id"
                ),
                Violation.FOREIGN_KEY: NotFound(
                    "identity_not_found", "the identity does not exist", field="identity"
                ),
            },
        )

    async def get(self, grant_id: str) -> RefreshGrant | None:
        """The one with this id, ended or not."""
        statement = select(refresh_grants).where(refresh_grants.c.id == grant_id)
        row = await self._transaction.row(statement)
        return _grant(row) if row else None

    async def of_identity(self, identity: Uidp) -> list[RefreshGrant]:
        """All of a person, by id."""
        statement = select(refresh_grants).where(refresh_grants.c.identity == identity)
        rows = await self._transaction.rows(statement.order_by(refresh_grants.c.id))
        return [_grant(row) for row in rows]

    async def rotate(self, used: RefreshGrant, renewed: RefreshGrant) -> bool:
        """Whether `used` was the newest generation, and `renewed` is now.

        Of two who use one token at once, one rotates.
        """
        statement = (
            update(refresh_grants)
            .where(
                refresh_grants.c.id == used.id,
                refresh_grants.c.generation == used.generation,
                refresh_grants.c.secret_sha256 == used.secret_sha256,
            )
            .values(
                generation=renewed.generation,
                secret_sha256=renewed.secret_sha256,
                used_at=renewed.used_at,
                expires_at=renewed.expires_at,
            )
        )
        return await self._transaction.change(statement) == 1

    async def delete(self, grant_id: str) -> bool:
        """Whether there was one."""
        statement = delete(refresh_grants).where(refresh_grants.c.id == grant_id)
        return await self._transaction.change(statement) == 1

    async def delete_of_identity(self, identity: Uidp) -> int:
        """All of a person; how many there were."""
        statement = delete(refresh_grants).where(refresh_grants.c.identity == identity)
        return await self._transaction.change(statement)

    async def delete_of_login(self, identity: Uidp, provider: str) -> int:
        """All of a person who logged in through this provider; how many there were."""
        column = refresh_grants.c
        mine = (column.identity == identity, column.provider == provider)
        return await self._transaction.change(delete(refresh_grants).where(*mine))

    async def delete_expired(self, now: datetime) -> int:
        """Those that have ended; how many there were."""
        statement = delete(refresh_grants).where(refresh_grants.c.expires_at <= now)
        return await self._transaction.change(statement)


def _columns(grant: RefreshGrant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "identity": grant.identity,
        "client_id": grant.client_id,
        "provider": grant.provider,
        "audience": _joined(grant.audience),
        "scopes": _joined(grant.scopes),
        "capabilities": _joined(grant.capabilities),
        "openid_scope": _joined(grant.openid_scope),
        "generation": grant.generation,
        "secret_sha256": grant.secret_sha256,
        "authenticated_at": grant.authenticated_at,
        "created_at": grant.created_at,
        "used_at": grant.used_at,
        "expires_at": grant.expires_at,
        "ends_at": grant.ends_at,
    }


def _grant(row: Row[Any]) -> RefreshGrant:
    return RefreshGrant(
        id=row.id,
        identity=Uidp(row.identity),
        client_id=row.client_id,
        provider=row.provider,
        audience=_parted(row.audience),
        scopes=tuple(map(Uidp, _parted(row.scopes))),
        capabilities=_parted(row.capabilities),
        openid_scope=_parted(row.openid_scope),
        generation=row.generation,
        secret_sha256=row.secret_sha256,
        authenticated_at=row.authenticated_at,
        created_at=row.created_at,
        used_at=row.used_at,
        expires_at=row.expires_at,
        ends_at=row.ends_at,
    )


def _joined(values: tuple[str, ...]) -> str:
    """By line feeds: an audience may hold a space, and nothing here a control character."""
    return "\n".join(values)


def _parted(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
