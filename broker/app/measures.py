"""What a broker tells of itself, put together from what its parts count."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from broker import __version__
from broker.audit.writer import AuditWriter
from broker.directory.snapshots import Snapshots
from broker.grants.exchange import Exchange
from broker.issuer.keyring import KeyRing
from broker.issuer.schedule import KeyState
from broker.measures import Durations, Tally
from broker.store import Store
from broker.upstream.issuers import Issuers
from broker.web.metrics import Counted, Gauged, Source, Timed

Values = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is looked at. `ready`: the parts of `/readyz` as they were last."""

    exchange: Exchange
    issuers: Issuers
    snapshots: Snapshots
    audit: AuditWriter
    keyring: KeyRing
    store: Store
    http_requests: Tally
    http_durations: Durations
    grpc_calls: Tally
    logins: Tally
    state_errors: Tally
    clock: Callable[[], float] = field(default=time.time)


def sources(parts: Parts) -> Iterator[Source]:
    """Everything that `/metrics` has; docs/operations/metrics.md is made of it."""
    yield from _exchanges(parts)
    yield from _requests(parts)
    yield from _caches(parts)
    yield from _keys(parts)
    yield from _stores(parts)
    yield Gauged(
        "info", "Always 1; which version runs.", lambda: [((__version__,), 1.0)], ("version",)
    )


def _exchanges(parts: Parts) -> Iterator[Source]:
    measures = parts.exchange.measures
    yield Counted(
        "exchanges",
        "Exchanges by dialect, by how they ended (`ok`, `refused`, `limited`, `failed`), by the "
        "stage that refused, and by the kind of platform that issued the token.",
        measures.outcomes,
    )
    yield Timed("exchange", "Duration of exchanges, until the answer is known.", measures.durations)
    yield Counted(
        "logins",
        "Logins of people by provider (`organization`, or the name of a connector) and outcome.",
        parts.logins,
    )


def _requests(parts: Parts) -> Iterator[Source]:
    yield Counted(
        "http_requests", "Requests over HTTP by method, route and status.", parts.http_requests
    )
    yield Timed(
        "http_request", "Duration of requests, until the answer is sent.", parts.http_durations
    )
    yield Counted("grpc_calls", "Calls over gRPC by method and code.", parts.grpc_calls)


def _caches(parts: Parts) -> Iterator[Source]:
    yield Counted(
        "issuer_key_fetches",
        "Fetches of an issuer's keys by result (`ok`, `failed`).",
        parts.issuers.fetches,
    )
    yield Counted(
        "issuer_key_lookups",
        "Looks for an issuer's keys in the cache by result (`hit`, `miss`).",
        parts.issuers.lookups,
    )
    yield Gauged("issuers_known", "Issuers in the cache.", _one(lambda: parts.issuers.size))
    yield Counted(
        "identity_lookups",
        "Looks for an identity in the cache by result (`hit`, `miss`).",
        parts.snapshots.lookups,
    )
    yield Gauged(
        "identities_cached", "Identities in the cache.", _one(lambda: parts.snapshots.size)
    )


def _keys(parts: Parts) -> Iterator[Source]:
    ring, clock = parts.keyring, parts.clock

    def states() -> Values:
        found = Counter(status.state for status in ring.states(clock()))
        return [((state.value,), float(found[state])) for state in KeyState]

    def age() -> float:
        now = clock()
        active = [s for s in ring.states(now) if s.state is KeyState.ACTIVE]
        return now - active[0].signs_from.timestamp() if active else 0.0

    yield Gauged("signing_keys", "Signing keys by state.", states, ("state",))
    yield Gauged(
        "signing_key_age_seconds", "For how long the key that signs has signed.", _one(age)
    )
    yield Gauged(
        "signing_keys_read_age_seconds",
        "For how long this process has not read the key log.",
        _one(lambda: ring.read_age(clock())),
    )


def _stores(parts: Parts) -> Iterator[Source]:
    yield Gauged(
        "audit_waiting",
        "Audit records that wait to be written.",
        _one(lambda: parts.audit.waiting),
    )
    yield Counted(
        "audit_failures",
        "Batches of audit records that could not be written.",
        parts.audit.failures,
    )
    yield Gauged(
        "database_connections",
        "Connections to the database by state (`used`, `idle`).",
        lambda: [((name,), float(n)) for name, n in parts.store.connections().items()],
        ("state",),
    )
    yield Counted(
        "state_errors",
        "Questions to Redis that were not answered, by what went wrong.",
        parts.state_errors,
    )


def _one(read: Callable[[], float]) -> Callable[[], Values]:
    return lambda: [((), float(read()))]
