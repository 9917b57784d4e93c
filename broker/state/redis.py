"""State that processes share: Redis 6.2 or later, or what speaks its protocol (Valkey)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from redis.asyncio import RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from broker.measures import Tally
from broker.state import scripts
from broker.state.cancellation import end_if_cancelled
from broker.state.rates import Rate
from broker.state.redis_endpoint import CONNECTIONS, TIMEOUT, RedisEndpoint, endpoint
from broker.state.redis_url import RedisUrl
from broker.state.state import unavailable

log = structlog.get_logger()

PREFIX: Final = "broker:"
DEADLINE: Final = 3.0
"""Seconds for all that an answer takes: a free connection, finding the server, the command."""


class RedisState:
    """One endpoint. It need not be there yet."""

    def __init__(self, opened: RedisEndpoint) -> None:
        self._endpoint = opened
        self._client = opened.client
        self._free = asyncio.Semaphore(CONNECTIONS)
        self.errors = Tally("fault")

    @classmethod
    def at(cls, url: str) -> RedisState:
        """As `RedisUrl` reads it. Raises ValueError."""
        return cls(endpoint(RedisUrl.parse(url)))

    async def put_once(self, namespace: str, key: str, ttl: int) -> bool:
        """`SET … NX EX`."""
        async with self._asked():
            put = await self._client.set(_name(namespace, key), b"1", nx=True, ex=ttl)
        return bool(put)

    async def put(self, namespace: str, key: str, value: bytes, ttl: int) -> None:
        """`SET … EX`."""
        async with self._asked():
            await self._client.set(_name(namespace, key), value, ex=ttl)

    async def get(self, namespace: str, key: str) -> bytes | None:
        """`GET`."""
        async with self._asked():
            return _bytes(await self._client.get(_name(namespace, key)))

    async def take(self, namespace: str, key: str) -> bytes | None:
        """`GETDEL`."""
        async with self._asked():
            return _bytes(await self._client.getdel(_name(namespace, key)))

    async def replace(
        self, namespace: str, key: str, old: bytes, new: bytes, ttl: int | None = None
    ) -> bool:
        """A script."""
        seconds = "" if ttl is None else str(ttl)
        return bool(await self._run(scripts.REPLACE, _name(namespace, key), old, new, seconds))

    async def delete(self, namespace: str, key: str) -> None:
        """`DEL`."""
        async with self._asked():
            await self._client.delete(_name(namespace, key))

    async def count(self, namespace: str, key: str, ttl: int) -> int:
        """A script: `INCR`, and the first time `EXPIRE`."""
        return int(await self._run(scripts.COUNT, _name(namespace, key), ttl))

    async def join(self, namespace: str, key: str, member: str, ttl: int) -> None:
        """A script: `ZADD`, by the end of the member."""
        await self._run(scripts.JOIN, _name(namespace, key), member, ttl)

    async def leave(self, namespace: str, key: str, member: str) -> None:
        """`ZREM`."""
        async with self._asked():
            await self._client.zrem(_name(namespace, key), member)

    async def members(self, namespace: str, key: str) -> list[str]:
        """A script: `ZRANGE`, of those that have not ended."""
        found = await self._run(scripts.MEMBERS, _name(namespace, key))
        return [member.decode() for member in found]

    async def use(self, uses: Mapping[str, tuple[Rate, int]]) -> dict[str, float]:
        """Count uses by key, in one round trip.

        For each key the seconds until everything that was used of its rate, by anybody, is
        earned back.
        """
        behind: dict[str, float] = {}
        async with self._asked():
            asked = self._client.pipeline(transaction=False)
            groups = self._together(list(uses))
            for keys in groups:
                rates = [uses[key] for key in keys]
                arguments = [part for rate, n in rates for part in (rate.interval, rate.window, n)]
                names = [_name("rate", key) for key in keys]
                asked.eval(scripts.USE, len(names), *names, *arguments)
            for keys, seconds in zip(groups, await asked.execute(), strict=True):
                behind.update(zip(keys, map(float, seconds), strict=True))
        return behind

    def _together(self, keys: list[str]) -> list[list[str]]:
        """Those that one script may take: in a cluster those of one slot, which are few."""
        if not isinstance(self._client, RedisCluster):
            return [keys]
        slots: dict[int, list[str]] = {}
        for key in keys:
            slots.setdefault(self._client.keyslot(_name("rate", key)), []).append(key)
        return list(slots.values())

    async def check(self) -> None:
        """`PING`."""
        async with self._asked():
            await self._client.ping()

    async def close(self) -> None:
        """Close its connections."""
        await self._endpoint.close()

    async def _run(self, script: str, name: str, *arguments: str | bytes | float) -> Any:
        # The whole text each time: a server that was restarted, or promoted, does not have it
        # by its hash, and asking again after that would be trying twice.
        async with self._asked():
            return await self._client.eval(script, 1, name, *arguments)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        # who has waited for the others for long does not begin: there is no time left for it
        async with asyncio.timeout(TIMEOUT):
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(DEADLINE), self._turn():
                await self._endpoint.ready()
                yield
        # TimeoutError is an OSError
        except (RedisError, RedisClusterException, OSError) as error:
            self.errors.add(type(error).__name__)
            end_if_cancelled()
            log.warning("state_unavailable", fault=type(error).__name__)
            raise unavailable() from error


def _name(namespace: str, key: str) -> str:
    return f"{PREFIX}{namespace}:{key}"


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
