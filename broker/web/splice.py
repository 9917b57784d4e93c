"""Two connections made one: what comes in at either end goes out at the other."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

LINGER: Final = 10.0
"""Seconds that the last bytes may take to be read, once the other end has gone."""


class Splice:
    """Joins `client`, paused, of which `first` was read already, to the Unix socket `path`.

    `name` is the address from which the socket's owner sees it come, in Linux's abstract
    namespace; empty: from none. An end that is read slowly makes the other wait.
    """

    def __init__(self, client: asyncio.Transport, first: bytes, path: Path, name: bytes) -> None:
        self._first = first
        self._path = path
        self._name = name
        self._near = _Client()
        self._far = _End()
        self._near.join(self._far)
        self._near.connection_made(client)
        client.set_protocol(self._near)

    async def run(self) -> None:
        """Returns when both connections are over. Raises OSError when nobody listens at `path`.

        Both are cut off when this is cancelled.
        """
        try:
            loop = asyncio.get_running_loop()
            sock = _connected(self._path, self._name)
            await loop.create_unix_connection(lambda: self._far, sock=sock)
            self._far.write(self._first)
            self._near.resume()
            await self._near.lost.wait()
            self._far.close()
            await self._far.lost.wait()
        finally:
            self._near.abort()
            self._far.abort()


def _connected(path: Path, name: bytes) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        if name:
            with suppress(OSError):  # taken: its owner sees it come from nowhere
                sock.bind(b"\0" + name)
        sock.connect(str(path))  # at once or not at all: there is no round trip to wait for
    except OSError:
        sock.close()
        raise
    return sock


class _End(asyncio.Protocol):
    """One of the two connections, before it is made, while it is, and after."""

    _other: _End

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._cut: asyncio.TimerHandle | None = None
        self.lost = asyncio.Event()

    def join(self, other: _End) -> None:
        """Send there what comes in here, and the other way round."""
        self._other, other._other = other, self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """There is none any more, and no use in the other."""
        del exc
        if self._cut is not None:
            self._cut.cancel()
        self.lost.set()
        self._other.close()

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._other.write(data)

    def pause_writing(self) -> None:
        """Whoever is at this end reads slowly: take no more at the other."""
        self._other.pause()

    def resume_writing(self) -> None:
        """They have caught up."""
        self._other.resume()

    def write(self, data: bytes) -> None:
        """Send it, if anybody is there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        """Say that nothing more will come."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def pause(self) -> None:
        """Take nothing for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Take what comes."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close the connection when all of it is sent, or after a while."""
        if self._transport is not None and self._cut is None and not self.lost.is_set():
            self._transport.close()
            self._cut = self._loop.call_later(LINGER, self._transport.abort)

    def abort(self) -> None:
        """Close it now."""
        if self._transport is not None and not self.lost.is_set():
            self._transport.abort()


class _Client(_End):
    """The end that was there first. May have said all and still listen; the far end may not."""

    def eof_received(self) -> bool:
        """Pass it on, and stay. A TLS connection cannot (RFC 8446 §6.1 has it, Python does not)."""
        if self._transport is None or not self._transport.can_write_eof():
            return False
        self._other.write_eof()
        return True
