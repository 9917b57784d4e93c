"""Access tokens: JWTs by RFC 9068, with what the bearer may do inside.

Departs from RFC 9068 §2.2 in one claim: there is no `client_id`, since the identity that `sub`
names is the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from broker.errors import Invalid, Precondition, Stage
from broker.issuer.keyring import KeyRing
from broker.issuer.schedule import LONGEST_TOKEN

ACCESS_TOKEN_TYP: Final = "at+jwt"  # noqa: S105 - RFC 9068 §2.1, a media type
MAX_LIFETIME: Final = int(LONGEST_TOKEN.total_seconds())
MAX_SIZE: Final = 6 * 1024
"""Bytes. A bearer header of this size still passes the 8 KiB that proxies commonly allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenClaims:
    """What a token says, decided before it is minted."""

    subject: str
    """UIDP of the identity."""
    audience: tuple[str, ...]
    lifetime: int
    """Seconds, 1 to 3,600."""
    actor: Mapping[str, Any]
    """The upstream principal: `iss`, `sub`, `aud` and the custom claims that rules matched
    (RFC 8693 §4.1)."""
    role_bindings: Sequence[Mapping[str, str]]
    """Objects of `id`, `group` and `role`."""
    capabilities: Mapping[str, str]
    """Group UIDP → capability set, as `iam.capabilities.encode` writes it."""
    not_after: int | None = None
    """Upper bound of `exp`, seconds since the epoch: the upstream token's own `exp`, if the
    identity binds to it."""
    email: str | None = None
    email_verified: bool | None = None
    provider: str = ""
    """Through whom a person logged in, `idp`: UIDP of an identity provider, or a connector."""
    session: str = ""
    """The login that a person's token goes back to, `sid` (OpenID Connect Front-Channel Logout
    §3)."""
    group_mappings: Sequence[str] = ()
    """UIDPs of the group role mappings that hold for the length of the session."""
    scope: Sequence[str] = ()
    """What a client may be told of the person (OpenID Connect Core §5.4; RFC 9068 §2.2.3)."""


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A signed token. Its text does not show in `repr`, so that no log holds it by accident."""

    token: str = field(repr=False)
    expires_at: int
    """Seconds since the epoch."""
    jti: str


class AccessTokens:
    """Mints access tokens."""

    def __init__(
        self,
        *,
        issuer: str,
        keyring: KeyRing,
        make_id: Callable[[], str],
        max_size: int = MAX_SIZE,
    ) -> None:
        """`make_id` makes `jti`s: 128 random bits or more, `secrets.token_hex(16)`."""
        self._issuer = issuer
        self._keyring = keyring
        self._make_id = make_id
        self._max_size = max_size

    def mint(self, claims: AccessTokenClaims, *, now: float) -> MintedToken:
        """The signed token. `now` is in seconds since the epoch.

        Raises `Invalid` (`token_lifetime_invalid`, `token_audience_missing`), `Precondition`
        (`minted_token_too_large`, `token_expires_at_once`, `token_claims_unencodable`), and
        `Unavailable` from the key ring.
        """
        issued_at = int(now)
        expires_at = _expiry(claims, issued_at)
        jti = self._make_id()
        payload = _encode(
            {
                "iss": self._issuer,
                "sub": claims.subject,
                "aud": _audience(claims.audience),
                "iat": issued_at,
                "nbf": issued_at,
                "exp": expires_at,
                "jti": jti,
                "act": claims.actor,
                "role_bindings": claims.role_bindings,
                "cap": claims.capabilities,
            }
            | _email(claims)
            | _login(claims)
        )
        token = self._keyring.signer(now).sign(payload, typ=ACCESS_TOKEN_TYP)
        if len(token) > self._max_size:
            raise Precondition(
                "minted_token_too_large",
                f"the token would have {len(token)} bytes, more than {self._max_size}: the "
                "identity has many role bindings; name scopes (`scope`) to get the roles of "
                "those groups alone",
                stage=Stage.MINT,
                field="scope",
            )
        return MintedToken(token, expires_at, jti)


def _expiry(claims: AccessTokenClaims, issued_at: int) -> int:
    if not 1 <= claims.lifetime <= MAX_LIFETIME:
        raise Invalid(
            "token_lifetime_invalid",
            f"lifetime: {claims.lifetime} s is not between 1 and {MAX_LIFETIME} s",
            stage=Stage.MINT,
            field="lifetime",
        )
    expires_at = issued_at + claims.lifetime
    if claims.not_after is None or claims.not_after >= expires_at:
        return expires_at
    if claims.not_after <= issued_at:
        raise Precondition(
            "token_expires_at_once",
            "the token that was presented is at its end, and the identity binds new tokens to "
            "it; present a fresh one",
            stage=Stage.MINT,
        )
    return claims.not_after


def _audience(audience: tuple[str, ...]) -> str | tuple[str, ...]:
    if not audience:
        raise Invalid(
            "token_audience_missing",
            "audience: a token needs one (RFC 9068 §2.2)",
            stage=Stage.MINT,
            field="audience",
        )
    # RFC 7519 §4.1.3: a single one may be a string, which every verifier takes
    return audience[0] if len(audience) == 1 else audience


def _email(claims: AccessTokenClaims) -> dict[str, str | bool]:
    if claims.email is None:
        return {}
    if claims.email_verified is None:
        return {"email": claims.email}
    return {"email": claims.email, "email_verified": claims.email_verified}


def _login(claims: AccessTokenClaims) -> dict[str, Any]:
    members = {
        "idp": claims.provider,
        "sid": claims.session,
        "group_mappings": list(claims.group_mappings),
        "scope": " ".join(claims.scope),
    }
    return {name: value for name, value in members.items() if value}


def _encode(payload: dict[str, Any]) -> bytes:
    try:
        # NON_STR_KEYS: UIDPs are a subclass of str, and keys of `cap`
        return orjson.dumps(payload, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        raise Precondition(
            "token_claims_unencodable",
            "a claim of the token that was presented cannot be carried over (an integer of more "
            "than 64 bits, or nesting too deep)",
            stage=Stage.MINT,
        ) from error


def _plain(value: object) -> object:
    """What orjson does not take by itself: mappings and sequences that are no dict or list."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
