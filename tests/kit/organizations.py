"""An organization with identities, straight in the records."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from broker.iam.capabilities import CapabilityTable
from broker.iam.model import ClaimMatch, Group, Identity, Person, Relationship, Role, RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Store

CAPABILITIES = CapabilityTable.load()
ROLES = BuiltinRoles(CAPABILITIES)


@dataclass(frozen=True, slots=True)
class Organization:
    """`acme` with the folder `shop`."""

    store: Store
    id: Uidp
    folder: Uidp

    async def identity(
        self, relationship: Relationship, *, group: Uidp | None = None, **more: Any
    ) -> Uidp:
        """An assumable identity, without roles."""
        now = datetime.now(UTC)
        identity = Identity(
            id=(group or self.folder).child(secrets.token_bytes),
            name=more.pop("name", "ci"),
            relationship=relationship,
            created_at=now,
            updated_at=now,
            **more,
        )
        async with self.store.write() as records:
            await records.identities.add(identity)
        return identity.id

    async def person(self, issuer: str, subject: str) -> Uidp:
        """Somebody who is registered, without roles."""
        now = datetime.now(UTC)
        person = Identity(
            id=Uidp.of_person(issuer, subject),
            name=subject,
            relationship=Person(issuer=issuer, subject=subject),
            created_at=now,
            updated_at=now,
        )
        async with self.store.write() as records:
            await records.identities.add(person)
        return person.id

    async def bind(self, identity: Uidp, role: str | Uidp, group: Uidp | None = None) -> Uidp:
        """A role, built in by name or any by UIDP, at the folder or elsewhere."""
        builtin = ROLES.by_name(role)
        binding = RoleBinding(
            id=(group or self.folder).child(secrets.token_bytes),
            identity=identity,
            role=builtin.id if builtin else Uidp(role),
            created_at=datetime.now(UTC),
        )
        async with self.store.write() as records:
            await records.bindings.add(binding)
        return binding.id

    async def role(self, name: str, *capabilities: str) -> Uidp:
        """A custom role of the organization."""
        now = datetime.now(UTC)
        role = Role(
            id=self.id.child(secrets.token_bytes),
            name=name,
            capabilities=frozenset(capabilities),
            created_at=now,
            updated_at=now,
        )
        async with self.store.write() as records:
            await records.roles.add(role)
        return role.id


async def organization(store: Store, name: str = "acme") -> Organization:
    """Make one."""
    now = datetime.now(UTC)
    root = Uidp.new_root(secrets.token_bytes)
    folder = root.child(secrets.token_bytes)
    async with store.write() as records:
        await records.groups.add(Group(id=root, name=name, created_at=now, updated_at=now))
        await records.groups.add(Group(id=folder, name="shop", created_at=now, updated_at=now))
    return Organization(store, root, folder)


def github(issuer: str, **more: Any) -> ClaimMatch:
    """Rules for the main branch of acme/shop."""
    base = {"issuer": issuer, "subject": "repo:acme/shop:ref:refs/heads/main"}
    if "issuer_pattern" in more:
        del base["issuer"]
    if "subject_pattern" in more:
        del base["subject"]
    return ClaimMatch(**(base | more))
