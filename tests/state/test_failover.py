"""Redis that goes away, in part or altogether: what is told, and what is found again."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from broker.errors import Unavailable
from broker.state.rates import Rate
from broker.state.redis import DEADLINE, RedisState
from broker.state.state import State
from tests.kit.redis_groups import cluster, watched_servers

CALLS: list[Callable[[State], Awaitable[object]]] = [
    lambda state: state.put_once("a", "k", 60),
    lambda state: state.put("a", "k", b"v", 60),
    lambda state: state.get("a", "k"),
    lambda state: state.take("a", "k"),
    lambda state: state.replace("a", "k", b"v", b"w"),
    lambda state: state.delete("a", "k"),
    lambda state: state.count("n", "k", 60),
    lambda state: state.join("s", "k", "m", 60),
    lambda state: state.leave("s", "k", "m"),
    lambda state: state.members("s", "k"),
]


async def _answers(ask: Callable[[], Awaitable[object]], *, seconds: float = 30) -> None:
    """It does so again; until then it says that it cannot."""
    end = time.monotonic() + seconds
    while True:
        try:
            await ask()
            return
        except Unavailable:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)


async def test_a_promoted_replica_is_found() -> None:
    """The server that Sentinels watch dies; what was kept is kept, and no restart is needed."""
    with watched_servers() as servers:
        state, other = RedisState.at(servers.url), RedisState.at(servers.url)
        await state.put("a", "k", b"v", 600)
        await state.put_once("a", "used", 600)
        servers.wait_for_replica()
        before = servers.server()
        await other.get("a", "k")  # has a connection to the old one
        servers.kill()
        with pytest.raises(Unavailable):
            await state.get("a", "k")
        await _answers(lambda: state.put("a", "new", b"v", 60))
        assert servers.server() != before
        assert await other.get("a", "new") == b"v"
        assert await state.get("a", "k") == b"v"
        assert not await state.put_once("a", "used", 600)
        assert await state.count("n", "k", 60) == 1  # a script that this server never saw
        await state.close()
        await other.close()


async def test_a_node_of_a_cluster_that_is_gone_costs_its_keys_alone() -> None:
    """The others answer, within seconds each."""
    with cluster() as nodes:
        state = RedisState.at(nodes.url)
        await state.put("a", "k", b"v", 60)
        nodes.kill(nodes.ports[2])
        kept = 0
        for number in range(30):
            try:
                await state.put("a", str(number), b"v", 60)
                assert await state.get("a", str(number)) == b"v"
                kept += 1
            except Unavailable:
                pass
        assert 5 < kept < 30
        await state.close()


async def test_a_cluster_is_asked_at_the_right_node() -> None:
    """From the first question on: no node has to send it to another."""
    with cluster() as nodes:
        state = RedisState.at(nodes.url)
        await asyncio.gather(*(state.put("a", str(number), b"v", 60) for number in range(50)))
        assert nodes.redirects() == 0
        await state.close()


async def test_a_cluster_that_was_gone_is_found_again() -> None:
    """All nodes die and come back, at the same places."""
    with cluster() as nodes:
        state = RedisState.at(nodes.url)
        await state.put("a", "k", b"v", 60)
        for port in nodes.ports:
            nodes.kill(port)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await state.get("a", "k")
        for port in nodes.ports:
            nodes.start(port)
        nodes.wait()
        await _answers(lambda: state.put("a", "k", b"v", 60))
        await state.close()


async def test_rates_are_counted_in_a_cluster(redis_url: str) -> None:
    """Keys of all slots in one call, each with its own number."""
    state = RedisState.at(redis_url)
    uses = {f"address:{number}:{redis_url}": (Rate(10, 3600), number) for number in range(1, 9)}
    behind = await state.use(uses)
    for number, key in enumerate(uses, start=1):
        assert behind[key] == pytest.approx(360 * number, abs=1)
    again = await state.use(dict(list(uses.items())[:1]))
    assert again == {next(iter(uses)): pytest.approx(720, abs=60)}
    await state.close()


@pytest.mark.parametrize(
    "url", ["redis://{}/0", "redis+sentinel://{},{}/main", "redis+cluster://{},{}"]
)
async def test_nothing_waits_for_a_redis_that_is_not_there(url: str) -> None:
    """Nobody listens: every call says so, at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
        state = RedisState.at(url.format(place, place))
        for call in CALLS:
            with pytest.raises(Unavailable) as refused:
                await call(state)
            assert refused.value.code == "state_unavailable"
        await state.close()


@pytest.mark.parametrize(
    "url", ["redis://{}/0", "redis+sentinel://{},{}/main", "redis+cluster://{},{}"]
)
async def test_nothing_hangs_on_a_redis_that_says_nothing(url: str) -> None:
    """It takes connections and is silent: all calls at once are told within the deadline."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        state = RedisState.at(url.format(place, place))
        began = time.monotonic()
        got = await asyncio.gather(*(call(state) for call in CALLS * 20), return_exceptions=True)
        assert all(isinstance(each, Unavailable) for each in got)
        assert time.monotonic() - began < DEADLINE + 5
        await state.close()
