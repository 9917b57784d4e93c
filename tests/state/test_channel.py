"""Word between processes, and what becomes of it where Redis goes away."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import structlog

from broker.state.channel import NoChannel
from broker.state.redis_channel import RedisChannel
from tests.kit.brokers import free_port
from tests.kit.redis import running_redis


class Ears:
    """What a process heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._news = asyncio.Event()

    def __call__(self, message: bytes) -> None:
        self.heard.append(message)
        self._news.set()

    async def until(self, message: bytes, say: Callable[[], None] = lambda: None) -> None:
        """Until it is heard, saying something again and again: word is lost to who does not listen
        yet.
        """
        async with asyncio.timeout(30):
            while message not in self.heard:
                say()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.05)
                self._news.clear()


@asynccontextmanager
async def process(url: str, **topics: Ears) -> AsyncIterator[RedisChannel]:
    """A channel that works."""
    channel = RedisChannel.at(url, sender=secrets.token_bytes(16))
    for topic, ears in topics.items():
        channel.listen(topic, ears)
    task = asyncio.create_task(channel.watch())
    try:
        yield channel
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


async def test_word_is_heard_by_the_others(redis_url: str) -> None:
    """Of its topic alone, with every byte, and not by who sent it."""
    one, other, elsewhere = Ears(), Ears(), Ears()
    message = bytes(range(256))
    async with (
        process(redis_url, topic=one) as sender,
        process(redis_url, topic=other, elsewhere=elsewhere) as second,
    ):
        await other.until(message, lambda: sender.publish("topic", message))
        await one.until(b"back", lambda: second.publish("topic", b"back"))
        assert message not in one.heard
        assert b"back" not in other.heard
        assert elsewhere.heard == []


async def test_a_channel_comes_back_with_redis() -> None:
    """It is told once that it is down, and once that it is up; to publish never fails."""
    ears = Ears()
    with structlog.testing.capture_logs() as logs, running_redis() as server:
        async with process(server.url, topic=ears), process(server.url) as sender:
            await ears.until(b"before", lambda: sender.publish("topic", b"before"))
            server.stop()
            async with asyncio.timeout(30):
                while not any(row["event"] == "channel_down" for row in logs):
                    sender.publish("topic", b"lost")
                    await asyncio.sleep(0.05)
            server.start()
            await ears.until(b"after", lambda: sender.publish("topic", b"after"))
    told = [row["event"] for row in logs if row["event"] in {"channel_down", "channel_up"}]
    assert told == ["channel_down", "channel_up"]
    assert any(row["event"] == "channel_message_lost" for row in logs)


async def test_a_channel_that_stays_down_is_told_once() -> None:
    """However often it tries."""
    tries = asyncio.Semaphore(0)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        tries.release()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    with structlog.testing.capture_logs() as logs:
        async with process(url, topic=Ears()), asyncio.timeout(30):
            for _ in range(6):
                await tries.acquire()
    server.close()
    assert [row["event"] for row in logs] == ["channel_down"]


@pytest.mark.parametrize("form", ["redis://{}/0", "redis+sentinel://{}/main", "redis+cluster://{}"])
async def test_a_channel_that_nobody_answers_ends_when_it_is_told(form: str) -> None:
    """Whether nobody listens there or somebody says nothing: publishing does not wait."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            async with (
                asyncio.timeout(30),
                process(form.format(f"127.0.0.1:{port}"), topic=Ears()) as channel,
            ):
                for _ in range(5000):
                    channel.publish("topic", b"x" * 1000)
                await asyncio.sleep(0)
                assert len(channel._waiting) <= 1000


async def test_a_process_alone_has_nobody_to_tell() -> None:
    """And nothing to do."""
    channel, ears = NoChannel(), Ears()
    channel.listen("topic", ears)
    channel.publish("topic", b"x")
    await channel.watch()
    assert ears.heard == []
