"""`python -m faults.flooding`: requests as fast as a number of connections lets them go.

A process of its own. Reads a JSON object from standard input (`url`, `requests`, `rate`,
`seconds`, `connections`) and writes one: how many were answered with which status, how many could
not be sent because every connection was still waiting.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from typing import cast
from urllib.parse import urlsplit

import uvloop


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, flood: _Flood) -> None:
        self._flood = flood
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes) -> None:
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lower = head.lower()
        length = int(lower[lower.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        if len(body) >= length:
            self._buffer = b""
            self._flood.answered(self, int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._flood.lost()


class _Flood:
    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.idle: deque[_Connection] = deque()

    def answered(self, connection: _Connection, status: int) -> None:
        self.statuses[status] += 1
        self.idle.append(connection)

    def lost(self) -> None:
        self.statuses[0] += 1


async def _run(
    url: str, requests: list[str], rate: float, seconds: float, connections: int
) -> dict[str, object]:
    host, port = urlsplit(url).netloc.split(":")
    loop = asyncio.get_running_loop()
    flood = _Flood()
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: _Connection(flood), host, int(port))
        flood.idle.append(connection)
    encoded = [request.encode() for request in requests]
    flood.statuses.clear()
    start = time.perf_counter()
    due = sent = unsent = 0
    while (now := time.perf_counter() - start) < seconds:
        while due < rate * now:
            due += 1
            if flood.idle:
                flood.idle.popleft().send(encoded[sent % len(encoded)])
                sent += 1
            else:
                unsent += 1
        await asyncio.sleep(0.001)
    return {"statuses": flood.statuses, "sent": sent, "unsent": unsent}


def main() -> None:
    """Run what standard input says."""
    print(json.dumps(uvloop.run(_run(**json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
