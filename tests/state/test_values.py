"""Values, counts and sets: what state promises of them, wherever it is kept."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from broker.state.state import State

BINARY = bytes(range(256))


@pytest.fixture
def key() -> str:
    """One that no other test has."""
    return secrets.token_hex(32)


async def test_a_value_comes_back_as_it_was_put(state: State, key: str) -> None:
    """Every byte, also none, as often as it is asked for."""
    for value in (BINARY, b"", b"0", "é".encode()):
        await state.put("logins", key, value, 60)
        assert await state.get("logins", key) == value
        assert await state.get("logins", key) == value


async def test_what_was_not_put_is_not_there(state: State, key: str) -> None:
    """None, and not an empty value; to delete it is no fault."""
    assert await state.get("logins", key) is None
    assert await state.take("logins", key) is None
    await state.delete("logins", key)


async def test_a_key_of_any_text_is_one_key(state: State, key: str) -> None:
    """Braces, which mean something to a cluster, colons, spaces and letters of all languages."""
    odd = [f"{key}{end}" for end in ("{", "}", "{a}", "{b}", ":", " ", "\n", "é", "*")]
    for number, each in enumerate(odd):
        await state.put("logins", each, b"%d" % number, 60)
    for number, each in enumerate(odd):
        assert await state.get("logins", each) == b"%d" % number


async def test_taking_a_value_removes_it(state: State, key: str) -> None:
    """The second time there is nothing."""
    await state.put("logins", key, BINARY, 60)
    assert await state.take("logins", key) == BINARY
    assert await state.take("logins", key) is None
    assert await state.get("logins", key) is None


async def test_of_many_takes_at_once_one_gets_the_value(state: State, key: str) -> None:
    """A hundred race for it."""
    await state.put("codes", key, BINARY, 60)
    got = await asyncio.gather(*(state.take("codes", key) for _ in range(100)))
    assert got.count(BINARY) == 1
    assert got.count(None) == 99


async def test_a_deleted_value_is_gone(state: State, key: str) -> None:
    """And can be put again, by `put_once` too."""
    assert await state.put_once("logins", key, 60)
    await state.delete("logins", key)
    assert await state.get("logins", key) is None
    assert await state.put_once("logins", key, 60)


async def test_a_value_is_replaced_by_who_knows_it(state: State, key: str) -> None:
    """Nobody else, not where there is none, and once."""
    assert not await state.replace("devices", key, b"", b"new", 60)
    assert await state.get("devices", key) is None
    await state.put("devices", key, BINARY, 60)
    assert not await state.replace("devices", key, BINARY[:-1], b"new")
    assert await state.get("devices", key) == BINARY
    assert await state.replace("devices", key, BINARY, b"new")
    assert await state.get("devices", key) == b"new"
    assert not await state.replace("devices", key, BINARY, b"newer")


async def test_of_many_replacements_at_once_one_is_made(state: State, key: str) -> None:
    """A hundred know the old value; the one that won is what is there."""
    await state.put("devices", key, b"old", 60)
    values = [b"%d" % number for number in range(100)]
    done = await asyncio.gather(*(state.replace("devices", key, b"old", new) for new in values))
    assert sum(done) == 1
    assert await state.get("devices", key) == values[done.index(True)]


async def test_every_call_is_counted_once(state: State, key: str) -> None:
    """A hundred at once get the numbers from 1 to 100."""
    numbers = await asyncio.gather(*(state.count("guesses", key, 60) for _ in range(100)))
    assert sorted(numbers) == list(range(1, 101))
    assert await state.count("guesses", key + "other", 60) == 1


async def test_members_come_in_the_order_of_their_ends(state: State, key: str) -> None:
    """Not of their arrival; to join again moves one."""
    for member, ttl in (("é", 300), ("b", 100), ("c", 200)):
        await state.join("sessions", key, member, ttl)
    assert await state.members("sessions", key) == ["b", "c", "é"]
    await state.join("sessions", key, "b", 400)
    assert await state.members("sessions", key) == ["c", "é", "b"]


async def test_who_left_is_no_member(state: State, key: str) -> None:
    """A set without members is empty; who is not there may leave."""
    await state.join("sessions", key, "a", 60)
    await state.join("sessions", key, "b", 60)
    await state.leave("sessions", key, "a")
    assert await state.members("sessions", key) == ["b"]
    await state.leave("sessions", key, "a")
    await state.leave("sessions", key, "b")
    assert await state.members("sessions", key) == []


async def test_of_many_joining_at_once_none_is_lost(state: State, key: str) -> None:
    """A hundred come, and fifty go."""
    await asyncio.gather(*(state.join("sessions", key, str(n), 60) for n in range(100)))
    await asyncio.gather(*(state.leave("sessions", key, str(n)) for n in range(0, 100, 2)))
    assert set(await state.members("sessions", key)) == {str(n) for n in range(1, 100, 2)}


async def test_namespaces_are_apart(state: State, key: str) -> None:
    """A value, a count and a set of one name in several namespaces have nothing to do."""
    await state.put("logins", key, b"login", 60)
    await state.put("codes", key, b"code", 60)
    assert await state.count("guesses", key, 60) == 1
    await state.join("sessions", key, "a", 60)
    await state.delete("codes", key)
    assert await state.get("logins", key) == b"login"
    assert await state.count("guesses", key, 60) == 2
    assert await state.members("sessions", key) == ["a"]
