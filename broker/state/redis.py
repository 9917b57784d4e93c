"""State that processes share: Redis, or what speaks its protocol (Valkey)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from broker.state.rates import Rate
from broker.state.state import unavailable

log = structlog.get_logger()

PREFIX: Final = "broker:"
TIMEOUT: Final = 1.0
"""Seconds to connect, for a command, and for a free connection."""

CONNECTIONS: Final = 64

_USE: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local behind = {}
for i, key in ipairs(KEYS) do
  local interval, window, uses = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local at = math.max(tonumber(redis.call('GET', key) or 0), now) + uses * interval
  at = math.min(at, now + window)
  redis.call('SET', key, string.format('%.6f', at), 'PX', math.ceil((at - now) * 1000))
  behind[i] = string.format('%.6f', at - now)
end
return behind
"""
"""`RateLimiter.count` by the server's clock; each process has one of its own."""


class RedisState:
    """One endpoint, however `client` finds it. It need not be there yet."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._use = client.register_script(_USE)

    @classmethod
    def at(cls, url: str) -> RedisState:
        """`redis://`, `rediss://` (TLS) or `unix://`, as redis-py reads them."""
        # Never tried twice: of a command without an answer nobody knows whether it was done, and
        # a key that is put again looks like one that was there before.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        return cls(Redis.from_pool(pool))

    async def put_once(self, namespace: str, key: str, ttl: int) -> bool:
        """`SET … NX EX`."""
        with _asked():
            put = await self._client.set(f"{PREFIX}{namespace}:{key}", "1", nx=True, ex=ttl)
        return bool(put)

    async def use(self, uses: Mapping[str, tuple[Rate, int]]) -> dict[str, float]:
        """Count uses by key, in one round trip.

        For each key the seconds until everything that was used of its rate, by anybody, is
        earned back.
        """
        arguments = [
            part for rate, count in uses.values() for part in (rate.interval, rate.window, count)
        ]
        with _asked():
            behind = await self._use([f"{PREFIX}rate:{key}" for key in uses], arguments)
        return {key: float(seconds) for key, seconds in zip(uses, behind, strict=True)}

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:  # an exhausted pool raises the former
        log.warning("state_unavailable", fault=type(error).__name__)
        raise unavailable() from error
