"""How long a connection may take over what it wants."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from broker.web import connections
from tests.kit.brokers import RunningBroker, running_broker

PATIENCE = 30.0
"""Seconds until a connection that nobody cuts off fails the test."""

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: broker\r\n\r\n"
BEGUN = b"GET /healthz HTTP/1.1\r\nX-Slow: "


class Wire:
    """A connection to the broker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, broker: RunningBroker) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", broker.settings.port))

    async def answered(self, request: bytes = b"") -> bool:
        """Whether what was sent, and `request`, is answered with 200; its body is read."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        await self.reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return head.startswith(b"http/1.1 200")

    async def ended(self) -> bytes:
        """What came before the broker closed it."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


@pytest.mark.parametrize("before", [False, True], ids=["first", "second"])
async def test_headers_that_do_not_end_are_not_waited_for(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """A client that has begun a request, the first or another, is cut off before its end."""
    monkeypatch.setattr(connections, "HEAD_TIMEOUT", 0.05)
    wire = await Wire.to(broker)
    if before:
        assert await wire.answered(REQUEST)
    wire.writer.write(BEGUN)
    assert await wire.ended() == b""
    await wire.close()


async def test_a_byte_now_and_then_is_no_reprieve(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time runs from the first byte, whatever comes after it."""
    monkeypatch.setattr(connections, "HEAD_TIMEOUT", 1.0)
    wire = await Wire.to(broker)

    async def dribble() -> None:
        while True:
            wire.writer.write(b"x")
            await asyncio.sleep(0.05)

    wire.writer.write(BEGUN)
    dribbling = asyncio.create_task(dribble())
    assert await wire.ended() == b""
    dribbling.cancel()
    await asyncio.gather(dribbling, return_exceptions=True)
    await wire.close()


async def test_headers_in_pieces_are_a_request(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Complete in time, they are answered, and nothing is due from this client any more."""
    due: list[asyncio.TimerHandle] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    call_later = loop.call_later

    def noted(delay: float, *more: Any, **keywords: Any) -> asyncio.TimerHandle:
        handle = call_later(delay, *more, **keywords)
        if delay == connections.HEAD_TIMEOUT:
            due.append(handle)
            begun.set()
        return handle

    monkeypatch.setattr(connections, "HEAD_TIMEOUT", 1234.5)
    monkeypatch.setattr(loop, "call_later", noted)
    wire = await Wire.to(broker)
    wire.writer.write(REQUEST[:10])
    await begun.wait()
    assert await wire.answered(REQUEST[10:])
    assert [handle.cancelled() for handle in due] == [True]
    assert await wire.answered(REQUEST)
    await wire.close()


async def test_an_idle_connection_is_kept_as_long_as_the_setting_says(tmp_path: Path) -> None:
    """After `keep_alive` seconds without a request it is closed."""
    async with running_broker(tmp_path, BROKER_KEEP_ALIVE="1") as broker:
        wire = await Wire.to(broker)
        assert await wire.answered(REQUEST)
        assert await wire.ended() == b""
        await wire.close()
