"""The HTTP server: routes, limits, the socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from broker.api.client_address import ClientAddresses
from broker.errors import Precondition
from broker.web.connections import Connections
from broker.web.front_door import Find, FrontDoor, Handler, Route
from broker.web.health import Health
from broker.web.reference import Reference
from broker.web.rendering import oauth_error
from broker.web.shared_port import FIRST_BYTES, SharedPort
from broker.web.sts import StsExchange
from broker.web.token import TokenEndpoint
from broker.web.well_known import WellKnown

BACKLOG: Final = 1024

TENANT_TOKEN: Final = "/broker/oauth2/v2.0/token"  # noqa: S105 - a path
"""The token endpoint where clients of Entra ID look for it, for which `broker` is the tenant."""

log = structlog.get_logger()


def routes(
    *,
    sts: StsExchange,
    token: TokenEndpoint,
    well_known: WellKnown,
    health: Health,
    reference: Reference,
) -> dict[str, Route]:
    """Every path."""
    metadata = _document(well_known.metadata)
    exchange = Route({"POST": token}, errors=oauth_error)
    return {
        "/sts/exchange": Route({"GET": sts, "POST": sts}),
        "/token": exchange,
        TENANT_TOKEN: exchange,
        "/.well-known/openid-configuration": metadata,
        "/.well-known/oauth-authorization-server": metadata,
        "/.well-known/jwks.json": _document(well_known.jwks),
        "/.well-known/capabilities": _document(well_known.capability_numbers),
        "/healthz": _document(health.alive),
        "/readyz": _document(health.ready),
        "/openapi.json": _document(reference.document),
        "/docs": _document(reference.page),
        "/docs/style.css": _document(reference.style),
    }


def _document(handler: Handler) -> Route:
    """What can be read, and asked for without its body (RFC 9110 §9.3.2)."""
    return Route({"GET": handler, "HEAD": handler})


class HttpServer:
    """Listens, and stops without dropping what runs.

    `table` has the literal paths, `find` knows the others.

    `grpc` is the Unix socket of the gRPC server, which gets the connections that speak HTTP/2.
    With `tls` the port speaks nothing else. `grace` and `keep_alive`: seconds. `listener`: the
    socket to listen on instead of one of its own, which several processes may have in common.
    """

    def __init__(
        self,
        table: dict[str, Route],
        find: Find,
        *,
        host: str,
        port: int,
        grpc: Path,
        tls: ssl.SSLContext | None,
        grace: float,
        keep_alive: float,
        request_id: Callable[[], str],
        addresses: ClientAddresses,
        listener: socket.socket | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._listener = listener
        self._tls = tls
        self._grace = grace
        self.front_door = FrontDoor(table, find, request_id=request_id)
        server = Connections(
            self.front_door, request_id=request_id, addresses=addresses, keep_alive=keep_alive
        )
        self._shared = SharedPort(server, grpc=grpc)
        self._runner = web.ServerRunner(server, shutdown_timeout=grace, handle_signals=False)

    async def start(self) -> int:
        """Listen; the port, which the system chose where it was 0.

        Raises `Precondition` (`listen_failed`), when another process listens there, say.
        """
        await self._runner.setup()
        place = self._listener or (self._host, self._port)
        site = _Site(self._runner, self._shared, place, self._tls)
        try:
            await site.start()
        except OSError as error:
            raise Precondition(
                "listen_failed", f"cannot listen on {self._host}, port {self._port}"
            ) from error
        port: int = self._runner.addresses[0][1]
        return port

    def drain(self) -> None:
        """Take requests, and tell each client to come back by another connection."""
        self.front_door.draining = True

    async def stop_listening(self) -> None:
        """Take no more connections."""
        for site in self._runner.sites:
            await site.stop()
        self._shared.close_undecided()

    async def stop(self) -> None:
        """Take no more, let running requests finish; those over gRPC end when its server does."""
        await self.stop_listening()
        await asyncio.gather(self._runner.cleanup(), self._shared.close(self._grace))


class _Site(web.BaseSite):
    """The listening sockets of a port that two protocols share."""

    def __init__(
        self,
        runner: web.ServerRunner,
        shared: SharedPort,
        place: socket.socket | tuple[str, int],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(runner, ssl_context=tls, backlog=BACKLOG)
        self._shared = shared
        self._place = place

    @property
    def name(self) -> str:
        """For aiohttp's messages."""
        if isinstance(self._place, socket.socket):
            return "an inherited socket"
        return f"{self._place[0]}, port {self._place[1]}"

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await super().start()
        where: dict[str, Any]
        if isinstance(self._place, socket.socket):
            where = {"sock": self._place}
        else:
            where = {"host": self._place[0], "port": self._place[1]}
        self._server = await asyncio.get_running_loop().create_server(
            self._shared,
            ssl=self._ssl_context,
            ssl_handshake_timeout=FIRST_BYTES if self._ssl_context else None,
            backlog=BACKLOG,
            **where,
        )
