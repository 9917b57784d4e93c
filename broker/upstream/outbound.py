"""The one HTTP client with which we go out.

Every address is resolved, checked and then connected to, so that no name leads into our own
network; nothing is followed, nothing large is read, and nothing takes longer than the timeout.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from broker.errors import Detail, Stage, Unavailable
from broker.iam.issuer_url import is_loopback_host
from broker.upstream.addresses import IpAddress, is_public, is_public_or_private, parse_address

_CHUNK: Final = 16_384
_LOOKUPS: Final = 16
"""Threads for name lookups, which cannot be cancelled: a name server that does not answer for
one issuer must not keep the others from being looked up."""
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "oidc-broker",
}

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

PinnedAddress = tuple[str, int]
"""IP address and port."""


def system_lookup(host: str) -> Sequence[str]:
    """The addresses of `host` by the system's resolver. Blocks; raises `OSError`."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Unanswered(Exception):
    """There is no answer that may be used; the text says why, and is for the owner alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered, at most `max_body` bytes of it."""

    status: int
    body: bytes = field(repr=False)


class OutboundClient:
    """Fetches documents of issuers, asks AWS STS and identity providers.

    All of it is https, and at most `max_body` bytes of an answer are read.

    `private_issuers`: issuers (literal) whose hosts may have private addresses.
    `allow_http_loopback`: a development installation; an issuer on a loopback host may be fetched.
    `ca_bundles`: issuer → PEM file; that issuer's hosts are verified by it and nothing else.
    `addresses`: host → IP address and port to connect to instead of what the name resolves to,
    checked no further, for split-horizon networks. TLS still verifies the host's name.
    `lookup`: host → its addresses; runs in a thread.

    Keeps no connection, cookie or cached name, and takes no proxy from the environment.
    """

    def __init__(
        self,
        *,
        timeout: float = 5.0,
        max_body: int = 262_144,
        private_issuers: Container[str] = frozenset(),
        allow_http_loopback: bool = False,
        ca_bundles: Mapping[str, Path] = MappingProxyType({}),
        addresses: Mapping[str, PinnedAddress] = MappingProxyType({}),
        lookup: Callable[[str], Sequence[str]] = system_lookup,
    ) -> None:
        self._timeout = timeout
        self._max_body = max_body
        self._private_issuers = private_issuers
        self._allow_http_loopback = allow_http_loopback
        self._contexts = {
            issuer: ssl.create_default_context(cafile=str(bundle))
            for issuer, bundle in ca_bundles.items()
        }
        self._addresses = addresses
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")
        self._sessions: dict[Callable[[IpAddress], bool], aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what is open. Lookups under way are left to their threads."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def fetch(self, url: str, *, issuer: str, name: str) -> bytes:
        """The body at `url`, a checked URL, on behalf of `issuer`.

        `name` says in the detail what was fetched (`discovery`, `jwks_uri`). Raises `Unavailable`
        (`issuer_unavailable`), whose public text says nothing of what was answered.
        """
        try:
            return (await self._ask("GET", url, issuer, only_ok=True)).body
        except Unanswered as error:
            raise issuer_unavailable(name, f"a document at {url}", str(error)) from None

    async def get(self, url: str, *, issuer: str, headers: Mapping[str, str]) -> Answer:
        """What `url`, a checked URL, answers, whatever its status but a redirect.

        `issuer` as for `fetch`. `headers` have printable ASCII values. Raises `Unanswered`.
        """
        return await self._ask("GET", url, issuer, headers)

    async def post(
        self, url: str, *, issuer: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """The same for a POST; its type is among the headers where it has a body."""
        return await self._ask("POST", url, issuer, headers, body)

    async def _ask(
        self,
        method: str,
        url: str,
        issuer: str,
        headers: Mapping[str, str] = _NOTHING,
        body: bytes = b"",
        *,
        only_ok: bool = False,
    ) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                async with self._sent(method, url, issuer, headers, body) as response:
                    return await self._answer(response, only_ok=only_ok)
        except TimeoutError:
            fault = f"no complete answer within {self._timeout:g} s"
        except _Refused as error:
            fault = str(error)
        except aiohttp.ClientError as error:
            fault = _describe(error)
        raise Unanswered(fault)

    @asynccontextmanager
    async def _sent(
        self, method: str, url: str, issuer: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        place = URL(url, encoded=True)
        accepts = self._accepted_addresses(place, issuer)
        literal = parse_address(place.raw_host or "")
        # a literal never reaches the resolver, so it is checked here
        if literal is not None and not accepts(literal):
            raise _Refused(_CLOSED)
        sent = CIMultiDict(_HEADERS)
        sent.update(headers)  # in place of ours, whatever the case of their names
        async with self._session(accepts).request(
            method,
            place,
            allow_redirects=False,
            headers=sent,
            data=body or None,
            skip_auto_headers=("Content-Type",),
            ssl=self._contexts.get(issuer, True),
        ) as response:
            yield response

    async def _answer(self, response: aiohttp.ClientResponse, *, only_ok: bool) -> Answer:
        if 300 <= response.status < 400:
            raise _Refused(f"a redirect (HTTP {response.status}), which is not followed")
        if only_ok and response.status != 200:
            raise _Refused(f"HTTP {response.status}")
        return Answer(response.status, await self._read(response))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        # we ask for none, and some object stores compress all the same
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in {"identity", "gzip", "deflate"}:
            raise _Refused("an answer with an unknown Content-Encoding")
        inflate = None if encoding == "identity" else zlib.decompressobj(wbits=47)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            room = self._max_body + 1 - len(body)
            try:
                body += chunk if inflate is None else inflate.decompress(chunk, room)
            except zlib.error:
                raise _Refused("an answer that cannot be decompressed") from None
            if len(body) > self._max_body:
                raise _Refused(f"an answer of more than {self._max_body} bytes")
        return bytes(body)

    def _accepted_addresses(self, url: URL, issuer: str) -> Callable[[IpAddress], bool]:
        if issuer in self._private_issuers:
            return is_public_or_private
        hosts = (url.raw_host or "", URL(issuer, encoded=True).raw_host or "")
        if self._allow_http_loopback and all(is_loopback_host(host) for host in hosts):
            return is_public_or_private
        return is_public

    def _session(self, accepts: Callable[[IpAddress], bool]) -> aiohttp.ClientSession:
        # one for each set of addresses: an issuer with open addresses shares no connection
        # and no resolver with the others
        session = self._sessions.get(accepts)
        if session is None:
            resolver = _CheckedResolver(accepts, self._addresses, self._lookup, self._threads)
            session = self._sessions[accepts] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=resolver, use_dns_cache=False, force_close=True, limit=0
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),  # `fetch` sets one for all of it
            )
        return session


class _Refused(Exception):
    """What was answered, or where it would come from, is not acceptable; the text says what."""


class _AddressRefused(OSError):
    """The name has no address that may be connected to."""


_CLOSED: Final = "an address that is not public"


class _CheckedResolver(AbstractResolver):
    """Gives the connector checked addresses alone; it connects to these and looks up no more."""

    def __init__(
        self,
        accepts: Callable[[IpAddress], bool],
        addresses: Mapping[str, PinnedAddress],
        lookup: Callable[[str], Sequence[str]],
        threads: ThreadPoolExecutor,
    ) -> None:
        self._accepts = accepts
        self._addresses = addresses
        self._lookup = lookup
        self._threads = threads

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's interface
    ) -> list[ResolveResult]:
        """The addresses of `host` that may be connected to. Raises `OSError` for none."""
        if host in self._addresses:
            address, pinned_port = self._addresses[host]
            return [_result(host, address, pinned_port)]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._lookup, host)
        accepted = [text for text in found if self._is_accepted(text)]
        if not accepted:
            raise _AddressRefused(_CLOSED)
        return [_result(host, address, port) for address in accepted]

    async def close(self) -> None:
        """Nothing to release: the threads are the client's."""

    def _is_accepted(self, text: str) -> bool:
        address = parse_address(text)
        return address is not None and self._accepts(address)


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def issuer_unavailable(
    name: str, expected: str, got: str, *, retry_after: int | None = None
) -> Unavailable:
    """What to raise when an issuer does not give what is needed; `got` is for the owner alone."""
    return Unavailable(
        "issuer_unavailable",
        "the keys of the token's issuer cannot be fetched at present",
        stage=Stage.ISSUER,
        retry_after=retry_after,
        detail=Detail(name=name, expected=expected, got=got, hint=_HINTS.get(got, "")),
    )


_HINTS: Final = {
    _CLOSED: (
        "Issuers on private networks have to be opened by the operator of the broker; without "
        "that, give the identity static keys."
    )
}


def _describe(error: aiohttp.ClientError) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "")
            return f"a TLS certificate that is not trusted: {reason or 'verification failed'}"
        case aiohttp.ClientSSLError():
            return "a failed TLS handshake"
        case aiohttp.ClientConnectorDNSError() if isinstance(error.os_error, _AddressRefused):
            return _CLOSED
        case aiohttp.ClientConnectorDNSError():
            return "a host name that does not resolve"
        case aiohttp.ClientOSError():
            return f"a failed connection: {error.strerror or 'closed'}"
        case _:
            return f"an answer that is not HTTP as expected ({type(error).__name__})"
