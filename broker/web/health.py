"""Is the process alive, and can it do its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from broker.errors import BrokerError
from broker.web.rendering import json_response

Check = Callable[[], Awaitable[None]]
"""Raises `BrokerError` when its part is not ready."""


class Health:
    """Handlers of `/healthz` and `/readyz`."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        dispensable: Mapping[str, Check] = MappingProxyType({}),
    ) -> None:
        """`dispensable`: parts without which most of the work goes on. They are told of, and a
        process is ready without them: to take every process out at once helps nobody.
        """
        self._checks = checks
        self._dispensable = dispensable
        self.draining = False
        """Set at shutdown: load balancers send nothing more."""

    async def alive(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """200 as long as the process answers at all."""
        del request, request_id
        return json_response({"status": "ok"})

    async def ready(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """200 when every part is ready that has to be, else 503; the body names each part."""
        del request, request_id
        parts = {name: await _state(check) for name, check in self._checks.items()}
        if self.draining:
            parts["server"] = "draining"
        is_ready = all(state == "ok" for state in parts.values())
        parts |= {name: await _state(check) for name, check in self._dispensable.items()}
        is_whole = all(state == "ok" for state in parts.values())
        status = "unavailable" if not is_ready else "ok" if is_whole else "degraded"
        body = {"status": status, "parts": parts}
        return json_response(body, status=200 if is_ready else 503)


async def _state(check: Check) -> str:
    try:
        await check()
    except BrokerError as error:
        return error.code
    return "ok"
