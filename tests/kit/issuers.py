"""Issuers that misbehave, on real sockets, and the relying party that meets them."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from broker.iam.claims import VerifiedClaims
from broker.jose.compact import parse
from broker.sdk.testing import LocalIssuer
from broker.upstream.issuers import Issuers
from broker.upstream.oidc import OidcVerifier
from broker.upstream.outbound import OutboundClient

OWN_ISSUER = "https://broker.example"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MisbehavingIssuer(LocalIssuer):
    """A LocalIssuer that answers as told, where it is told; signing stays as it is."""

    def __init__(
        self, *, on_discovery: Answer | None = None, on_jwks: Answer | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.on_discovery = on_discovery
        self.on_jwks = on_jwks

    async def answer_discovery(self, request: web.Request) -> web.StreamResponse:
        if self.on_discovery is not None:
            return await self.on_discovery(request)
        return await super().answer_discovery(request)

    async def answer_jwks(self, request: web.Request) -> web.StreamResponse:
        if self.on_jwks is not None:
            return await self.on_jwks(request)
        return await super().answer_jwks(request)


def answers(document: Any) -> Answer:
    """This JSON document."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(document)

    return answer


def answers_text(text: str, *, status: int = 200, content_type: str = "text/html") -> Answer:
    """This text, with this status."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


def redirects(location: str, status: int = 302) -> Answer:
    """A redirect."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": location})

    return answer


async def hangs(request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


async def trickles(request: web.Request) -> web.StreamResponse:
    """Sends a byte now and then, for ever: each read succeeds, the whole never does."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


def sends(body: bytes, *, chunked: bool = False, compressed: bool = False) -> Answer:
    """These bytes, with a length or in chunks, and perhaps compressed without being asked."""

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"} if compressed else {}
        response = web.StreamResponse(headers=headers)
        sent = gzip.compress(body) if compressed else body
        if chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = len(sent)
        await response.prepare(request)
        for start in range(0, len(sent), 65_536):
            await response.write(sent[start : start + 65_536])
        return response

    return answer


class Gate:
    """Holds every answer back until it is opened; `waiting` says that somebody asked."""

    def __init__(self, then: Answer) -> None:
        self.waiting = asyncio.Event()
        self.opened = asyncio.Event()
        self._then = then

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.waiting.set()
        await self.opened.wait()
        return await self._then(request)


class ManualClock:
    """Seconds that pass when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class RelyingParty:
    """Everything that stands between a token and its verified claims, in a development setting."""

    outbound: OutboundClient
    issuers: Issuers
    verifier: OidcVerifier
    clock: ManualClock

    async def verify(self, token: str, *, issuer: str, now: float | None = None) -> VerifiedClaims:
        return await self.verifier.verify(
            parse(token), issuer=issuer, now=time.time() if now is None else now
        )


@asynccontextmanager
async def relying_party(
    *,
    outbound: Mapping[str, Any] | None = None,
    issuers: Mapping[str, Any] | None = None,
    verifier: Mapping[str, Any] | None = None,
) -> AsyncIterator[RelyingParty]:
    """A relying party that accepts http from loopback; the mappings override its settings."""
    clock = ManualClock()
    development: dict[str, Any] = {"allow_http_loopback": True}
    async with OutboundClient(**(development | dict(outbound or {}))) as client:
        timed: dict[str, Any] = {"clock": clock} | development
        keys = Issuers(client, **(timed | dict(issuers or {})))
        settings: dict[str, Any] = {"own_issuers": {OWN_ISSUER}}
        try:
            yield RelyingParty(
                client, keys, OidcVerifier(keys, **(settings | dict(verifier or {}))), clock
            )
        finally:
            await keys.aclose()


def loose_verifier(**settings: Any) -> OidcVerifier:
    """A verifier for keys on record: nothing is fetched, so nothing needs closing."""
    issuers = Issuers(OutboundClient(), clock=ManualClock())
    return OidcVerifier(issuers, **({"own_issuers": {OWN_ISSUER}} | settings))
