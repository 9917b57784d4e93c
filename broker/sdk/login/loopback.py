"""What the browser comes back to: a server on this machine, for one answer (RFC 8252 §7.3)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from broker.errors import Precondition

HOST: Final = "127.0.0.1"
"""The literal address, as RFC 8252 §8.3 advises: a name may lead elsewhere."""
PATH: Final = "/callback"

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"></head>
<body><h1>{title}</h1><p>{text}</p></body>
</html>
"""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the code is in the URL
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Callback:
    """Parameters that the browser brought (RFC 6749 §4.1.2, RFC 9207 §2)."""

    parameters: dict[str, str] = field(repr=False)

    def get(self, name: str) -> str:
        """Empty where there is none."""
        return self.parameters.get(name, "")


class Loopback:
    """The server's address, and the answer that it waits for."""

    def __init__(self, port: int, state: str) -> None:
        self.redirect_uri = f"http://{HOST}:{port}{PATH}"
        self._host = f"{HOST}:{port}"
        self._state = state
        self._answer: asyncio.Future[Callback] = asyncio.get_running_loop().create_future()

    async def answer(self, patience: float) -> Callback:
        """The first one with the state that we sent. Raises `Precondition` (`login_timed_out`)
        after `patience` seconds.
        """
        try:
            return await asyncio.wait_for(asyncio.shield(self._answer), patience)
        except TimeoutError:
            raise Precondition(
                "login_timed_out", f"nobody logged in within {patience:g} seconds"
            ) from None

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Everything but the one answer is not found: other programs of this machine, and pages
        in the browser, can reach this port too.
        """
        callback = self._callback(request)
        if callback is None or self._answer.done():
            return _page(404, "Not found", "There is nothing here.")
        self._answer.set_result(callback)
        if callback.get("error"):
            return _page(200, "Not logged in", "The command line says why. Close this window.")
        return _page(200, "Done", "You may close this window and go on at the command line.")

    def _callback(self, request: web.BaseRequest) -> Callback | None:
        if request.method != "GET" or request.path != PATH or request.host != self._host:
            return None
        parameters = request.query
        # one of each: RFC 6749 §3.1
        if len(set(parameters.keys())) != len(parameters):
            return None
        state = parameters.get("state", "")
        if not hmac.compare_digest(state.encode("utf-8", "replace"), self._state.encode()):
            return None
        return Callback(dict(parameters))


@asynccontextmanager
async def listening(state: str) -> AsyncIterator[Loopback]:
    """The server, at a port that was free. Raises OSError."""
    loopback: Loopback | None = None

    async def handle(request: web.BaseRequest) -> web.Response:
        assert loopback is not None, "nobody knows the port before it is there"
        return await loopback.handle(request)

    server = web.Server(handle, access_log=None)
    runner = web.ServerRunner(server)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        loopback = Loopback(runner.addresses[0][1], state)
        yield loopback
    finally:
        await runner.cleanup()


def _page(status: int, title: str, text: str) -> web.Response:
    body = _PAGE.format(title=title, text=text)
    headers = {**_HEADERS, "Connection": "close"}
    return web.Response(status=status, text=body, content_type="text/html", headers=headers)
