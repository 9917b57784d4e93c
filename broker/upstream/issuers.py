"""The keys of issuers: discovery (OpenID Connect Discovery 1.0 §4) and a cache of JWK sets.

| | |
|---|---|
| key → value | issuer, literal → its imported keys |
| fresh | 10 minutes; the last fifth of it renews in the background |
| stale | used when renewing fails, for at most 24 hours |
| unknown `kid` | at most one fetch in 30 s for an issuer, counted by attempt |
| failure | not tried again for 10 s; callers are answered from what is there |
| in flight | one fetch an issuer, which outlives the callers that wait for it |
| size | 1,000 issuers, least recently used go first |
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broker.errors import Detail, Invalid, Stage, Unauthenticated, Unavailable
from broker.iam.issuer_url import check_issuer_url
from broker.jose.keys import KeySet, KeySetRefused, parse_key_set
from broker.measures import Tally
from broker.upstream.discovery import discover, jwks_uri_of
from broker.upstream.outbound import OutboundClient, issuer_unavailable

FRESH: Final = 600.0
STALE: Final = 86_400.0
REFETCH_INTERVAL: Final = 30.0
FAILURE_PAUSE: Final = 10.0
MAX_ISSUERS: Final = 1000

_RENEW_AFTER: Final = 0.8
"""Share of the fresh time after which a use renews in the background, so that nobody waits."""


@dataclass(slots=True)
class _Entry:
    """What is known of one issuer. Times are the clock's seconds."""

    keys: KeySet | None = None
    fetched_at: float = -math.inf
    kid_attempt_at: float = -math.inf
    failed_at: float = -math.inf
    failure: Unavailable | None = None
    """Of the last attempt; None when it succeeded."""
    flight: asyncio.Task[None] | None = None


class Issuers:
    """Keys by issuer. The caller has made sure that a stored record allows the issuer.

    `clock` gives seconds and never goes back, such as `time.monotonic`. `allow_http_loopback`: a
    development installation. `fresh`, `stale`, `refetch_interval` and `failure_pause` are seconds.
    """

    def __init__(
        self,
        outbound: OutboundClient,
        *,
        clock: Callable[[], float],
        allow_http_loopback: bool = False,
        fresh: float = FRESH,
        stale: float = STALE,
        refetch_interval: float = REFETCH_INTERVAL,
        failure_pause: float = FAILURE_PAUSE,
        max_issuers: int = MAX_ISSUERS,
    ) -> None:
        self._outbound = outbound
        self._clock = clock
        self._allow_http_loopback = allow_http_loopback
        self._fresh = fresh
        self._stale = stale
        self._refetch_interval = refetch_interval
        self._failure_pause = failure_pause
        self._max_issuers = max_issuers
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights: set[asyncio.Task[None]] = set()
        self.fetches = Tally("result")
        """Of keys: `ok`, `failed`."""
        self.lookups = Tally("result")
        """Of keys in the cache: `hit`, `miss`."""

    @property
    def size(self) -> int:
        """How many issuers are known."""
        return len(self._entries)

    def cached(self, issuer: str) -> KeySet | None:
        """Its keys if they are fresh; None when `keys` has to be awaited."""
        entry = self._entries.get(issuer)
        if entry is None or entry.keys is None:
            self.lookups.add("miss")
            return None
        age = self._clock() - entry.fetched_at
        if age >= self._fresh:
            self.lookups.add("miss")
            return None
        self.lookups.add("hit")
        self._entries.move_to_end(issuer)
        if age >= self._fresh * _RENEW_AFTER:
            self._renew(issuer, entry)
        return entry.keys

    async def keys(self, issuer: str) -> KeySet:
        """Its keys, fetched where they are not fresh.

        Raises `Unavailable` (`issuer_unavailable`) when there are none to be had, and
        `Unauthenticated` (`issuer_not_fetchable`) for what is not an issuer's URL; both stage
        `issuer`.
        """
        if (keys := self.cached(issuer)) is not None:
            return keys
        self._check_url(issuer)
        entry = self._entry(issuer)
        self._renew(issuer, entry)
        # after a failure nobody waits for the next attempt while old keys are good enough
        if entry.flight is not None and (entry.failure is None or self._usable(entry) is None):
            await asyncio.shield(entry.flight)
        return self._usable_or_raise(entry)

    async def refetched(self, issuer: str, seen: KeySet) -> KeySet:
        """Its keys, newer than `seen` where that can be had: a token names a key not in there.

        Gives `seen` itself when the issuer was asked for this reason a moment ago. Raises as
        `keys` does.
        """
        self._check_url(issuer)
        entry = self._entry(issuer)
        if entry.keys is not None and entry.keys is not seen:
            return entry.keys
        now = self._clock()
        if entry.flight is None and now - entry.kid_attempt_at >= self._refetch_interval:
            entry.kid_attempt_at = now
            self._start(issuer, entry)
        if entry.flight is not None:
            await asyncio.shield(entry.flight)
        return self._usable_or_raise(entry)

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    def _entry(self, issuer: str) -> _Entry:
        entry = self._entries.get(issuer)
        if entry is None:
            entry = self._entries[issuer] = _Entry()
            if len(self._entries) > self._max_issuers:
                self._entries.popitem(last=False)
        self._entries.move_to_end(issuer)
        return entry

    def _usable(self, entry: _Entry) -> KeySet | None:
        return entry.keys if self._clock() - entry.fetched_at < self._stale else None

    def _usable_or_raise(self, entry: _Entry) -> KeySet:
        keys = self._usable(entry)
        if keys is not None:
            return keys
        detail = entry.failure.detail if entry.failure is not None else None
        wait = entry.failed_at + self._failure_pause - self._clock()
        # an exception of one's own for each caller: tracebacks and causes are not shared
        raise issuer_unavailable(
            detail.name if detail else "jwks_uri",
            detail.expected if detail else f"keys fetched within {self._stale:.0f} s",
            (detail and detail.got) or "none",
            retry_after=math.ceil(wait) if wait > 0 else 1,
        )

    def _renew(self, issuer: str, entry: _Entry) -> None:
        paused = self._clock() - entry.failed_at < self._failure_pause
        if entry.flight is None and not paused:
            self._start(issuer, entry)

    def _start(self, issuer: str, entry: _Entry) -> None:
        # a task of its own, so that a caller who goes away takes nothing from the others
        flight = asyncio.get_running_loop().create_task(self._fetch_into(issuer, entry))
        entry.flight = flight
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)

    async def _fetch_into(self, issuer: str, entry: _Entry) -> None:
        try:
            entry.keys = await self._fetch(issuer)
            entry.fetched_at = self._clock()
            entry.failure = None
            self.fetches.add("ok")
        except Unavailable as failure:
            self.fetches.add("failed")
            entry.failure = failure
            entry.failed_at = self._clock()
        finally:
            entry.flight = None

    async def _fetch(self, issuer: str) -> KeySet:
        document = await discover(self._outbound, issuer)
        jwks_uri = jwks_uri_of(
            document, issuer=issuer, allow_http_loopback=self._allow_http_loopback
        )
        answer = await self._outbound.fetch(jwks_uri, issuer=issuer, name="jwks_uri")
        try:
            return parse_key_set(answer)
        except KeySetRefused as error:
            raise issuer_unavailable(
                "jwks_uri", f"a JWK set at {jwks_uri}", f"an answer not usable: {error}"
            ) from error

    def _check_url(self, issuer: str) -> None:
        # a pattern may have let it through: what the token says is judged like what is registered
        try:
            check_issuer_url(issuer, allow_http_loopback=self._allow_http_loopback)
        except Invalid as error:
            raise Unauthenticated(
                "issuer_not_fetchable",
                "the token's issuer is not an address that keys are fetched from",
                stage=Stage.ISSUER,
                detail=Detail(name="iss", expected=error.message, got=issuer[:256]),
            ) from error
