"""State of each kind: in memory, and in a Redis of its own, of each kind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from broker.state.memory import MemoryState
from broker.state.redis import RedisState
from broker.state.state import State
from tests.kit.redis import RedisServer, running_redis
from tests.kit.redis_groups import Cluster, WatchedServers, cluster, watched_servers


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A running server."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def sentinel() -> Iterator[WatchedServers]:
    """A server that Sentinels watch."""
    with watched_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[Cluster]:
    """A cluster of three."""
    with cluster() as nodes:
        yield nodes


@pytest.fixture(params=["redis", "sentinel", "redis_cluster"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where each kind of Redis is."""
    url: str = request.getfixturevalue(request.param).url
    return url


@pytest.fixture(params=["memory", "redis", "sentinel", "redis_cluster"])
async def state(request: pytest.FixtureRequest) -> AsyncIterator[State]:
    """One of each kind."""
    if request.param == "memory":
        opened: State = MemoryState(clock=time.monotonic)
    else:
        opened = RedisState.at(request.getfixturevalue(request.param).url)
    yield opened
    await opened.close()
