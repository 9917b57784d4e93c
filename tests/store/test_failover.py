"""A primary is lost, and its standby takes over: the store finds it by itself."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from broker.errors import Unavailable
from broker.store import Store
from tests.kit.databases import PostgresServer
from tests.kit.failover import postgres_pair
from tests.store.samples import group, record


async def test_the_standby_that_was_promoted_is_found() -> None:
    """With both hosts in the URL readers, writers and the audit log go on there, and what was
    written before is there.
    """
    with postgres_pair() as pair:
        store = Store.open(pair.url)
        await store.migrate()
        async with store.write() as records:
            await records.groups.add(group("before"))
        async with store.read(), store.read(), store.read():
            pass  # several connections that will lead nowhere
        await asyncio.to_thread(pair.fail_over)
        await store.generation()
        await store.append_audit([record()])
        async with store.write() as records:
            await records.groups.add(group("after"))
        async with store.read() as records:
            assert {each.name for each in await records.groups.roots()} == {"before", "after"}
        await store.close()


async def test_connections_to_what_became_a_standby_are_given_up(
    postgres: PostgresServer, postgres_name: str
) -> None:
    """It answers, but refuses a change: that one is unavailable, and the next is made by way of a
    new connection.
    """
    store = Store.open(postgres.url(postgres_name))
    demoted = select(func.set_config("default_transaction_read_only", "on", False))
    async with store.write() as records:
        await records._transaction.row(demoted)

    async def change() -> None:
        async with store.write() as records:
            await records.groups.add(group("acme"))

    with pytest.raises(Unavailable) as refused:
        await change()
    assert refused.value.code == "store_unavailable"
    await change()
    await store.close()
