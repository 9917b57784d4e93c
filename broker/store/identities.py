"""Identities: assumable ones, each in its group, and persons, who are in none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson
from sqlalchemy import Row, bindparam, delete, or_, select, update

from broker.errors import Conflict, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import NO_PROFILE, Identity, Profile
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.listing import Listing
from broker.store.placement import Placement
from broker.store.relationships import from_columns, principal, to_columns
from broker.store.tables import Moment, access_requests, bindings, identities, refresh_grants
from broker.store.transaction import Transaction, below, digest, storable

_SEEN: Final = bindparam("seen", type_=Moment)
_TOUCH: Final = (
    update(identities)
    .where(
        identities.c.id == bindparam("uidp"),
        or_(identities.c.last_seen.is_(None), identities.c.last_seen < _SEEN),
    )
    .values(last_seen=_SEEN)
)

_LISTING: Final = Listing(
    placement=Placement(identities.c.id, identities.c.group_id),
    order={
        "id": identities.c.id,
        "name": identities.c.name,
        "last_seen": identities.c.last_seen,
        "created_at": identities.c.created_at,
        "updated_at": identities.c.updated_at,
    },
    equal={"name": identities.c.name, "kind": identities.c.kind, "group": identities.c.group_id},
)


class Identities:
    """The identities in a transaction."""

    ORDERABLE: Final = frozenset(_LISTING.order)
    """What a selection of them may be ordered by."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, identity: Identity) -> None:
        """Raises `Conflict` for one that exists (a person's UIDP follows from who they are),
        `NotFound` when its group does not exist.
        """
        self._transaction.changed = True
        values = {
            "id": identity.id,
            "group_id": identity.id.parent,
            "created_at": identity.created_at,
            "last_seen": identity.last_seen,
            **_mutable(identity),
        }
        exists = Conflict("identity_exists", "the identity exists already", field="id")
        await self._transaction.insert(
            identities,
            values,
            {Violation.PRIMARY_KEY: exists, Violation.FOREIGN_KEY: group_missing()},
        )

    async def update(self, identity: Identity) -> None:
        """Everything but UIDP, time of creation and when it was seen. Raises `NotFound`."""
        self._transaction.changed = True
        statement = update(identities).where(identities.c.id == identity.id)
        if not await self._transaction.change(statement.values(**_mutable(identity))):
            raise _not_found()

    async def touch_seen(self, seen: Mapping[Uidp, datetime]) -> None:
        """Move each one's `last_seen` forward to the time given, never back. Those that do not
        exist are passed over. Cached snapshots stay valid.
        """
        # in one order, so that no two batches wait for each other's rows
        rows = [{"uidp": uidp, "seen": at} for uidp, at in sorted(seen.items())]
        await self._transaction.change_each(_TOUCH, rows)

    async def get(self, uidp: Uidp) -> Identity | None:
        """The one with this UIDP."""
        row = await self._transaction.row(select(identities).where(identities.c.id == uidp))
        return _identity(row) if row else None

    async def many(self, uidps: Iterable[Uidp]) -> dict[Uidp, Identity]:
        """Those of these UIDPs that exist."""
        found = map(_identity, await self._transaction.many(identities, uidps))
        return {each.id: each for each in found}

    async def in_group(self, group: Uidp) -> list[Identity]:
        """Those of this very group, by name."""
        return await self._select(identities.c.group_id == group)

    async def below(self, group: Uidp) -> list[Identity]:
        """Those of the group and of every folder below it, by name."""
        return await self._select(below(identities.c.id, group))

    async def named(self, group: Uidp, name: str) -> list[Identity]:
        """Those of this very group with that name; names need not be unique."""
        if not storable(name):
            return []
        return await self._select(identities.c.group_id == group, identities.c.name == name)

    async def by_issuer_subject(self, issuer: str, subject: str) -> list[Identity]:
        """Those of any kind whose rules name exactly this issuer and this subject."""
        if not (storable(issuer) and storable(subject)):
            return []
        return await self._select(
            identities.c.principal_sha256 == digest(issuer, subject),
            identities.c.issuer == issuer,
            identities.c.subject == subject,
        )

    async def page(self, selection: Selection) -> Page[Identity]:
        """Those selected, which may be compared by `name`, `kind`, `group`.

        Raises as `Listing.page` does.
        """
        return await _LISTING.page(self._transaction, selection, _identity)

    async def delete(self, uidp: Uidp) -> None:
        """The identity, its bindings and access requests, wherever they are, and the logins that
        go on. Raises `NotFound`.
        """
        self._transaction.changed = True
        for column in (bindings.c.identity, access_requests.c.identity, refresh_grants.c.identity):
            await self._transaction.change(delete(column.table).where(column == uidp))
        statement = delete(identities).where(identities.c.id == uidp)
        if not await self._transaction.change(statement):
            raise _not_found()

    async def _select(self, *conditions: Any) -> list[Identity]:
        statement = select(identities).where(*conditions)
        ordered = statement.order_by(identities.c.name, identities.c.id)
        return [_identity(row) for row in await self._transaction.rows(ordered)]


def _not_found() -> NotFound:
    return NotFound("identity_not_found", "the identity does not exist", field="id")


def _mutable(identity: Identity) -> dict[str, Any]:
    kind, relationship = to_columns(identity.relationship)
    issuer, subject = principal(identity.relationship)
    return {
        "name": identity.name,
        "description": identity.description,
        "kind": kind,
        "relationship": relationship,
        "issuer": issuer,
        "subject": subject,
        "principal_sha256": digest(issuer, subject) if issuer and subject else None,
        "max_token_lifetime": identity.max_token_lifetime,
        "expires_with_upstream": identity.expires_with_upstream,
        "single_use": identity.single_use,
        "profile": _profile_text(identity.profile),
        "updated_at": identity.updated_at,
    }


def _identity(row: Row[Any]) -> Identity:
    return Identity(
        id=Uidp(row.id),
        name=row.name,
        description=row.description,
        relationship=from_columns(row.kind, row.relationship),
        max_token_lifetime=row.max_token_lifetime,
        expires_with_upstream=row.expires_with_upstream,
        single_use=row.single_use,
        last_seen=row.last_seen,
        profile=_profile(row.profile),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _profile_text(profile: Profile) -> str:
    members = {
        "email": profile.email,
        "email_unverified": profile.email_unverified,
        "details": dict(profile.details),
    }
    return orjson.dumps({name: value for name, value in members.items() if value}).decode()


def _profile(text: str) -> Profile:
    members: dict[str, Any] = orjson.loads(text)
    if not members:
        return NO_PROFILE
    return Profile(
        email=members.get("email", ""),
        email_unverified=members.get("email_unverified", ""),
        details=MappingProxyType(members.get("details", {})),
    )
