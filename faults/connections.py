"""Many connections that want nothing, and some that take for ever to say what they want."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from bench.installation import fill
from broker.sdk.testing.issuer import LocalIssuer
from faults.clients import Load, Tokens, asks
from faults.report import Report
from faults.servers import Missing, serving

RATE: Final = 200
IDLE: Final = 10_000
SPARE_FILES: Final = 500
SLOW: Final = 1000
"""Connections of each kind of slowness."""

PATIENCE: Final = 25.0
"""Seconds after which a slow connection must be gone."""

ONCE: Final = b"GET /healthz HTTP/1.1\r\nHost: broker\r\n\r\n"


class _Silent(asyncio.Protocol):
    """Says something once, and then nothing."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.answered = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._said)

    def data_received(self, data: bytes) -> None:
        if not self.answered.done():
            self.answered.set_result(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.lost.done():
            self.lost.set_result(time.perf_counter())


async def _connected(url: str, said: bytes, count: int) -> list[_Silent]:
    loop = asyncio.get_running_loop()
    host, port = urlsplit(url).netloc.split(":")
    found: list[_Silent] = []
    for start in range(0, count, 100):
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda: _Silent(said), host, int(port))
                for _ in range(start, min(start + 100, count))
            )
        )
        found += [protocol for _, protocol in made]
    return found


async def idle(folder: Path) -> Report:
    """10,000 connections that asked once and keep quiet, while others are served."""
    _allow_files(IDLE + SPARE_FILES)
    url = f"sqlite:///{folder}/broker.sqlite3"
    async with LocalIssuer(algorithm="ES256") as issuer:
        identities = await fill(url, issuer.url, 20)
        with serving(folder) as served:
            issuer.audience = served.url
            tokens = Tokens(served.url)
            load = Load(served.url, asks(identities, issuer), rate=RATE, tokens=tokens)
            before = await Load(served.url, asks(identities, issuer), rate=RATE, tokens=tokens).run(
                3
            )
            memory = served.memory
            quiet = await _connected(served.url, ONCE, IDLE)
            await asyncio.wait_for(asyncio.gather(*(each.answered for each in quiet)), PATIENCE)
            each = (served.memory - memory) * 1024 / IDLE
            await load.run(6)
            gone = sum(one.lost.done() for one in quiet)
            _close(quiet)
    report = Report("idle", load.outcomes)
    report.expect(gone == 0, f"{gone} of the quiet connections were closed")
    report.notes.append(
        f"{IDLE} connections, {each:.1f} KiB each; p99 {before.percentile(0.99):.1f} ms before, "
        f"{load.outcomes.percentile(0.99):.1f} ms during"
    )
    return report


async def slow_loris(folder: Path) -> Report:
    """Headers and bodies that come a byte a second; each is cut off, others are served."""
    _allow_files(3 * SLOW + SPARE_FILES)
    url = f"sqlite:///{folder}/broker.sqlite3"
    header = b"GET /healthz HTTP/1.1\r\nX-Slow: "
    body = (
        b"POST /token HTTP/1.1\r\nHost: broker\r\nContent-Length: 60000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    async with LocalIssuer(algorithm="ES256") as issuer:
        identities = await fill(url, issuer.url, 20)
        with serving(folder) as served:
            issuer.audience = served.url
            started = time.perf_counter()
            slow = {
                "header": await _connected(served.url, header, SLOW),
                "second header": await _connected(served.url, ONCE + header, SLOW),
                "body": await _connected(served.url, body, SLOW),
            }
            everyone = [each for group in slow.values() for each in group]
            dribbling = asyncio.create_task(_dribble(everyone))
            load = Load(served.url, asks(identities, issuer), rate=RATE)
            running = asyncio.create_task(load.run(12))
            await asyncio.wait([each.lost for each in everyone], timeout=PATIENCE)
            dribbling.cancel()
            await running
            _close(everyone)
    report = Report("slow-loris", load.outcomes)
    for name, group in slow.items():
        left = sum(not each.lost.done() for each in group)
        report.expect(left == 0, f"{left} of {SLOW} slow ones ({name}) were still there")
        ends = [each.lost.result() - started for each in group if each.lost.done()]
        last = f"{max(ends):.1f} s" if ends else "never"
        report.notes.append(f"{SLOW} with a slow {name}: the last was cut off after {last}")
    return report


async def _dribble(slow: list[_Silent]) -> None:
    while True:
        for each in slow:
            if not each.lost.done():
                each.transport.write(b"x")
        await asyncio.sleep(1)


def _close(protocols: Iterable[_Silent]) -> None:
    for each in protocols:
        each.transport.close()


def _allow_files(count: int) -> None:
    """As many open files, for this process and those that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise Missing(f"{count} open files at once (ulimit -Hn says {hard})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
