"""How many exchanges there may be: refused ones of an address, others of an identity or issuer."""

from __future__ import annotations

import ipaddress
import math
from functools import lru_cache

import structlog

from broker.errors import BrokerError, Detail, Exhausted, Kind, Limit, Stage
from broker.iam.claims import VerifiedClaims
from broker.iam.model import Identity, StaticKeys
from broker.state.rates import RateLimiter

log = structlog.get_logger()

_NOT_THE_CALLERS_FAULT = frozenset({Kind.UNAVAILABLE, Kind.EXHAUSTED})


class ExchangeLimits:
    """The rates; None: none. Asked in memory, so that nothing waits for it.

    An address is slowed down by its refusals alone. An identity and an issuer are by what was
    accepted: nobody without an acceptable token can use up what is theirs.
    """

    def __init__(
        self,
        *,
        address: RateLimiter | None = None,
        identity: RateLimiter | None = None,
        issuer: RateLimiter | None = None,
    ) -> None:
        self._address = address
        self._identity = identity
        self._issuer = issuer

    def admit(self, address: str) -> None:
        """Before anything else. Raises `Exhausted` (`rate_limited`).

        An address that the wire does not know, empty, is not limited: it could be anybody's.
        """
        if self._address is None or not address:
            return
        if wait := self._address.wait(network(address)):
            raise _limited("address", self._address, wait, Stage.REQUEST)

    def note_refusal(self, address: str, refusal: BrokerError) -> None:
        """Count it, unless it was somebody else's fault."""
        if self._address is None or not address or refusal.kind in _NOT_THE_CALLERS_FAULT:
            return
        key = network(address)
        was_free = not self._address.wait(key)
        self._address.count(key)
        if was_free and self._address.wait(key):
            log.warning("address_limited", address=key)

    def spend(self, identity: Identity, claims: VerifiedClaims) -> None:
        """Count an exchange that nothing else speaks against. Raises `Exhausted`, counting none."""
        limits = (
            ("identity", self._identity, identity.id),
            ("issuer", self._issuer, _issuer(identity, claims)),
        )
        for name, limiter, key in limits:
            if limiter and (wait := limiter.wait(key)):
                raise _limited(name, limiter, wait, Stage.USE)
        for _, limiter, key in limits:
            if limiter:
                limiter.count(key)


def _issuer(identity: Identity, claims: VerifiedClaims) -> str:
    # whoever wrote the keys down chose the issuer's name too, and it may be somebody else's
    if isinstance(identity.relationship, StaticKeys):
        return f"{identity.id} {claims.issuer}"
    return claims.issuer


@lru_cache(maxsize=4096)  # a pure function of its text
def network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: its holder has all the addresses in it."""
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])  # a link's name is not the holder's
    if parsed.ipv4_mapped is not None:  # on a socket for both
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


def _limited(name: str, limiter: RateLimiter, wait: float, stage: Stage) -> Exhausted:
    rate = limiter.rate
    return Exhausted(
        "rate_limited",
        f"too many exchanges of this {name}; try again later",
        stage=stage,
        retry_after=math.ceil(wait),
        limit=Limit(name, rate.quota, rate.window),
        detail=Detail(
            f"rate_limit_{name}",
            f"at most {rate.quota} in {rate.window} s",
            "more",
            "Retries may be to blame. The operator can allow more.",
        ),
    )
