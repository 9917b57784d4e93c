"""When state ends: by the clock that memory is given, and by Redis' own."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from broker.errors import Unavailable
from broker.state.memory import MemoryState
from broker.state.redis import RedisState


class Clock:
    """Seconds, when somebody says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_value_ends_at_its_time_and_not_before() -> None:
    """For every way to look at it; then the key is free."""
    clock = Clock()
    state = MemoryState(clock=clock)
    await state.put("a", "k", b"v", 10)
    clock.now += 9.999
    assert await state.get("a", "k") == b"v"
    clock.now += 0.001
    assert await state.get("a", "k") is None
    assert await state.take("a", "k") is None
    assert not await state.replace("a", "k", b"v", b"w", 10)
    assert await state.put_once("a", "k", 10)


async def test_a_value_that_is_put_again_has_its_new_time() -> None:
    """Longer or shorter; a replaced one has what was left, unless it is told."""
    clock = Clock()
    state = MemoryState(clock=clock)
    await state.put("a", "longer", b"1", 10)
    await state.put("a", "longer", b"2", 30)
    await state.put("a", "shorter", b"1", 30)
    await state.put("a", "shorter", b"2", 10)
    await state.put("a", "kept", b"1", 10)
    await state.put("a", "told", b"1", 10)
    clock.now += 5
    assert await state.replace("a", "kept", b"1", b"2")
    assert await state.replace("a", "told", b"1", b"2", 10)
    clock.now += 5
    left = [await state.get("a", key) for key in ("longer", "shorter", "kept", "told")]
    assert left == [b"2", None, None, b"2"]
    clock.now += 20
    assert await state.get("a", "longer") is None


async def test_what_was_taken_and_put_again_does_not_end_with_the_first() -> None:
    """The end of the one that is gone means nothing."""
    clock = Clock()
    state = MemoryState(clock=clock)
    await state.put("a", "k", b"1", 10)
    await state.take("a", "k")
    await state.put("a", "k", b"2", 30)
    clock.now += 20
    assert await state.get("a", "k") == b"2"


async def test_a_count_starts_again_when_its_time_from_the_first_is_over() -> None:
    """Later calls do not put it off."""
    clock = Clock()
    state = MemoryState(clock=clock)
    assert await state.count("a", "k", 10) == 1
    clock.now += 9
    assert await state.count("a", "k", 10) == 2
    clock.now += 1
    assert await state.count("a", "k", 10) == 1


async def test_each_member_has_its_own_end() -> None:
    """One that joined again has the later one."""
    clock = Clock()
    state = MemoryState(clock=clock)
    for member, ttl in (("a", 10), ("b", 20), ("c", 5)):
        await state.join("s", "k", member, ttl)
    clock.now += 4
    await state.join("s", "k", "c", 100)
    clock.now += 6
    assert await state.members("s", "k") == ["b", "c"]
    clock.now += 10
    assert await state.members("s", "k") == ["c"]
    clock.now += 100
    assert await state.members("s", "k") == []


async def test_a_full_namespace_costs_no_other_anything() -> None:
    """A flood of logins leaves room for sessions; what is there can be changed and removed."""
    clock = Clock()
    state = MemoryState(clock=clock, size=2)
    await state.put("logins", "a", b"1", 10)
    await state.join("logins", "set", "a", 20)
    for full in (
        state.put("logins", "b", b"1", 10),
        state.put_once("logins", "b", 10),
        state.count("logins", "b", 10),
        state.join("logins", "set", "b", 10),
    ):
        with pytest.raises(Unavailable):
            await full
    await state.put("sessions", "a", b"1", 10)
    await state.put("logins", "a", b"2", 10)
    assert await state.replace("logins", "a", b"2", b"3")
    await state.take("logins", "a")
    await state.put("logins", "b", b"1", 10)
    clock.now += 10
    await state.put("logins", "c", b"1", 10)


async def test_the_bytes_of_a_namespace_are_bounded() -> None:
    """Of keys and values; what is removed makes room, what does not fit changes nothing."""
    state = MemoryState(clock=Clock(), room=100)
    await state.put("a", "k", b"x" * 99, 10)
    for full in (
        state.put("a", "l", b"", 10),
        state.put("a", "k", b"x" * 100, 10),
        state.replace("a", "k", b"x" * 99, b"x" * 100),
    ):
        with pytest.raises(Unavailable):
            await full
    assert await state.get("a", "k") == b"x" * 99
    await state.put("b", "k", b"x" * 99, 10)
    await state.put("a", "k", b"", 10)
    await state.put("a", "l", b"x" * 98, 10)
    await state.delete("a", "l")
    await state.put("a", "m", b"x" * 98, 10)


async def test_memory_keeps_nothing_of_what_is_gone() -> None:
    """However often something is put and taken, or put anew, before it would end."""
    state = MemoryState(clock=Clock())
    for number in range(5000):
        await state.put("a", "same", b"", 3600)
        await state.put("a", str(number), b"", 3600)
        await state.take("a", str(number))
        await state.join("a", "set", str(number), 3600)
        await state.leave("a", "set", str(number))
    space = state._spaces["a"]
    assert len(space.values) == len(space.ends) == 1
    assert len(space._ending) < 1100
    assert not space.sets


@pytest.fixture
async def shared(redis_url: str) -> Any:
    """State in Redis of each kind."""
    state = RedisState.at(redis_url)
    yield state
    await state.close()


async def test_redis_ends_a_value_by_itself(shared: RedisState) -> None:
    """Whatever was put, and when it was replaced: nothing stays for ever."""
    key = secrets.token_hex(16)

    async def left() -> int:
        return int(await shared._client.ttl(f"broker:a:{key}"))

    await shared.put_once("a", key, 60)
    assert 55 < await left() <= 60
    await shared.put("a", key, b"1", 600)
    assert 595 < await left() <= 600
    await shared.replace("a", key, b"1", b"2")
    assert 590 < await left() <= 600
    await shared.replace("a", key, b"2", b"3", 60)
    assert 55 < await left() <= 60


async def test_redis_ends_a_count_from_the_first_call(shared: RedisState) -> None:
    """Later ones do not put it off."""
    key = secrets.token_hex(16)
    await shared.count("a", key, 60)
    await shared.count("a", key, 600)
    assert 55 < await shared._client.ttl(f"broker:a:{key}") <= 60


async def test_redis_ends_members_and_their_set(shared: RedisState) -> None:
    """Who has ended is not listed, and removed when somebody joins; the set ends with the last."""
    key = secrets.token_hex(16)
    name = f"broker:s:{key}"
    await shared.join("s", key, "long", 600)
    await shared.join("s", key, "short", 60)
    assert 595 < await shared._client.ttl(name) <= 600
    await shared._client.zadd(name, {"ended": 1_700_000_000})
    assert await shared.members("s", key) == ["short", "long"]
    await shared.join("s", key, "other", 60)
    assert await shared._client.zcard(name) == 3
