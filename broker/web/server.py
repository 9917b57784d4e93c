"""The HTTP server: routes, limits, the socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import hdrs, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from broker.api.client_address import ClientAddresses
from broker.errors import Invalid, Precondition, Stage
from broker.web.bodies import MAX_JSON
from broker.web.front_door import MAX_HEADER, Find, FrontDoor, Handler, Route
from broker.web.health import Health
from broker.web.reference import Reference
from broker.web.rendering import gateway_error, oauth_error
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
    With `tls` the port speaks nothing else. `grace`: seconds. `listener`: the socket to listen on
    instead of one of its own, which several processes may have in common.
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
        server = _Server(
            self.front_door,
            request_id=request_id,
            request_factory=_request_of(addresses) if addresses.any else _request,
            max_field_size=MAX_HEADER,
            max_line_size=MAX_HEADER,
            access_log=None,
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


class _Server(web.Server):
    """Makes a protocol for each connection."""

    def __init__(self, handler: FrontDoor, *, request_id: Callable[[], str], **more: Any) -> None:
        super().__init__(handler, **more)
        self._request_id = request_id

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, request_id=self._request_id, **self._kwargs)


class _Protocol(RequestHandler):
    """Says in our words what never became a request.

    aiohttp's own answers and log lines quote from what was sent: a header that is malformed or
    too long, which may hold a token.
    """

    def __init__(self, server: _Server, *, request_id: Callable[[], str], **more: Any) -> None:
        super().__init__(server, **more)
        self._request_id = request_id

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what the parser refused, and to what nobody else caught."""
        del message
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionError("the client is gone, or the answer has begun") from exc
        request_id = self._request_id()
        if status == 400:
            log.info("request_malformed", request_id=request_id, fault=type(exc).__name__)
            refusal = Invalid(
                "request_malformed",
                f"not an HTTP/1.1 request, or a line of more than {MAX_HEADER} bytes",
                stage=Stage.REQUEST,
            )
            response = gateway_error(refusal, request_id)
        else:
            log.error("defect", request_id=request_id, exc_info=exc)
            response = gateway_error(None, request_id)
        response.headers["X-Request-Id"] = request_id
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What failed beside an answer: the kind, and nothing of the text."""
        del args
        log.warning("connection_failed", fault=type(kw.get("exc_info")).__name__)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: object,
    task: asyncio.Task[None],
    *,
    remote: str | None = None,
) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,  # type: ignore[arg-type]  # aiohttp keeps the writer's type to itself
        task,
        asyncio.get_running_loop(),
        client_max_size=MAX_JSON,
        remote=remote,
    )


def _request_of(addresses: ClientAddresses) -> Callable[..., web.BaseRequest]:
    """Makes requests that are their clients', and not the proxy's before us."""

    def request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: object,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        transport = protocol.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        forwarded = message.headers.getall(hdrs.X_FORWARDED_FOR, [])
        remote = addresses.of(peer[0] if peer else "", forwarded)
        return _request(message, payload, protocol, writer, task, remote=remote)

    return request
