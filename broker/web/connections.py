"""Connections of HTTP/1.1: how long each may take, and what is said to what is no request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiohttp import hdrs, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from broker.api.client_address import ClientAddresses
from broker.errors import Invalid, Stage
from broker.web.bodies import MAX_JSON
from broker.web.front_door import MAX_HEADER, FrontDoor
from broker.web.rendering import gateway_error

HEAD_TIMEOUT: Final = 10.0
"""Seconds from the first byte of a request to the end of its headers."""

log = structlog.get_logger()


class Connections(web.Server):
    """Makes a protocol for each connection. `keep_alive`: seconds that it may be idle."""

    def __init__(
        self,
        handler: FrontDoor,
        *,
        request_id: Callable[[], str],
        addresses: ClientAddresses,
        keep_alive: float,
    ) -> None:
        super().__init__(
            handler,
            request_factory=_request_of(addresses) if addresses.any else _request,
            max_field_size=MAX_HEADER,
            max_line_size=MAX_HEADER,
            keepalive_timeout=keep_alive,
            access_log=None,
        )
        self._request_id = request_id

    def __call__(self) -> RequestHandler:
        """For one connection."""
        return _Connection(self, loop=self._loop, request_id=self._request_id, **self._kwargs)


class _Connection(RequestHandler):
    """Cuts off who dawdles over the headers, and says in our words what never became a request.

    aiohttp limits how long a connection is idle, and headers that come byte by byte count as that.
    Its own answers and log lines quote from what was sent: a header that is malformed or too long,
    which may hold a token.
    """

    def __init__(self, server: Connections, *, request_id: Callable[[], str], **more: Any) -> None:
        super().__init__(server, **more)
        self._request_id = request_id
        self._late: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """From then on the headers are due, unless they are complete."""
        super().data_received(data)
        if not self._waits_for_headers():
            self._not_late()
        elif self._late is None:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(HEAD_TIMEOUT, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is due any more."""
        self._not_late()
        super().connection_lost(exc)

    def _waits_for_headers(self) -> bool:
        if self._messages:
            return False
        is_idle = self._waiter is not None and not self._waiter.done()
        return is_idle or self._request_count == 0

    def _not_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

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
