"""Upstream tokens verified: JWTs of OpenID providers, by keys fetched or by keys on record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from broker.errors import Detail, Stage, Unauthenticated
from broker.iam.claims import VerifiedClaims
from broker.jose.compact import MAX_NUMERIC_DATE, UnverifiedToken
from broker.jose.jws import (
    check_header,
    check_signature,
    is_signed_by,
    select_key,
    signature_invalid,
)
from broker.jose.keys import ALGORITHMS, KeySet, KeySetRefused, parse_key_set
from broker.upstream.issuers import Issuers

LEEWAY: Final = 60
"""Seconds by which clocks may differ. A guard against replay keeps what it saw this much longer
than `exp`."""

MAX_LIFETIME: Final = 86_400
"""Seconds from `iat` to `exp`, where no setting says otherwise."""

_STATIC_SETS: Final = 1024

_ACCESS_TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})


class OidcVerifier:
    """Signature, times and origin of an upstream token. Which audience is accepted is a rule's.

    `own_issuers`: what this installation puts into `iss`; its tokens are not upstream tokens.
    `algorithms`, `max_lifetimes` (seconds): by issuer, where it is not `default_algorithms` and
    `max_lifetime`.
    """

    def __init__(
        self,
        issuers: Issuers,
        *,
        own_issuers: Collection[str],
        default_algorithms: Collection[str] = ALGORITHMS,
        algorithms: Mapping[str, Collection[str]] = MappingProxyType({}),
        max_lifetime: int = MAX_LIFETIME,
        max_lifetimes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._issuers = issuers
        self._own_issuers = frozenset(own_issuers)
        self._default_algorithms = frozenset(default_algorithms)
        self._algorithms = {name: frozenset(allowed) for name, allowed in algorithms.items()}
        self._max_lifetime = max_lifetime
        self._max_lifetimes = dict(max_lifetimes)
        self._static_sets: OrderedDict[str, KeySet] = OrderedDict()

    def check(self, token: UnverifiedToken, now: float) -> None:
        """What makes a token unacceptable whoever it is for: its kind, algorithm and times.

        Asked before an identity is looked up, so that the answer says nothing about identities.
        Raises `Unauthenticated` (stages `token`, `signature`, `times`). `verify` asks it again.
        """
        self._check_kind(token)
        self._check_header(token)
        self._check_times(token, now)

    def faults(self, token: UnverifiedToken, now: float) -> Iterator[Unauthenticated]:
        """Everything that `check` would raise if it went on after the first."""
        for fault in (
            _caught(lambda: self._check_kind(token)),
            _caught(lambda: self._check_header(token)),
            _caught(lambda: self._check_times(token, now)),
        ):
            if fault is not None:
                yield fault

    async def verify(self, token: UnverifiedToken, *, issuer: str, now: float) -> VerifiedClaims:
        """The claims, when `issuer`, which a stored record allows, signed them and they hold now.

        `now` is seconds since the epoch. Awaits nothing while the issuer's keys are fresh. Raises
        `Unauthenticated` (stages `token`, `identity`, `issuer`, `signature`, `times`), and
        `Unavailable` (stage `issuer`) when there are no keys.
        """
        self._check_origin(token, issuer)
        self._check_header(token)
        keys, just_fetched = self._issuers.cached(issuer), False
        if keys is None:
            keys = await self._issuers.keys(issuer)
            just_fetched = self._issuers.cached(issuer) is keys
        if not _is_signed(token, keys):
            # published since, perhaps: the issuer is asked again, within limits
            if not just_fetched:
                keys = await self._issuers.refetched(issuer, seen=keys)
            _check_signature(token, keys)
        return self._claims(token, now)

    def verify_static(
        self, token: UnverifiedToken, *, issuer: str, jwks: str, now: float
    ) -> VerifiedClaims:
        """The same by the JWK set (JSON text) of an identity with static keys; fetches nothing."""
        self._check_origin(token, issuer)
        self._check_header(token)
        _check_signature(token, self._static_set(jwks))
        return self._claims(token, now)

    def _check_kind(self, token: UnverifiedToken) -> None:
        # RFC 9068 §2.1 types access tokens so that nobody takes one for something else
        kind = token.header.get("typ", "").lower()
        if token.unverified_issuer in self._own_issuers or kind in _ACCESS_TOKEN_TYPES:
            raise Unauthenticated(
                "token_is_access_token",
                "an access token is not exchanged; send the token that its bearer logged in with",
                stage=Stage.TOKEN,
                detail=Detail(
                    name="typ", expected="a token of another issuer, not an access token", got=kind
                ),
            )

    def _check_header(self, token: UnverifiedToken) -> None:
        issuer = token.unverified_issuer
        check_header(token.header, self._algorithms.get(issuer, self._default_algorithms))

    def _check_times(self, token: UnverifiedToken, now: float) -> int:
        limit = self._max_lifetimes.get(token.unverified_issuer, self._max_lifetime)
        return _check_times(token, now, limit)

    def _check_origin(self, token: UnverifiedToken, issuer: str) -> None:
        self._check_kind(token)
        if token.unverified_issuer != issuer:
            raise Unauthenticated(
                "token_issuer_mismatch",
                "the token does not match the identity",
                stage=Stage.IDENTITY,
                detail=Detail(name="iss", expected=issuer, got=token.unverified_issuer[:256]),
            )

    def _static_set(self, jwks: str) -> KeySet:
        keys = self._static_sets.get(jwks)
        if keys is not None:
            self._static_sets.move_to_end(jwks)
            return keys
        try:
            keys = parse_key_set(jwks.encode())
        except (KeySetRefused, UnicodeEncodeError) as error:
            raise Unauthenticated(
                "token_key_unknown",
                "the token is signed with a key that its issuer does not publish",
                stage=Stage.SIGNATURE,
                detail=Detail(name="issuer_keys", expected="a JWK set", got=str(error)),
            ) from error
        self._static_sets[jwks] = keys
        if len(self._static_sets) > _STATIC_SETS:
            self._static_sets.popitem(last=False)
        return keys

    def _claims(self, token: UnverifiedToken, now: float) -> VerifiedClaims:
        return VerifiedClaims(
            issuer=token.unverified_issuer,
            subject=token.unverified_subject,
            audience=token.unverified_audience,
            expires_at=self._check_times(token, now),
            claims=token.claims,
        )


def _caught(check: Callable[[], object]) -> Unauthenticated | None:
    try:
        check()
    except Unauthenticated as fault:
        return fault
    return None


def _is_signed(token: UnverifiedToken, keys: KeySet) -> bool:
    """False where a newer set of keys could make it true; raises where none could."""
    key = select_key(token.header, keys)
    if key is None:
        return False
    if is_signed_by(key, token.header, token.signing_input, token.signature):
        return True
    if token.unverified_kid is not None:
        raise signature_invalid(key, token.header)
    return False  # without a kid, a successor of the key shows by the signature alone


def _check_signature(token: UnverifiedToken, keys: KeySet) -> None:
    check_signature(token.header, token.signing_input, token.signature, keys)


def _check_times(token: UnverifiedToken, now: float, max_lifetime: int) -> int:
    """`exp`, whole seconds, after all times were found to hold (RFC 7519 §4.1.4 to §4.1.6)."""
    claims = token.claims
    expires = claims.get("exp")
    if expires is None:
        raise _refused("token_without_expiry", "exp", "a time", None, "It never expires.")
    if now >= expires + LEEWAY:
        raise _refused(
            "token_expired",
            "exp",
            f"after {_utc(now)} (now, {LEEWAY} s leeway)",
            expires,
            f"It expired {now - expires:.0f} s ago: ask the issuer for one right before it is used."
            " If it is new, a clock is wrong.",
        )
    for name in ("nbf", "iat"):
        begins = claims.get(name)
        if begins is not None and now < begins - LEEWAY:
            raise _refused(
                "token_not_yet_valid",
                name,
                f"until {_utc(now)} (now, {LEEWAY} s leeway)",
                begins,
                f"It begins {begins - now:.0f} s from now: the issuer's clock or ours is wrong.",
            )
    # without iat the token's age is not known; what is left of it must not exceed the limit
    start = "iat" if "iat" in claims else "now"
    lifetime = expires - claims.get("iat", now)
    if lifetime > max_lifetime:
        raise _refused(
            "token_lifetime_too_long",
            "exp",
            f"at most {max_lifetime} s after {start}",
            expires,
            f"It is {lifetime:.0f} s after {start}: ask the issuer for a shorter one.",
        )
    return int(expires)


_MESSAGES: Final = {
    "token_without_expiry": "the token has no 'exp' claim",
    "token_expired": "the token has expired",
    "token_not_yet_valid": "the token is not valid yet",
    "token_lifetime_too_long": "the token is valid for longer than is accepted",
}


def _refused(code: str, name: str, expected: str, got: float | None, hint: str) -> Unauthenticated:
    seen = None if got is None else _utc(got)
    return Unauthenticated(
        code,
        _MESSAGES[code],
        stage=Stage.TIMES,
        field=name,
        detail=Detail(name=name, expected=expected, got=seen, hint=hint),
    )


def _utc(seconds: float) -> str:
    moment = datetime.fromtimestamp(min(seconds, MAX_NUMERIC_DATE), UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
