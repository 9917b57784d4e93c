"""HTTP/1.1 and gRPC on one port: the first bytes of a connection tell which it speaks.

A client of HTTP/2 begins with `PRI * HTTP/2.0` (RFC 9113 §3.4); no request of HTTP/1.1 has the
method PRI (§11.6). With TLS the same bytes decide, after the handshake.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final, cast

import structlog

from broker.web.splice import Splice

PREFACE: Final = b"PRI "
"""As much of it as no other method begins with."""

FIRST_BYTES: Final = 10.0
"""Seconds in which a connection has to begin."""

log = structlog.get_logger()


class SharedPort:
    """Makes the protocol of a new connection. `http` makes that of HTTP/1.1.

    HTTP/2 goes to the Unix socket `grpc`, whose owner sees `folder/number/address` as its peer
    where the system lets a client's socket have a name without a file.
    """

    def __init__(self, http: Callable[[], asyncio.Protocol], *, grpc: Path) -> None:
        self.http = http
        self._grpc = grpc
        self._numbers = count()
        self._is_closing = False
        self._undecided: set[asyncio.Transport] = set()
        self._splices: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.Protocol:
        """For one connection."""
        return _Undecided(self)

    def close_undecided(self) -> None:
        """Close what has not begun, now and from now on."""
        self._is_closing = True
        for transport in tuple(self._undecided):
            transport.close()

    async def close(self, grace: float) -> None:
        """Wait `grace` seconds for the gRPC connections to end, and cut off the others."""
        self.close_undecided()
        if self._splices:
            _, pending = await asyncio.wait(self._splices, timeout=grace)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def undecided(self, transport: asyncio.Transport) -> None:
        """A connection; in TLS the handshake is done."""
        self._undecided.add(transport)
        if self._is_closing:
            transport.close()

    def decided(self, transport: asyncio.Transport) -> None:
        """It has begun, or is gone."""
        self._undecided.discard(transport)

    def to_grpc(self, transport: asyncio.Transport, first: bytes) -> None:
        """Join the connection to the gRPC server."""
        transport.pause_reading()
        splice = Splice(transport, first, self._grpc, self._name(transport))
        task = asyncio.get_running_loop().create_task(_run(splice))
        self._splices.add(task)
        task.add_done_callback(self._splices.discard)

    def _name(self, transport: asyncio.Transport) -> bytes:
        if sys.platform != "linux":
            return b""
        host = (transport.get_extra_info("peername") or ("",))[0].partition("%")[0]
        return f"{self._grpc.parent.name}/{next(self._numbers)}/{host}".encode()


async def _run(splice: Splice) -> None:
    try:
        await splice.run()
    except OSError as error:  # while the gRPC server stops, or out of sockets
        log.warning("grpc_connection_failed", fault=type(error).__name__)


class _Undecided(asyncio.Protocol):
    """A connection of which too little is known."""

    def __init__(self, port: SharedPort) -> None:
        self._port = port
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        loop = asyncio.get_running_loop()
        self._late = loop.call_later(FIRST_BYTES, self._transport.abort)
        self._port.undecided(self._transport)

    def data_received(self, data: bytes) -> None:
        self._first += data
        if len(self._first) < len(PREFACE) and PREFACE.startswith(self._first):
            return
        self._decided()
        if self._first.startswith(PREFACE):
            self._port.to_grpc(self._transport, self._first)
            return
        http = self._port.http()
        self._transport.set_protocol(http)
        http.connection_made(self._transport)
        http.data_received(self._first)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._decided()

    def _decided(self) -> None:
        self._late.cancel()
        self._port.decided(self._transport)
