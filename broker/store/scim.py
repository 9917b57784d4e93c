"""Provisioning by an organization's directory: its tokens, and the users that it has sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Row, and_, delete, false, func, insert, or_, select, update

from broker.errors import Conflict
from broker.iam.model import ScimCredential, ScimUser
from broker.iam.scim.filters import All, Either, Equal, Filter
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.identity_providers import provider_missing
from broker.store.tables import scim_credentials, scim_users
from broker.store.transaction import Refusals, Transaction, storable

_AT_ONCE: Final = 500
"""Providers that one statement asks for."""


class ScimCredentials:
    """The credentials in a transaction; a provider has at most one record of them."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, provider: Uidp) -> ScimCredential | None:
        """None where SCIM was never set up."""
        return (await self.many([provider])).get(provider)

    async def many(self, providers: Iterable[Uidp]) -> dict[Uidp, ScimCredential]:
        """Those of these providers that there are."""
        wanted = sorted(set(providers))
        found: dict[Uidp, ScimCredential] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = scim_credentials.c.identity_provider.in_(wanted[start : start + _AT_ONCE])
            rows = await self._transaction.rows(select(scim_credentials).where(some))
            found |= {each.identity_provider: each for each in map(_credential, rows)}
        return found

    async def put(self, credential: ScimCredential) -> None:
        """What they are from now on. Raises `NotFound` when the provider does not exist."""
        column = scim_credentials.c.identity_provider
        values = _credential_columns(credential)
        statement = update(scim_credentials).where(column == credential.identity_provider)
        if not await self._transaction.change(statement.values(**values)):
            await self._transaction.change(
                insert(scim_credentials).values(**values),
                {Violation.FOREIGN_KEY: provider_missing("identity_provider")},
            )


@dataclass(frozen=True, slots=True)
class Found:
    """Some of the users that a filter finds, and how many it finds."""

    users: list[ScimUser]
    total: int


class ScimUsers:
    """The users in a transaction. `userName` is unique without regard to case (RFC 7643 §4.1.1).

    Who was deleted is kept without their attributes, and found by `of_login` alone.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, user: ScimUser) -> None:
        """In place of one that was deleted. Raises `Conflict` (`scim_user_exists`) when another
        has the `externalId` or the `userName`, `NotFound` when the provider does not exist.
        """
        await self._forget_deleted(user)
        await self._transaction.insert(scim_users, _user_columns(user), _refusals())

    async def update(self, user: ScimUser) -> None:
        """All but id, provider and time of creation. Raises `Conflict` as `add`."""
        await self._forget_deleted(user)
        statement = update(scim_users).where(scim_users.c.id == user.id)
        await self._transaction.change(statement.values(**_user_columns(user)), _refusals())

    async def get(self, provider: Uidp, user_id: str) -> ScimUser | None:
        """The provider's user with this id, deleted or not."""
        if not storable(user_id):
            return None
        mine = and_(scim_users.c.identity_provider == provider, scim_users.c.id == user_id)
        row = await self._transaction.row(select(scim_users).where(mine))
        return _user(row) if row else None

    async def of_external_id(self, provider: Uidp, external_id: str) -> ScimUser | None:
        """The provider's user with this `externalId`, deleted or not."""
        if not storable(external_id):
            return None
        column = scim_users.c
        mine = and_(column.identity_provider == provider, column.external_id == external_id)
        row = await self._transaction.row(select(scim_users).where(mine))
        return _user(row) if row else None

    async def of_identity(self, provider: Uidp, identity: Uidp) -> list[ScimUser]:
        """The provider's users, deleted or not, who were seen to be this person."""
        column = scim_users.c
        mine = and_(column.identity_provider == provider, column.identity == identity)
        return [_user(row) for row in await self._transaction.rows(select(scim_users).where(mine))]

    async def link(self, user: ScimUser, identity: Uidp) -> None:
        """They were seen to be this person."""
        statement = update(scim_users).where(scim_users.c.id == user.id)
        await self._transaction.change(statement.values(identity=identity))

    async def find(self, provider: Uidp, wanted: Filter | None, *, start: int, count: int) -> Found:
        """By id, from the `start`th on (0 is the first), at most `count`."""
        mine = and_(scim_users.c.identity_provider == provider, scim_users.c.deleted_at.is_(None))
        condition = and_(mine, _condition(wanted)) if wanted is not None else mine
        counting = await self._transaction.row(
            select(func.count().label("total")).select_from(scim_users).where(condition)
        )
        total = int(counting.total) if counting else 0
        if not count or start >= total:
            return Found([], total)
        page = select(scim_users).where(condition).order_by(scim_users.c.id)
        rows = await self._transaction.rows(page.offset(start).limit(count))
        return Found([_user(row) for row in rows], total)

    async def count(self, provider: Uidp) -> int:
        """How many are kept, deleted ones too."""
        mine = scim_users.c.identity_provider == provider
        statement = select(func.count().label("total")).select_from(scim_users).where(mine)
        row = await self._transaction.row(statement)
        return int(row.total) if row else 0

    async def _forget_deleted(self, user: ScimUser) -> None:
        column = scim_users.c
        await self._transaction.change(
            delete(scim_users).where(
                column.identity_provider == user.identity_provider,
                column.external_id == user.external_id,
                column.id != user.id,
                column.deleted_at.is_not(None),
            )
        )


def _refusals() -> Refusals:
    exists = Conflict(
        "scim_user_exists", "another user of this provider has the userName or the externalId"
    )
    return {
        Violation.PRIMARY_KEY: exists,
        Violation.UNIQUE: exists,
        Violation.FOREIGN_KEY: provider_missing("identity_provider"),
    }


def _condition(wanted: Filter) -> ColumnElement[bool]:
    match wanted:
        case All(parts):
            return and_(*map(_condition, parts))
        case Either(parts):
            return or_(*map(_condition, parts))
        case Equal(attribute, value):
            return _equal(attribute.name, value)


def _equal(name: str, value: str | bool) -> ColumnElement[bool]:
    column = scim_users.c
    match name, value:
        case "active", bool():
            return column.active.is_(value)
        case "userName", str():
            return column.user_name == value.casefold()
        case "externalId", str():
            return column.external_id == value
        case "id", str():
            return column.id == value
        case _:
            return false()


def _credential_columns(credential: ScimCredential) -> dict[str, Any]:
    return {
        "identity_provider": credential.identity_provider,
        "enabled": credential.enabled,
        "secret_sha256": credential.secret_sha256,
        "expires_at": credential.expires_at,
        "previous_sha256": credential.previous_sha256,
        "previous_expires_at": credential.previous_expires_at,
        "revoked_at": credential.revoked_at,
        "version": credential.version,
        "updated_at": credential.updated_at,
    }


def _credential(row: Row[Any]) -> ScimCredential:
    return ScimCredential(
        identity_provider=Uidp(row.identity_provider),
        enabled=row.enabled,
        secret_sha256=row.secret_sha256,
        expires_at=row.expires_at,
        previous_sha256=row.previous_sha256,
        previous_expires_at=row.previous_expires_at,
        revoked_at=row.revoked_at,
        version=row.version,
        updated_at=row.updated_at,
    )


def _user_columns(user: ScimUser) -> dict[str, Any]:
    # the column is what is unique and looked up; nobody is called by the id of somebody deleted
    user_name = user.id if user.deleted_at else user.user_name.casefold()
    return {
        "id": user.id,
        "identity_provider": user.identity_provider,
        "external_id": user.external_id,
        "user_name": user_name,
        "active": user.active,
        "attributes": orjson.dumps({"userName": user.user_name, **user.attributes}).decode(),
        "identity": user.identity,
        "version": user.version,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "deleted_at": user.deleted_at,
    }


def _user(row: Row[Any]) -> ScimUser:
    attributes = orjson.loads(row.attributes)
    return ScimUser(
        id=row.id,
        identity_provider=Uidp(row.identity_provider),
        external_id=row.external_id,
        user_name=attributes.pop("userName"),
        active=row.active,
        attributes=attributes,
        identity=None if row.identity is None else Uidp(row.identity),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )
