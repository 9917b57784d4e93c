"""The HTTP server: routes, limits, the socket."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from broker.web.front_door import MAX_BODY, MAX_HEADER, FrontDoor, Route
from broker.web.health import Health
from broker.web.rendering import oauth_error
from broker.web.sts import StsExchange
from broker.web.token import TokenEndpoint
from broker.web.well_known import WellKnown

BACKLOG: Final = 1024


def routes(
    *, sts: StsExchange, token: TokenEndpoint, well_known: WellKnown, health: Health
) -> dict[str, Route]:
    """Every path."""
    metadata = Route({"GET": well_known.metadata})
    return {
        "/sts/exchange": Route({"GET": sts, "POST": sts}),
        "/token": Route({"POST": token}, errors=oauth_error),
        "/.well-known/openid-configuration": metadata,
        "/.well-known/oauth-authorization-server": metadata,
        "/.well-known/jwks.json": Route({"GET": well_known.jwks}),
        "/.well-known/capabilities": Route({"GET": well_known.capability_numbers}),
        "/healthz": Route({"GET": health.alive}),
        "/readyz": Route({"GET": health.ready}),
    }


class HttpServer:
    """Listens, and stops without dropping what runs."""

    def __init__(self, table: dict[str, Route], *, host: str, port: int, grace: float) -> None:
        self._host = host
        self._port = port
        front_door = FrontDoor(table, request_id=lambda: secrets.token_hex(8))
        server = web.Server(
            front_door,
            request_factory=_request,
            max_field_size=MAX_HEADER,
            max_line_size=MAX_HEADER,
            access_log=None,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=grace, handle_signals=False)

    async def start(self) -> int:
        """Listen; the port, which the system chose where it was 0."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, backlog=BACKLOG)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Take no more, let running requests finish."""
        await self._runner.cleanup()


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: object,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,  # type: ignore[arg-type]  # aiohttp keeps the writer's type to itself
        task,
        asyncio.get_running_loop(),
        client_max_size=MAX_BODY,
    )
