from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import Conflict, NotFound
from broker.store import Store
from tests.store.samples import NOW, key


async def test_keys_come_back_oldest_first(store: Store) -> None:
    """Every byte of the wrapped key and every microsecond is kept."""
    first = key()
    second = replace(key(first.kid), created_at=NOW + timedelta(microseconds=1))
    async with store.write() as records:
        await records.keys.add(first)
        await records.keys.add(second)
    async with store.read() as records:
        assert await records.keys.all() == [first, second]


async def test_a_deleted_key_is_gone(store: Store) -> None:
    """Deleting it again raises NotFound."""
    first = key()
    async with store.write() as records:
        await records.keys.add(first)
        await records.keys.delete(first.kid)
        assert await records.keys.all() == []
    with pytest.raises(NotFound) as refused:
        async with store.write() as records:
            await records.keys.delete(first.kid)
    assert refused.value.code == "key_not_found"


@pytest.mark.parametrize("predecessor", ["", "an earlier key"])
async def test_of_processes_that_rotate_at_once_one_wins(
    store: Store, url: str, predecessor: str
) -> None:
    """The others, here with a store of their own each, learn that somebody was first."""
    others = [Store.open(url) for _ in range(3)]

    async def rotate(at: Store) -> str:
        try:
            async with at.write() as records:
                await records.keys.add(key(predecessor))
        except Conflict as error:
            return error.code
        return "rotated"

    outcomes = await asyncio.gather(*(rotate(each) for each in (store, *others)))
    for each in others:
        await each.close()
    assert sorted(outcomes) == ["key_rotated"] * 3 + ["rotated"]
