"""The rights that docs/operations/postgresql.md gives are enough, and no more than that."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from broker.errors import Unavailable
from broker.store import Store
from tests.kit.databases import PostgresServer, running_postgres
from tests.store.samples import NOW, group, record

DOCUMENT = Path(__file__).parents[2] / "docs/operations/postgresql.md"


def documented() -> list[list[str]]:
    """The statements of each block of SQL."""
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return [
        [one.strip() for one in re.sub(r"--.*", "", block).split(";") if one.strip()]
        for block in blocks
    ]


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Of a database that was set up as the document says, for its role `broker`."""
    with running_postgres() as server:
        (*outside, usage, defaults, revoke), tuning = documented()
        database = server.url("broker")
        await run(server.admin_url, *outside)
        await run(database, usage, defaults)
        owner = Store.open(_as(server, "broker_owner"))
        await owner.migrate()
        await owner.close()
        await run(database, revoke, *tuning)
        yield _as(server, "broker")


def _as(server: PostgresServer, role: str) -> str:
    return server.url("broker").replace("//postgres:@", f"//{role}@")


async def test_the_broker_needs_no_more_than_the_documented_rights(url: str) -> None:
    """It reads, writes and keeps audit records; it can neither change the schema nor take a record
    back, and says that the store refuses.
    """
    store = Store.open(url)
    await store.check()
    async with store.write() as records:
        await records.groups.add(group("acme"))
    await store.append_audit([record()])
    assert await store.generation() == 1
    with pytest.raises(Unavailable) as refused:
        async with store.write() as records:
            await records.audit.prune(NOW, limit=10)
    assert refused.value.code == "store_unavailable"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(url, "ALTER TABLE groups ADD COLUMN more TEXT")
    await store.close()
