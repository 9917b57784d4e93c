from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from broker.errors import Conflict, Unavailable
from broker.iam.uidp import Uidp
from broker.store import Records, Store
from tests.store.samples import NOW, binding, group, identity, key, person, record, role


async def test_what_raises_is_not_kept(store: Store) -> None:
    """None of a block's changes stays when it ends with an exception."""
    organization = group("acme")

    async def fail() -> None:
        async with store.write() as records:
            await records.groups.add(organization)
            await records.audit.add(record())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.read() as records:
        assert await records.groups.roots() == []
        assert await records.audit.find() == []
    assert await store.generation() == 0


async def test_the_generation_moves_with_every_iam_change(store: Store) -> None:
    """Groups, identities, roles and bindings move it once a transaction; the rest does not."""
    acme = group("acme")
    alice, releaser = person("alice"), role(acme.id)
    bound = binding(acme.id, alice.id)
    steps: list[Callable[[Records], Coroutine[Any, Any, None]]] = [
        lambda records: records.groups.add(acme),
        lambda records: records.groups.update(replace(acme, name="Acme")),
        lambda records: records.identities.add(alice),
        lambda records: records.identities.update(replace(alice, name="Alice")),
        lambda records: records.roles.add(releaser),
        lambda records: records.roles.update(replace(releaser, name="Releaser")),
        lambda records: records.bindings.add(bound),
        lambda records: records.bindings.update(replace(bound, role=releaser.id)),
        lambda records: records.bindings.delete(bound.id),
        lambda records: records.roles.delete(releaser.id),
        lambda records: records.identities.delete(alice.id),
        lambda records: records.groups.delete(acme.id),
    ]
    for number, step in enumerate(steps, start=1):
        async with store.write() as records:
            await step(records)
            await records.audit.add(record())
        assert await store.generation() == number
    async with store.write() as records:
        await records.keys.add(key())
        await records.audit.add(record())
        await records.groups.roots()
        await records.identities.touch_seen({alice.id: NOW})
    await store.append_audit([record()])
    assert await store.generation() == len(steps)


async def test_a_reader_sees_one_moment(store: Store) -> None:
    """What is committed while a reader is at work is for the next one."""
    async with store.write() as records:
        await records.groups.add(group("a"))
    async with store.read() as before:
        assert len(await before.groups.roots()) == 1
        async with store.write() as records:
            await records.groups.add(group("b"))
        assert len(await before.groups.roots()) == 1
    async with store.read() as after:
        assert len(await after.groups.roots()) == 2


async def test_a_reader_cannot_write(store: Store) -> None:
    """A change in `read` is a defect of the caller and is not made."""
    async with store.read() as records:
        with pytest.raises(RuntimeError, match="only reads"):
            await records.groups.add(group("acme"))


async def test_a_refused_change_cannot_be_overlooked(store: Store) -> None:
    """Who swallows the refusal keeps nothing of the block, on either engine."""
    organization = group("acme")

    async def swallow(then: str | None) -> None:
        async with store.write() as records:
            await records.groups.add(organization)
            with pytest.raises(Conflict):
                await records.groups.add(group("acme"))
            if then:
                await records.groups.add(group(then))

    for then in (None, "other"):
        with pytest.raises(RuntimeError, match="refused"):
            await swallow(then)
    async with store.read() as records:
        assert await records.groups.roots() == []


async def test_writers_at_once_lose_nothing(store: Store, url: str) -> None:
    """Twenty who read, think and write over two stores: each builds on what the last one left."""
    other = Store.open(url)
    organization = replace(group("acme"), description="0")
    async with store.write() as records:
        await records.groups.add(organization)

    async def count(at: Store) -> None:
        async with at.write() as records:
            seen = await records.groups.get(organization.id)
            assert seen is not None
            await asyncio.sleep(0)
            following = str(int(seen.description) + 1)
            await records.groups.update(replace(seen, description=following))

    await asyncio.gather(*(count(at) for at in (store, other) for _ in range(10)))
    async with other.read() as records:
        last = await records.groups.get(organization.id)
    assert last is not None
    assert last.description == "20"
    assert await other.generation() == 21
    await other.close()


async def test_audit_batches_beside_writers_lose_nothing(store: Store, url: str) -> None:
    """The log's own way in and the transactions of two stores do not get in each other's way."""
    other = Store.open(url)

    async def change(at: Store, n: int) -> None:
        async with at.write() as records:
            await records.groups.add(group(f"group {n}"))
            await records.audit.add(record())

    await asyncio.gather(
        *(change(at, n) for n, at in enumerate([store, other] * 8)),
        *(at.append_audit([record() for _ in range(5)]) for at in [store, other] * 8),
    )
    async with store.read() as records:
        assert len(await records.groups.roots()) == 16
        assert len(await records.audit.find(limit=1000)) == 16 + 16 * 5
    await other.close()


async def test_a_cancelled_writer_leaves_nothing_behind(store: Store) -> None:
    """Wherever the cancellation strikes, nothing half is kept and the next writer can write."""

    async def write(name: str) -> None:
        organization = group(name)
        async with store.write() as records:
            await records.groups.add(organization)
            await records.identities.add(identity(organization.id))

    cancelled = 0
    for turns in range(30):
        task = asyncio.create_task(write(f"{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0.0003)
        cancelled += task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert cancelled
    await write("last")
    async with store.read() as records:
        roots = await records.groups.roots()
        for each in roots:
            assert len(await records.identities.in_group(each.id)) == 1
    assert "last" in {each.name for each in roots}


async def test_who_waits_too_long_is_told(url: str) -> None:
    """A writer inside a writer's block cannot go on; it is refused, not stuck for ever."""
    store = Store.open(url, busy_timeout=0.05)
    other = Store.open(url, busy_timeout=0.05)
    async with store.write() as records:
        await records.groups.add(group("acme"))
        for at in (store, other):
            with pytest.raises(Unavailable) as refused:
                async with at.write() as waiting:
                    await waiting.groups.roots()
            assert refused.value.code == "store_busy"
    async with other.write() as records:
        await records.groups.add(group("next"))
    async with store.read() as records:
        assert len(await records.groups.roots()) == 2
    await store.close()
    await other.close()


async def test_a_missing_row_does_not_end_the_transaction(store: Store) -> None:
    """NotFound is an answer, not a refusal: the block may go on."""
    async with store.write() as records:
        with pytest.raises(Exception, match="does not exist"):
            await records.groups.delete(Uidp("a" * 40))
        await records.groups.add(group("acme"))
    async with store.read() as records:
        assert len(await records.groups.roots()) == 1
