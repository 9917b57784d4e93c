"""Organizations and folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
from sqlalchemy import Row, delete, select, update

from broker.errors import Conflict, NotFound
from broker.iam.issuer_policy import members_of, policy_of
from broker.iam.listing import Page, Selection
from broker.iam.model import (
    NO_LIMITS,
    NO_POLICY,
    Group,
    IssuerPolicy,
    OrganizationKind,
    OrganizationStatus,
)
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.tables import (
    access_requests,
    account_associations,
    bindings,
    email_domains,
    group_invites,
    group_role_mappings,
    groups,
    identities,
    identity_providers,
    login_policies,
    refresh_grants,
    roles,
    scim_credentials,
    scim_users,
    subscriptions,
    terms_acceptances,
)
from broker.store.transaction import Refusals, Transaction, at_or_below, below, storable

_LISTING: Final = Listing(
    placement=Placement(groups.c.id, groups.c.parent),
    order={
        "id": groups.c.id,
        "name": groups.c.name,
        "created_at": groups.c.created_at,
        "updated_at": groups.c.updated_at,
    },
    equal={"name": groups.c.name},
)


class Groups:
    """The groups in a transaction. A folder's parent is its UIDP's."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, group: Group) -> None:
        """Raises `Conflict` for a name that the parent's children (the roots) have already,
        `NotFound` for a folder whose parent does not exist.
        """
        self._transaction.changed = True
        values = {
            "id": group.id,
            "parent": group.id.parent,
            "created_at": group.created_at,
            **_mutable(group),
        }
        await self._transaction.insert(groups, values, _refusals())

    async def update(self, group: Group) -> None:
        """Everything but UIDP and time of creation. Raises `NotFound`, `Conflict` as `add`."""
        self._transaction.changed = True
        statement = update(groups).where(groups.c.id == group.id).values(**_mutable(group))
        if not await self._transaction.change(statement, _refusals()):
            raise _not_found()

    async def get(self, uidp: Uidp) -> Group | None:
        """The one with this UIDP."""
        row = await self._transaction.row(select(groups).where(groups.c.id == uidp))
        return _group(row) if row else None

    async def many(self, uidps: Iterable[Uidp]) -> dict[Uidp, Group]:
        """Those of these UIDPs that exist."""
        found = map(_group, await self._transaction.many(groups, uidps))
        return {each.id: each for each in found}

    async def by_name(self, parent: Uidp | None, name: str) -> Group | None:
        """The folder of that name right below `parent`, or the organization of that name."""
        if not storable(name):
            return None
        statement = select(groups).where(groups.c.parent == parent, groups.c.name == name)
        row = await self._transaction.row(statement)
        return _group(row) if row else None

    async def roots(self) -> list[Group]:
        """The organizations, by name."""
        statement = select(groups).where(groups.c.parent.is_(None)).order_by(groups.c.name)
        return [_group(row) for row in await self._transaction.rows(statement)]

    async def children(self, uidp: Uidp) -> list[Group]:
        """The folders right below, by name."""
        statement = select(groups).where(groups.c.parent == uidp).order_by(groups.c.name)
        return [_group(row) for row in await self._transaction.rows(statement)]

    async def descendants(self, uidp: Uidp) -> list[Group]:
        """The folders at any depth below, each after its parent."""
        statement = select(groups).where(below(groups.c.id, uidp)).order_by(groups.c.id)
        return [_group(row) for row in await self._transaction.rows(statement)]

    async def page(self, selection: Selection) -> Page[Group]:
        """Those selected, which may be compared by `name`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _group)

    async def delete(self, uidp: Uidp) -> None:
        """The group, everything below it, and whatever elsewhere speaks of what was below it:
        bindings of its identities, bindings and invites of its roles, mappings of its roles,
        providers and groups. A provider whose default role was below has none any more.
        Raises `NotFound`.
        """
        self._transaction.changed = True
        default_role = identity_providers.c.default_role
        cleared = update(identity_providers).values(default_role=None)
        await self._transaction.change(cleared.where(below(default_role, uidp)))
        # what refers to a table goes before it
        for column in (
            bindings.c.identity,
            bindings.c.role,
            bindings.c.id,
            group_invites.c.role,
            group_invites.c.id,
            group_role_mappings.c.role,
            group_role_mappings.c.identity_provider,
            group_role_mappings.c.scope,
            group_role_mappings.c.id,
            scim_users.c.identity_provider,
            scim_credentials.c.identity_provider,
            identity_providers.c.id,
            access_requests.c.id,
            refresh_grants.c.identity,
            identities.c.id,
            roles.c.id,
            subscriptions.c.id,
            account_associations.c.group_id,
            terms_acceptances.c.group_id,
            email_domains.c.group_id,
            login_policies.c.group_id,
        ):
            statement = delete(column.table).where(at_or_below(column, uidp))
            await self._transaction.change(statement)
        if not await self._transaction.change(delete(groups).where(at_or_below(groups.c.id, uidp))):
            raise _not_found()


def group_missing() -> NotFound:
    """The group that a record is added to does not exist."""
    return NotFound("group_not_found", "the group does not exist", field="group")


def _not_found() -> NotFound:
    return NotFound("group_not_found", "the group does not exist", field="id")


def _refusals() -> Refusals:
    return {
        Violation.PRIMARY_KEY: Conflict("group_exists", "the group exists already", field="id"),
        Violation.UNIQUE: Conflict(
            "name_taken", "another group beside it has this name", field="name"
        ),
        Violation.FOREIGN_KEY: NotFound(
            "group_not_found", "the parent group does not exist", field="parent"
        ),
    }


def _mutable(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "description": group.description,
        "resource_limits": orjson.dumps(dict(group.resource_limits)).decode(),
        "verified": group.verified,
        "kind": group.kind.value,
        "status": group.status.value,
        "issuer_policy": orjson.dumps(members_of(group.issuer_policy)).decode(),
        "updated_at": group.updated_at,
    }


def _group(row: Row[Any]) -> Group:
    return Group(
        id=Uidp(row.id),
        name=row.name,
        description=row.description,
        resource_limits=_limits(row.resource_limits),
        verified=row.verified,
        kind=OrganizationKind(row.kind),
        status=OrganizationStatus(row.status),
        issuer_policy=_policy(row.issuer_policy),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _policy(text: str) -> IssuerPolicy:
    return NO_POLICY if text == "{}" else policy_of(orjson.loads(text))


def _limits(text: str) -> Mapping[str, int]:
    return NO_LIMITS if text == "{}" else MappingProxyType(orjson.loads(text))
