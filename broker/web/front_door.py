"""What every request passes, once: an id, a route, an answer in the route's dialect, a log line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal

import structlog
from aiohttp import web
from structlog.contextvars import bind_contextvars

from broker.errors import BrokerError, Invalid, NotFound
from broker.measures import Durations, Tally
from broker.web.rendering import ErrorRenderer, gateway_error

log = structlog.get_logger()

MAX_HEADER: Final = 32 * 1024
"""Bytes of one header or of the request line: a token of 16 KiB, and one too large to be told so
in our words."""

Handler = Callable[[web.BaseRequest, str], Awaitable[web.Response]]
"""Takes the request and its id."""


@dataclass(frozen=True, slots=True)
class Route:
    """The handlers of a path by method, and the dialect in which its errors are told."""

    handlers: Mapping[str, Handler]
    errors: ErrorRenderer = gateway_error


@dataclass(frozen=True, slots=True)
class Place:
    """What the path of a request leads to."""

    path: str
    """As the log has it: without what a variable holds."""
    handler: Handler | None
    """None: the path is there, with other methods."""
    allowed: Collection[str] = ()
    """Those, when there is no handler."""
    errors: ErrorRenderer = gateway_error


Find = Callable[[web.BaseRequest], Place | None]
"""None: no such path."""


class FrontDoor:
    """The request handler of the server. Literal paths first, then those that `find` knows."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        find: Find,
        *,
        request_id: Callable[[], str],
        level: Literal["info", "debug"] = "info",
    ) -> None:
        """`level`: of the log line of a request."""
        self._log = log.info if level == "info" else log.debug
        self._routes = routes
        self._find = find
        self._request_id = request_id
        self.requests = Tally("method", "path", "status")
        self.durations = Durations()
        self.draining = False
        """Set at shutdown: each answer is the last on its connection, so that a client who has
        more to ask does not meet one that is just being closed."""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer, whatever happens, and log how it went."""
        started = perf_counter()
        request_id = self._request_id()
        bind_contextvars(request_id=request_id)
        place = self._place(request)
        response = await self._answer(request, place, request_id)
        response.headers["X-Request-Id"] = request_id
        took = perf_counter() - started
        path = place.path if place else "(unknown)"
        # a method that no handler has is the caller's word
        method = request.method if place and place.handler else "(other)"
        self.requests.add(method, path, str(response.status))
        self.durations.add(took)
        if self.draining:
            response.force_close()
        self._log(
            "request",
            method=request.method,
            path=path,
            status=response.status,
            ms=round(took * 1000, 2),
        )
        return response

    def _place(self, request: web.BaseRequest) -> Place | None:
        route = self._routes.get(request.path)
        if route is None:
            return self._find(request)
        handler = route.handlers.get(request.method)
        return Place(request.path, handler, route.handlers, route.errors)

    async def _answer(
        self, request: web.BaseRequest, place: Place | None, request_id: str
    ) -> web.Response:
        render = place.errors if place else gateway_error
        try:
            if place is None:
                raise NotFound("path_unknown", "no such path")
            if place.handler is None:
                return _method_not_allowed(place, request_id)
            return await place.handler(request, request_id)
        except BrokerError as error:
            log.debug("refused", code=error.code, stage=error.stage and error.stage.value)
            return render(error, request_id)
        except ConnectionError:  # the client has gone while we read
            raise
        except Exception:  # the one place where a defect is caught: told to nobody, logged once
            log.exception("defect")
            return render(None, request_id)


def _method_not_allowed(place: Place, request_id: str) -> web.Response:
    allowed = ", ".join(sorted(place.allowed))
    error = Invalid("method_not_allowed", f"expected one of: {allowed}")
    response = place.errors(error, request_id)
    response.set_status(405)
    response.headers["Allow"] = allowed
    return response
