"""Latency at a steady rate: requests leave at their times whether or not answers have come.

Latency counts from the time when a request should have left, so that a stall of the server shows
in every request that it delays.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop


class _Connection(asyncio.Protocol):
    """One request at a time over one connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self.answered: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start:].split(b"\r\n", 1)[0])
        if len(body) >= length and self.answered is not None:
            self._buffer = b""
            self.answered.set_result(head.startswith(b"HTTP/1.1 200"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("closed by the server"))

    async def ask(self, request: bytes) -> bool:
        assert self._transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self.answered


def requests_of(path: Path, host: str) -> list[bytes]:
    """The same file that wrk reads, as bytes on the wire."""
    made = []
    for line in path.read_text().splitlines():
        target, bearer, body = line.split("\t")
        head = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: {host}\r\n"
        if bearer:
            head += f"Authorization: Bearer {bearer}\r\n"
        if body:
            head += "Content-Type: application/x-www-form-urlencoded\r\n"
            head += f"Content-Length: {len(body)}\r\n"
        made.append(f"{head}\r\n{body}".encode())
    return made


async def _run(url: str, requests: list[bytes], rate: float, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    idle: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(64):
        _, connection = await loop.create_connection(_Connection, parts.hostname, parts.port)
        idle.put_nowait(connection)
    latencies: list[float] = []
    running: set[asyncio.Task[None]] = set()

    async def one(due: float, request: bytes) -> None:
        connection = await idle.get()
        good = await connection.ask(request)
        idle.put_nowait(connection)
        latencies.append(time.perf_counter() - due if good else float("inf"))

    start = time.perf_counter()
    for n in range(int(rate * seconds)):
        due = start + n / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(due, requests[n % len(requests)]))
        running.add(task)
        task.add_done_callback(running.discard)
    async with asyncio.timeout(30):
        await asyncio.gather(*running)
    return latencies


def latencies(url: str, path: Path, *, rate: float, seconds: float, core: int) -> list[float]:
    """Milliseconds, sorted. Infinite for an answer other than 200."""
    os.sched_setaffinity(0, {core})
    requests = requests_of(path, urlsplit(url).netloc)
    found = uvloop.run(_run(url, requests, rate, seconds))
    return sorted(value * 1000 for value in found)
