"""Is the process alive, and can it do its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from broker.errors import BrokerError
from broker.web.rendering import json_response

Check = Callable[[], Awaitable[None]]
"""Raises `BrokerError` when its part is not ready."""


class Health:
    """Handlers of `/healthz` and `/readyz`."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.draining = False
        """Set at shutdown: load balancers send nothing more."""

    async def alive(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """200 as long as the process answers at all."""
        del request, request_id
        return json_response({"status": "ok"})

    async def ready(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """200 when every part is ready, else 503; the body names each part."""
        del request, request_id
        parts = {name: await _state(check) for name, check in self._checks.items()}
        if self.draining:
            parts["server"] = "draining"
        is_ready = all(state == "ok" for state in parts.values())
        body = {"status": "ok" if is_ready else "unavailable", "parts": parts}
        return json_response(body, status=200 if is_ready else 503)


async def _state(check: Check) -> str:
    try:
        await check()
    except BrokerError as error:
        return error.code
    return "ok"
