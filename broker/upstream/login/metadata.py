"""What a provider says that a login needs (OpenID Connect Discovery 1.0 §3), and a cache of it.

| | |
|---|---|
| key → value | issuer, literal → its metadata |
| fresh | 10 minutes |
| stale | used when renewing fails, for at most 24 hours |
| failure | not tried again for 10 s; callers are answered from what is there |
| in flight | one fetch an issuer, which outlives the callers that wait for it |
| size | 1,000 issuers, least recently used go first |
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import BrokerError, Detail, Invalid, Precondition, Unavailable
from broker.iam.issuer_url import check_fetchable_url, check_issuer_url, fetch_base
from broker.upstream.discovery import discover, discovery_url, shown
from broker.upstream.login.refusals import unavailable, unsuitable
from broker.upstream.outbound import OutboundClient

FRESH: Final = 600.0
STALE: Final = 86_400.0
FAILURE_PAUSE: Final = 10.0
MAX_ISSUERS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """Endpoints that were checked, and what the provider can do."""

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str = ""
    pkce_methods: tuple[str, ...] | None = None
    """`code_challenge_methods_supported`; None where it does not say."""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    """`token_endpoint_auth_methods_supported`, with the default of Discovery §3."""
    names_itself: bool = False
    """Whether every answer of its authorization endpoint has `iss` (RFC 9207 §3)."""


async def fetch_metadata(
    outbound: OutboundClient, issuer: str, *, allow_http_loopback: bool
) -> ProviderMetadata:
    """What the provider says now.

    Raises `Unavailable` (`identity_provider_unavailable`) and `Precondition`
    (`identity_provider_unsuitable`).
    """
    try:
        check_issuer_url(issuer, allow_http_loopback=allow_http_loopback)
    except Invalid as error:
        raise unsuitable("issuer", error.message, issuer) from error
    try:
        document = await discover(outbound, issuer)
    except Unavailable as error:
        raise as_unavailable(error) from error
    return parse_metadata(document, issuer, allow_http_loopback=allow_http_loopback)


def parse_metadata(
    document: Mapping[str, Any], issuer: str, *, allow_http_loopback: bool
) -> ProviderMetadata:
    """Of a discovery document of `issuer`. Raises `Precondition`."""
    # an https issuer does not send us, or a browser, to http; not in development either
    http_too = allow_http_loopback and fetch_base(issuer).startswith("http://")

    def endpoint(name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str):
            raise unsuitable(name, f"a URL at {discovery_url(issuer)}", shown(document, name))
        check_endpoint(url, name, allow_http_loopback=http_too)
        return url

    methods = document.get("code_challenge_methods_supported")
    auth_methods = document.get("token_endpoint_auth_methods_supported")
    return ProviderMetadata(
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        userinfo_endpoint=endpoint("userinfo_endpoint") if "userinfo_endpoint" in document else "",
        pkce_methods=None if methods is None else strings(methods),
        auth_methods=strings(auth_methods) or ("client_secret_basic",),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def check_endpoint(url: str, name: str, *, allow_http_loopback: bool) -> None:
    """Like an issuer's URL, but a query may follow (RFC 6749 §3.1, §3.2). Raises `Precondition`."""
    plain, _, query = url.partition("?")
    try:
        check_fetchable_url(plain, allow_http_loopback=allow_http_loopback, field=name)
    except Invalid as error:
        raise unsuitable(name, error.message, url) from error
    if (
        len(url) > 2048
        or not (query.isascii() and query.isprintable())
        or set(query) & set(' #"<>')
    ):
        raise unsuitable(name, "at most 2048 characters, none of which needs escaping", url)


def strings(value: object) -> tuple[str, ...]:
    """The strings of a list; nothing of anything else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def as_unavailable(error: Unavailable) -> Unavailable:
    """What was said of an issuer of tokens, said of a provider."""
    detail = error.detail or Detail("provider", "an answer", None)
    return unavailable(
        detail.name,
        detail.expected,
        detail.got or "none",
        hint=detail.hint,
        retry_after=error.retry_after,
    )


@dataclass(slots=True)
class _Entry:
    """What is known of one provider. Times are the clock's seconds."""

    metadata: ProviderMetadata | None = None
    fetched_at: float = -math.inf
    failed_at: float = -math.inf
    failure: BrokerError | None = None
    """Of the last attempt; None when it succeeded."""
    flight: asyncio.Task[None] | None = None


class ProviderMetadataCache:
    """Metadata by issuer. The caller has made sure that a stored record or a setting names it.

    `clock` gives seconds and never goes back, such as `time.monotonic`. `allow_http_loopback`: a
    development installation. `fresh`, `stale` and `failure_pause` are seconds.
    """

    def __init__(
        self,
        outbound: OutboundClient,
        *,
        clock: Callable[[], float],
        allow_http_loopback: bool = False,
        fresh: float = FRESH,
        stale: float = STALE,
        failure_pause: float = FAILURE_PAUSE,
        max_issuers: int = MAX_ISSUERS,
    ) -> None:
        self._outbound = outbound
        self._clock = clock
        self._allow_http_loopback = allow_http_loopback
        self._fresh = fresh
        self._stale = stale
        self._failure_pause = failure_pause
        self._max_issuers = max_issuers
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights: set[asyncio.Task[None]] = set()

    async def of(self, issuer: str) -> ProviderMetadata:
        """Fetched where it is not fresh. Raises as `fetch_metadata`."""
        entry = self._entry(issuer)
        if entry.metadata is not None and self._clock() - entry.fetched_at < self._fresh:
            return entry.metadata
        if entry.flight is None and self._clock() - entry.failed_at >= self._failure_pause:
            self._start(issuer, entry)
        # after a failure nobody waits for the next attempt while old metadata are good enough
        if entry.flight is not None and (entry.failure is None or self._usable(entry) is None):
            await asyncio.shield(entry.flight)
        return self._usable_or_raise(entry)

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    def _entry(self, issuer: str) -> _Entry:
        entry = self._entries.setdefault(issuer, _Entry())
        self._entries.move_to_end(issuer)
        if len(self._entries) > self._max_issuers:
            self._entries.popitem(last=False)
        return entry

    def _usable(self, entry: _Entry) -> ProviderMetadata | None:
        return entry.metadata if self._clock() - entry.fetched_at < self._stale else None

    def _usable_or_raise(self, entry: _Entry) -> ProviderMetadata:
        metadata, failure = self._usable(entry), entry.failure
        if metadata is not None:
            return metadata
        # an exception of one's own for each caller: tracebacks and causes are not shared
        detail = (failure and failure.detail) or Detail("discovery", "metadata", None)
        if isinstance(failure, Precondition):
            raise unsuitable(detail.name, detail.expected, detail.got, hint=detail.hint)
        wait = entry.failed_at + self._failure_pause - self._clock()
        raise unavailable(
            detail.name,
            detail.expected,
            detail.got or "none",
            hint=detail.hint,
            retry_after=math.ceil(wait) if wait > 0 else 1,
        )

    def _start(self, issuer: str, entry: _Entry) -> None:
        # a task of its own, so that a caller who goes away takes nothing from the others
        flight = asyncio.get_running_loop().create_task(self._fetch_into(issuer, entry))
        entry.flight = flight
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)

    async def _fetch_into(self, issuer: str, entry: _Entry) -> None:
        try:
            entry.metadata = await fetch_metadata(
                self._outbound, issuer, allow_http_loopback=self._allow_http_loopback
            )
            entry.fetched_at = self._clock()
            entry.failure = None
        except (Precondition, Unavailable) as failure:
            entry.failure = failure
            entry.failed_at = self._clock()
        finally:
            entry.flight = None
