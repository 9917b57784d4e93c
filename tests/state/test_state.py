"""What state promises, wherever it is kept."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from broker.errors import Unavailable
from broker.state.memory import MemoryState
from broker.state.redis import RedisState
from broker.state.state import State
from tests.kit.redis import RedisServer, running_redis


def fresh() -> str:
    return secrets.token_hex(32)


async def test_a_key_is_put_once(state: State) -> None:
    """The first call gets it, and no later one."""
    key = fresh()
    assert await state.put_once("tokens", key, 60)
    assert not await state.put_once("tokens", key, 60)
    assert await state.put_once("tokens", fresh(), 60)


async def test_a_namespace_is_a_purpose(state: State) -> None:
    """What was put for one says nothing about another."""
    key = fresh()
    assert await state.put_once("tokens", key, 60)
    assert await state.put_once("codes", key, 60)


async def test_of_many_at_once_one_is_the_first(state: State) -> None:
    """A hundred calls race for a key."""
    key = fresh()
    got = await asyncio.gather(*(state.put_once("tokens", key, 60) for _ in range(100)))
    assert sum(got) == 1


async def test_memory_forgets_a_key_when_it_expires_and_not_before() -> None:
    """At its time to live it can be put again."""
    now = 0.0
    state = MemoryState(clock=lambda: now)
    assert await state.put_once("tokens", "a", 10)
    assert await state.put_once("tokens", "b", 20)
    now = 9.999
    assert not await state.put_once("tokens", "a", 10)
    now = 10.0
    assert await state.put_once("tokens", "a", 10)
    assert not await state.put_once("tokens", "b", 20)


async def test_full_memory_refuses_rather_than_forget() -> None:
    """There is room again when something expired."""
    now = 0.0
    state = MemoryState(clock=lambda: now, size=2)
    assert await state.put_once("tokens", "a", 10)
    assert await state.put_once("tokens", "b", 20)
    with pytest.raises(Unavailable) as refusal:
        await state.put_once("tokens", "c", 10)
    assert refusal.value.code == "state_unavailable"
    assert not await state.put_once("tokens", "a", 10)
    now = 10.0
    assert await state.put_once("tokens", "c", 10)


async def test_redis_expires_keys(redis: RedisServer) -> None:
    """Each has the time to live that it was put with."""
    state = RedisState.at(redis.url)
    key = fresh()
    await state.put_once("tokens", key, 60)
    left = await state._client.ttl(f"broker:tokens:{key}")
    assert 50 < left <= 60
    await state.close()


async def test_processes_share_a_redis(redis: RedisServer) -> None:
    """What one has put, another cannot put."""
    one, other = RedisState.at(redis.url), RedisState.at(redis.url)
    key = fresh()
    assert await one.put_once("tokens", key, 60)
    assert not await other.put_once("tokens", key, 60)
    await one.close()
    await other.close()


async def test_a_redis_that_goes_is_told_and_one_that_comes_back_is_used() -> None:
    """Without a restart of ours; connections to the old one are not used any more."""
    with running_redis() as server:
        state = RedisState.at(server.url)
        assert await state.put_once("tokens", "a", 60)
        server.stop()
        with pytest.raises(Unavailable) as refusal:
            await state.put_once("tokens", "b", 60)
        assert (refusal.value.code, refusal.value.retry_after) == ("state_unavailable", 5)
        server.start()
        assert await state.put_once("tokens", "b", 60)
        assert not await state.put_once("tokens", "b", 60)
        await state.close()


async def test_a_redis_that_does_not_answer_is_not_waited_for() -> None:
    """A server that takes connections and says nothing."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    state = RedisState.at(f"redis://127.0.0.1:{port}/0")
    async with asyncio.timeout(30):
        with pytest.raises(Unavailable):
            await state.put_once("tokens", "a", 60)
    await state.close()
    server.close()


async def test_what_was_not_answered_is_not_asked_again(redis: RedisServer) -> None:
    """It may have been done: asked twice, the first use of a key would look like the second."""
    key = fresh()
    lost: list[bytes] = []

    async def loses_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", redis.port)
        while sent := await reader.read(4096):
            questions.write(sent)
            answer = await answers.read(4096)
            if key.encode() in sent and not lost:
                lost.append(answer)
                break
            writer.write(answer)
        questions.close()
        writer.close()

    server = await asyncio.start_server(loses_an_answer, "127.0.0.1", 0)
    state = RedisState.at(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    with pytest.raises(Unavailable):
        await state.put_once("tokens", key, 60)
    assert lost == [b"+OK\r\n"]
    await state.close()
    server.close()
    direct = RedisState.at(redis.url)
    assert not await direct.put_once("tokens", key, 60)
    await direct.close()


async def test_more_calls_than_connections_are_answered(redis: RedisServer) -> None:
    """They take turns."""
    state = RedisState.at(redis.url)
    got = await asyncio.gather(*(state.put_once("tokens", fresh(), 60) for _ in range(500)))
    assert all(got)
    await state.close()
