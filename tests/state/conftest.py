"""State of each kind: in memory, and in a Redis of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from broker.state.memory import MemoryState
from broker.state.redis import RedisState
from broker.state.state import State
from tests.kit.redis import RedisServer, running_redis


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A running server."""
    with running_redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def state(request: pytest.FixtureRequest) -> AsyncIterator[State]:
    """One of each kind."""
    if request.param == "memory":
        opened: State = MemoryState(clock=time.monotonic)
    else:
        opened = RedisState.at(request.getfixturevalue("redis").url)
    yield opened
    await opened.close()
