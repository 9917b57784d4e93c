"""What the load exchanges for, and what the audit log says of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiosqlite
import asyncpg

from broker.iam.capabilities import CapabilityTable
from broker.iam.model import ClaimMatch, Group, Identity, RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Store


async def fill(url: str, issuer: str, count: int, *, single_use: bool = False) -> list[str]:
    """An organization with `count` identities that trust the issuer; their UIDPs."""
    now = datetime.now(UTC)
    viewer = BuiltinRoles(CapabilityTable.load()).by_name("viewer")
    assert viewer is not None
    organization = Uidp.new_root(os.urandom)
    identities = []
    store = Store.open(url)
    await store.migrate()
    async with store.write() as records:
        await records.groups.add(
            Group(
                id=organization, name=f"faults {organization[:8]}", created_at=now, updated_at=now
            )
        )
        for n in range(count):
            identity = Identity(
                id=organization.child(os.urandom),
                name=f"identity {n}",
                relationship=ClaimMatch(
                    issuer=issuer,
                    subject_pattern="repo:acme/[a-z]+:ref:refs/heads/.*",
                    claims={"repository_owner_id": "9919"},
                ),
                created_at=now,
                updated_at=now,
                single_use=single_use,
            )
            await records.identities.add(identity)
            await records.bindings.add(
                RoleBinding(
                    id=organization.child(os.urandom),
                    identity=identity.id,
                    role=viewer.id,
                    created_at=now,
                )
            )
            identities.append(str(identity.id))
    await store.close()
    return identities


async def recorded(url: str) -> set[str]:
    """`jti` of every token that the audit log says was minted."""
    query = "SELECT detail FROM audit_records WHERE outcome = 'ok'"
    if urlsplit(url).scheme == "sqlite":
        async with (
            aiosqlite.connect(Path(url.removeprefix("sqlite:///"))) as database,
            database.execute(query) as rows,
        ):
            details = [row[0] async for row in rows]
    else:
        connection = await asyncpg.connect(url)
        try:
            details = [row["detail"] for row in await connection.fetch(query)]
        finally:
            await connection.close()
    return {found for detail in details if (found := json.loads(detail).get("jti"))}
