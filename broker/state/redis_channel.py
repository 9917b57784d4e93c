"""The channel between processes, by Redis' publish and subscribe."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisClusterException, RedisError

from broker.state.cancellation import end_if_cancelled
from broker.state.channel import Handler
from broker.state.redis_endpoint import RedisEndpoint, endpoint
from broker.state.redis_url import RedisUrl

PREFIX: Final = "broker:channel:"
HEARTBEAT: Final = 5.0
"""Seconds without a word after which the server is asked for a sign of life."""

DEADLINE: Final = 3.0
"""Seconds to connect and subscribe, and to publish."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds before it connects again; each time twice as many."""

QUEUE: Final = 1000
"""Messages that wait to be sent; the oldest are lost."""

log = structlog.get_logger()


class RedisChannel:
    """Messages to and from the others. `sender` is this process' own name, 16 random bytes."""

    def __init__(self, opened: RedisEndpoint, *, sender: bytes) -> None:
        self._endpoint = opened
        self._sender = sender
        self._handlers: dict[bytes, Handler] = {}
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=QUEUE)
        self._wake = asyncio.Event()
        self._up = True
        self._pause = FIRST_PAUSE

    @classmethod
    def at(cls, url: str, *, sender: bytes) -> RedisChannel:
        """As `RedisUrl` reads it. Raises ValueError."""
        return cls(endpoint(RedisUrl.parse(url)), sender=sender)

    def publish(self, topic: str, message: bytes) -> None:
        """Queue it."""
        self._waiting.append((PREFIX + topic, self._sender + message))
        self._wake.set()

    def listen(self, topic: str, handler: Handler) -> None:
        """One handler for a topic."""
        self._handlers[(PREFIX + topic).encode()] = handler

    async def watch(self) -> None:
        """Both, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(), name="channel-send")
            tasks.create_task(self._hear(), name="channel-hear")

    async def close(self) -> None:
        """Close its connections, after `watch` has ended."""
        await self._endpoint.close()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                name, message = self._waiting.popleft()
                try:
                    async with asyncio.timeout(DEADLINE):
                        await self._endpoint.ready()
                        await self._endpoint.client.publish(name, message)
                except (RedisError, RedisClusterException, OSError) as error:
                    end_if_cancelled()
                    log.warning("channel_message_lost", fault=type(error).__name__)
                except Exception:  # a defect; without this loop nothing is sent any more
                    log.exception("channel_message_lost")

    async def _hear(self) -> None:
        while True:
            try:
                await self._subscribed()
            except (RedisError, RedisClusterException, OSError) as error:
                end_if_cancelled()
                if self._up:
                    log.warning("channel_down", fault=type(error).__name__)
                self._up = False
            except Exception:  # a defect; without this loop nothing is heard any more
                log.exception("channel_down")
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _subscribed(self) -> None:
        """Connect and hear, until the connection fails."""
        if not self._handlers:
            await asyncio.Event().wait()
        async with asyncio.timeout(DEADLINE):
            await self._endpoint.ready()
        client = self._endpoint.subscriber()
        pubsub = client.pubsub()
        try:
            async with asyncio.timeout(DEADLINE):
                await pubsub.subscribe(*self._handlers)
            await self._listen(pubsub)
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # of redis-py
            await client.aclose()

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=HEARTBEAT)
            if message is not None:
                asked = False
                self._heard(message)
                continue
            if asked:
                raise TimeoutError
            asked = True
            async with asyncio.timeout(DEADLINE):
                await pubsub.ping()

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            if not self._up:
                log.warning("channel_up")
            self._up, self._pause = True, FIRST_PAUSE
        elif message["type"] == "message" and not message["data"].startswith(self._sender):
            handler = self._handlers[message["channel"]]
            handler(message["data"][len(self._sender) :])
