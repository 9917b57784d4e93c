"""The gRPC server: listeners, limits, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import grpc

from broker.api.client_address import ClientAddresses
from broker.api.dispatch import Api
from broker.errors import Precondition
from broker.rpc.discovery import Discovery
from broker.rpc.methods import Methods

MAX_REQUEST: Final = 256 * 1024
MAX_RESPONSE: Final = 64 * 1024 * 1024
MAX_METADATA: Final = 32 * 1024
"""Bytes, as HTTP's headers: a token of 16 KiB, and one too large to be told so in our words."""

_LIMITS: Final = (
    ("grpc.max_receive_message_length", MAX_REQUEST),
    ("grpc.max_send_message_length", MAX_RESPONSE),
    ("grpc.max_metadata_size", MAX_METADATA),
    ("grpc.absolute_max_metadata_size", MAX_METADATA),
    ("grpc.max_concurrent_streams", 1000),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # whoever does not answer a ping is gone, and so is the connection
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


Certificate = Callable[[], tuple[bytes, bytes]]
"""Private key and chain as they are now, PEM; asked at each handshake, in a thread of gRPC's."""


class Listening(NamedTuple):
    """Where a server can be called."""

    socket: Path
    """Where the HTTP port brings the connections that speak HTTP/2, without TLS."""
    port: int | None
    """Its own, which the system chose where it was to be 0."""


class RpcServer:
    """Listens on a Unix socket, for what comes over the HTTP port, and on a port of its own.

    `port` None: on none. With `certificate` that port speaks TLS. `grace`: seconds that running
    calls get when it stops. `shares_port`: other processes may listen on `port` too.
    """

    def __init__(
        self,
        api: Api,
        *,
        host: str,
        port: int | None,
        certificate: Certificate | None,
        grace: float,
        request_id: Callable[[], str],
        addresses: ClientAddresses,
        shares_port: bool = False,
    ) -> None:
        self._shares_port = shares_port
        self._methods = Methods(api, request_id, addresses)
        self.calls = self._methods.calls
        """How they ended."""
        self._discovery = Discovery(api.contract)
        self._host = host
        self._port = port
        self._certificate = certificate
        self._grace = grace
        self._stack = AsyncExitStack()

    async def start(self) -> Listening:
        """Listen. Raises `Precondition` (`listen_failed`), when another process does there, say."""
        async with AsyncExitStack() as stack:
            # mode 0700: whoever may connect to the socket says from where they come
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="broker-")))
            # a second process on the port is an error, as it is for HTTP, unless it is one of ours
            sharing = ("grpc.so_reuseport", int(self._shares_port))
            server = grpc.aio.server(options=(*_LIMITS, sharing))
            stack.push_async_callback(self._finish, server)
            server.add_generic_rpc_handlers([self._methods])
            await self._discovery.serve(server)
            socket = folder / "grpc"
            with _listening(str(socket)):
                server.add_insecure_port(f"unix:{socket}")
            port = self._port if self._port is None else self._own_port(server, self._port)
            await server.start()
            self._stack = stack.pop_all()
        return Listening(socket, port)

    def _own_port(self, server: grpc.aio.Server, port: int) -> int:
        host = f"[{self._host}]" if ":" in self._host else self._host
        with _listening(f"{self._host}, port {port}"):
            if self._certificate is None:
                return server.add_insecure_port(f"{host}:{port}")
            return server.add_secure_port(f"{host}:{port}", _credentials(self._certificate))

    async def _finish(self, server: grpc.aio.Server) -> None:
        # not one after the other: calls whose callers are gone are none to the server
        await asyncio.gather(server.stop(self._grace), self._methods.finish(self._grace))

    async def drain(self) -> None:
        """Tell who asks for health that there is none; calls are still taken."""
        await self._discovery.drain()

    async def stop(self) -> None:
        """Take no more, let running calls finish."""
        await self.drain()
        await self._stack.aclose()


def _credentials(certificate: Certificate) -> grpc.ServerCredentials:
    pair = served = certificate()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal served
        now = certificate()
        if now == served:
            return None
        served = now
        return grpc.ssl_server_certificate_configuration([now])

    first = grpc.ssl_server_certificate_configuration([pair])
    # None is for "as before"; the stubs do not know
    return grpc.dynamic_ssl_server_credentials(first, renewed)  # type: ignore[arg-type]


@contextmanager
def _listening(place: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise Precondition("listen_failed", f"cannot listen on {place}, for gRPC") from error
