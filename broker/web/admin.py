"""The admin port: metrics and health, for those who run the broker and for nobody else."""

from __future__ import annotations

import socket
from collections.abc import Callable

from aiohttp import web

from broker.errors import Precondition
from broker.web.front_door import FrontDoor, Place, Route
from broker.web.health import Health
from broker.web.metrics import Metrics


class AdminServer:
    """HTTP without TLS, on a port of its own. `host`, `port`: where."""

    def __init__(
        self,
        metrics: Metrics,
        health: Health,
        *,
        host: str,
        port: int,
        request_id: Callable[[], str],
    ) -> None:
        routes = {
            "/metrics": Route({"GET": metrics}),
            "/healthz": Route({"GET": health.alive, "HEAD": health.alive}),
            "/readyz": Route({"GET": health.ready, "HEAD": health.ready}),
        }
        door = FrontDoor(routes, _nowhere, request_id=request_id, level="debug")
        self._host, self._port = host, port
        self._runner = web.ServerRunner(
            web.Server(door, access_log=None), shutdown_timeout=1.0, handle_signals=False
        )

    async def start(self) -> int:
        """Listen; the port, which the system chose where it was 0.

        Another process of ours may listen on it too, while it takes over. Raises `Precondition`
        (`listen_failed`).
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, reuse_port=_CAN_SHARE)
        try:
            await site.start()
        except OSError as error:
            place = f"{self._host}, port {self._port}, for metrics"
            raise Precondition("listen_failed", f"cannot listen on {place}") from error
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Take no more."""
        await self._runner.cleanup()


_CAN_SHARE = hasattr(socket, "SO_REUSEPORT")


def _nowhere(request: web.BaseRequest) -> Place | None:
    del request
    return None
