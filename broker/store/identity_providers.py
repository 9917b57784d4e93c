"""Identity providers: through whom the people of an organization log in."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import CorrelationRule, IdentityProvider
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import (
    group_role_mappings,
    identity_providers,
    scim_credentials,
    scim_users,
)
from broker.store.transaction import Transaction, storable

_LISTING: Final = Listing(
    placement=Placement(identity_providers.c.id, identity_providers.c.group_id),
    order={
        "id": identity_providers.c.id,
        "name": identity_providers.c.name,
        "created_at": identity_providers.c.created_at,
        "updated_at": identity_providers.c.updated_at,
    },
    equal={"name": identity_providers.c.name, "group": identity_providers.c.group_id},
)


class IdentityProviders:
    """The identity providers in a transaction. A provider's group is its UIDP's parent."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, provider: IdentityProvider) -> None:
        """Raises `Conflict` for one that exists, `NotFound` when its group does not exist. The
        default role is not looked at.
        """
        self._transaction.changed = True
        values = {
            "id": provider.id,
            "group_id": provider.id.parent,
            "created_at": provider.created_at,
            **_mutable(provider),
        }
        exists = Conflict(
            "identity_provider_exists", "the identity provider exists already", field="id"
        )
        await self._transaction.insert(
            identity_providers,
            values,
            {Violation.PRIMARY_KEY: exists, Violation.FOREIGN_KEY: group_missing()},
        )

    async def update(self, provider: IdentityProvider) -> None:
        """Everything but UIDP and time of creation. Raises `NotFound`."""
        self._transaction.changed = True
        statement = update(identity_providers).where(identity_providers.c.id == provider.id)
        if not await self._transaction.change(statement.values(**_mutable(provider))):
            raise provider_missing("id")

    async def get(self, uidp: Uidp) -> IdentityProvider | None:
        """The one with this UIDP."""
        statement = select(identity_providers).where(identity_providers.c.id == uidp)
        row = await self._transaction.row(statement)
        return _provider(row) if row else None

    async def of_group(self, group: Uidp) -> list[IdentityProvider]:
        """Those of this very group, by name."""
        return await self._select(identity_providers.c.group_id == group)

    async def of_issuer(self, issuer: str) -> list[IdentityProvider]:
        """Those of any group with this issuer, by name."""
        if not storable(issuer):
            return []
        return await self._select(identity_providers.c.issuer == issuer)

    async def wrapped_secrets(self) -> list[tuple[Uidp, bytes]]:
        """The UIDP and the encrypted client secret of each that has one."""
        table = identity_providers.c
        statement = select(table.id, table.wrapped_secret).where(table.wrapped_secret != b"")
        rows = await self._transaction.rows(statement.order_by(table.id))
        return [(Uidp(row.id), bytes(row.wrapped_secret)) for row in rows]

    async def rewrap(self, uidp: Uidp, old: bytes, new: bytes) -> bool:
        """Whether the client secret was wrapped as `old`, and is as `new` now."""
        table = identity_providers
        statement = (
            update(table)
            .where(table.c.id == uidp, table.c.wrapped_secret == old)
            .values(wrapped_secret=new)
        )
        return bool(await self._transaction.change(statement))

    async def page(self, selection: Selection) -> Page[IdentityProvider]:
        """Those selected, which may be compared by `name`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _provider)

    async def delete(self, uidp: Uidp) -> None:
        """The provider with its group mappings and the users provisioned through it. Raises
        `NotFound`.
        """
        self._transaction.changed = True
        for column in (
            group_role_mappings.c.identity_provider,
            scim_users.c.identity_provider,
            scim_credentials.c.identity_provider,
        ):
            await self._transaction.change(delete(column.table).where(column == uidp))
        statement = delete(identity_providers).where(identity_providers.c.id == uidp)
        if not await self._transaction.change(statement):
            raise provider_missing("id")

    async def _select(self, condition: ColumnElement[bool]) -> list[IdentityProvider]:
        column = identity_providers.c
        statement = select(identity_providers).where(condition)
        rows = await self._transaction.rows(statement.order_by(column.name, column.id))
        return [_provider(row) for row in rows]


def provider_missing(field: str) -> NotFound:
    """The identity provider that `field` names does not exist."""
    return NotFound(
        "identity_provider_not_found", "the identity provider does not exist", field=field
    )


def _mutable(provider: IdentityProvider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "description": provider.description,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "wrapped_secret": provider.wrapped_secret,
        "additional_scopes": orjson.dumps(provider.additional_scopes).decode(),
        "groups_claim": provider.groups_claim,
        "correlation_rule": provider.correlation_rule.value,
        "pkce_enabled": provider.pkce_enabled,
        "default_role": provider.default_role,
        "updated_at": provider.updated_at,
    }


def _provider(row: Row[Any]) -> IdentityProvider:
    return IdentityProvider(
        id=Uidp(row.id),
        name=row.name,
        description=row.description,
        issuer=row.issuer,
        client_id=row.client_id,
        wrapped_secret=bytes(row.wrapped_secret),
        additional_scopes=tuple(orjson.loads(row.additional_scopes)),
        groups_claim=row.groups_claim,
        correlation_rule=CorrelationRule(row.correlation_rule),
        pkce_enabled=row.pkce_enabled,
        default_role=None if row.default_role is None else Uidp(row.default_role),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
