"""Connections to Redis, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from broker.state.redis_url import RedisUrl

CONNECTIONS: Final = 64
"""To each server."""

TIMEOUT: Final = 1.0
"""Seconds to connect, and for a command."""

SENTINEL_TIMEOUT: Final = 0.5
"""Seconds, for each of them: the first ones may be gone."""


class RedisEndpoint:
    """A client and what else is open with it. `subscriber` makes one more, to one server."""

    def __init__(
        self,
        client: Redis | RedisCluster,
        subscriber: Callable[[], Redis],
        sentinels: Sequence[Redis] = (),
    ) -> None:
        self.client = client
        self.subscriber = subscriber
        self._sentinels = sentinels

    async def ready(self) -> None:
        """Before a command: a cluster's client asks any node at all while it knows none."""
        if isinstance(self.client, RedisCluster):
            await self.client.initialize()

    async def close(self) -> None:
        """Close all connections, but those of subscribers."""
        for each in (self.client, *self._sentinels):
            await each.aclose()


def endpoint(url: RedisUrl) -> RedisEndpoint:
    """Clients that connect when they are first used."""
    if url.kind == "sentinel":
        return _watched(url)
    if url.kind == "cluster":
        return _cluster(url)
    return RedisEndpoint(_single(url), lambda: _single(url))


def _single(url: RedisUrl) -> Redis:
    return Redis.from_pool(ConnectionPool.from_url(url.server, **_limits()))


def _watched(url: RedisUrl) -> RedisEndpoint:
    options = _options(url)
    of_sentinels = {
        name: value
        for name, value in options.items()
        if name not in {"username", "password", "db", "max_connections"}
    } | {
        "username": url.sentinel_username,
        "password": url.sentinel_password,
        "socket_timeout": SENTINEL_TIMEOUT,
        "socket_connect_timeout": SENTINEL_TIMEOUT,
    }
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        url.addresses, sentinel_kwargs=of_sentinels, **options
    )

    def watched() -> Redis:
        client: Redis = sentinel.master_for(url.service)
        return client

    return RedisEndpoint(watched(), watched, sentinel.sentinels)


def _cluster(url: RedisUrl) -> RedisEndpoint:
    options = _options(url)
    client = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in url.addresses],
        # else every fifth key that has moved closes the connections that others wait on
        reinitialize_steps=0,
        **options,
    )

    def one_node() -> Redis:
        nodes = client.get_nodes()
        node = client.get_random_node() if nodes else None
        host, port = (node.host, int(node.port)) if node else url.addresses[0]
        return Redis(host=host, port=port, **options)

    return RedisEndpoint(client, one_node)


def _options(url: RedisUrl) -> dict[str, Any]:
    """Of a connection to any of several servers."""
    options: dict[str, Any] = {**parse_url(url.server), **_limits()}
    tls = options.pop("connection_class", None) is SSLConnection
    del options["host"], options["port"]
    return {**options, "ssl": True} if tls else options


def _limits() -> dict[str, Any]:
    # Never tried twice: of a command without an answer nobody knows whether it was done, and
    # a key that is put again looks like one that was there before.
    return {
        "max_connections": CONNECTIONS,
        "socket_connect_timeout": TIMEOUT,
        "socket_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
