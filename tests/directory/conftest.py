"""An operator with a real database in a temporary directory."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker.audit.record import AuditRecord
from broker.directory.bootstrap import Bootstrapped, bootstrap
from broker.directory.declaration import Plan, apply_declaration
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import Identity, Role, RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class Operator:
    """Somebody at the machine: a store, and what the commands are given besides."""

    store: Store
    capabilities: CapabilityTable = field(default_factory=CapabilityTable.load)
    now: float = NOW.timestamp()
    random: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def roles(self) -> BuiltinRoles:
        return BuiltinRoles(self.capabilities)

    async def apply(self, text: str | bytes, **options: Any) -> Plan:
        return await apply_declaration(
            self.store,
            text if isinstance(text, bytes) else text.encode(),
            builtin_roles=self.roles,
            capabilities=self.capabilities,
            clock=lambda: self.now,
            random=self.random.randbytes,
            **options,
        )

    async def bootstrap(self, name: str, issuer: str, subject: str, **options: Any) -> Bootstrapped:
        return await bootstrap(
            self.store,
            name=name,
            owner_issuer=issuer,
            owner_subject=subject,
            builtin_roles=self.roles,
            clock=lambda: self.now,
            random=self.random.randbytes,
            **options,
        )

    async def organization(self, name: str) -> Uidp:
        async with self.store.read() as records:
            group = await records.groups.by_name(None, name)
        assert group is not None
        return group.id

    async def audit(self) -> list[AuditRecord]:
        """Oldest first."""
        async with self.store.read() as records:
            return list(await records.audit.find(after_id="", limit=10_000))

    async def below(
        self, organization: Uidp
    ) -> tuple[set[str], list[Role], list[Identity], list[RoleBinding]]:
        """Names of folders, then roles, identities and bindings."""
        async with self.store.read() as records:
            return (
                {folder.name for folder in await records.groups.descendants(organization)},
                list(await records.roles.below(organization)),
                list(await records.identities.below(organization)),
                list(await records.bindings.below(organization)),
            )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty SQLite store."""
    store = Store.open(f"sqlite:///{tmp_path}/broker.sqlite3")
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
def operator(store: Store) -> Operator:
    return Operator(store)
