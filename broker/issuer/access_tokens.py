"""Our own access tokens, read back: who calls the API, and with what rights."""

from __future__ import annotations

import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from broker.errors import Detail, Invalid, Stage, Unauthenticated
from broker.iam import capabilities
from broker.iam.uidp import Uidp
from broker.issuer.keyring import KeyRing
from broker.issuer.signer import ALGORITHMS
from broker.issuer.tokens import ACCESS_TOKEN_TYP
from broker.jose.compact import UnverifiedToken, parse
from broker.jose.jws import check_header, check_signature
from broker.jose.keys import KeySet, parse_key_set

LEEWAY: Final = 60
"""Seconds by which the clocks of two replicas may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A verified access token of this issuer."""

    issuer: str
    subject: Uidp
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    """Seconds since the epoch, as `issued_at`."""
    actor: Mapping[str, Any]
    """The upstream principal (RFC 8693 §4.1)."""
    role_bindings: tuple[Mapping[str, str], ...]
    """Objects of `id`, `group` and `role`."""
    capabilities: Mapping[Uidp, int]
    """Group → bitset."""
    email: str
    """Empty for who has none."""
    email_verified: bool
    sha256: str
    provider: str = ""
    """Through whom a person logged in: UIDP of an identity provider, or a connector; empty for
    others, and where a person's upstream token was exchanged as it was."""
    session: str = ""
    """The login; empty where there was none."""
    group_mappings: tuple[Uidp, ...] = ()
    """The group role mappings that held at the login."""
    scope: tuple[str, ...] = ()
    """Words of OpenID Connect: what its bearer may be told of the person."""


class AccessTokenVerifier:
    """Verifies what `AccessTokens` mints, for the API's own use (RFC 9068 §4).

    `audiences`: the API's own; a token for another service is of no use here.
    """

    def __init__(self, *, issuer: str, keyring: KeyRing, audiences: Collection[str]) -> None:
        self._issuer = issuer
        self._keyring = keyring
        self._audiences = frozenset(audiences)

    def verify(self, token: str, *, now: float) -> AccessToken:
        """The token's content. `now` is in seconds since the epoch.

        Raises `Unauthenticated`, with the stage: `token_malformed` and others of the parser,
        `access_token_expected`, `token_issuer_unexpected`, those of the signature,
        `token_expired`, `token_not_yet_valid`, `access_token_audience`.
        """
        parsed = parse(token)
        # RFC 8725 §3.11: of our kinds of token the API takes this one
        if parsed.header.get("typ", "").lower().removeprefix("application/") != ACCESS_TOKEN_TYP:
            raise _refused(
                "access_token_expected",
                "the bearer token is not an access token of this broker: exchange it first",
                Stage.TOKEN,
            )
        if parsed.unverified_issuer != self._issuer:
            raise _refused(
                "token_issuer_unexpected",
                f"the access token was not issued by {self._issuer}",
                Stage.ISSUER,
            )
        check_header(parsed.header, ALGORITHMS)
        keys = _key_set(self._keyring.jwks(now))
        check_signature(parsed.header, parsed.signing_input, parsed.signature, keys)
        self._check_claims(parsed, now)
        return _access_token(parsed)

    def _check_claims(self, token: UnverifiedToken, now: float) -> None:
        claims = token.claims
        if now >= claims.get("exp", 0):
            raise _refused(
                "token_expired", "the access token has expired; exchange for a new one", Stage.TIMES
            )
        if claims.get("nbf", 0) > now + LEEWAY:
            raise _refused("token_not_yet_valid", "the access token is not valid yet", Stage.TIMES)
        if self._audiences.isdisjoint(token.unverified_audience):
            raise Unauthenticated(
                "access_token_audience",
                "the access token is meant for another audience; the API takes "
                + " or ".join(sorted(self._audiences)),
                stage=Stage.TOKEN,
                field="aud",
                detail=Detail(
                    name="aud",
                    expected=" or ".join(sorted(self._audiences)),
                    got=", ".join(token.unverified_audience)[:256],
                ),
            )


@lru_cache(maxsize=4)  # the set changes when a key is published or leaves; a function of its text
def _key_set(document: bytes) -> KeySet:
    return parse_key_set(document)


def _access_token(token: UnverifiedToken) -> AccessToken:
    claims = token.claims
    try:
        return AccessToken(
            issuer=token.unverified_issuer,
            subject=Uidp.parse(token.unverified_subject),
            audience=token.unverified_audience,
            issued_at=int(claims["iat"]),
            expires_at=int(claims["exp"]),
            actor=dict(claims["act"]),
            role_bindings=tuple(claims["role_bindings"]),
            capabilities={
                Uidp.parse(group): capabilities.decode(held)
                for group, held in claims["cap"].items()
            },
            email=claims.get("email", ""),
            email_verified=claims.get("email_verified") is True,
            sha256=token.sha256,
            provider=str(claims.get("idp", "")),
            session=str(claims.get("sid", "")),
            group_mappings=tuple(map(Uidp.parse, claims.get("group_mappings", ()))),
            scope=tuple(claims.get("scope", "").split()),
        )
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, Invalid):
        # signed by us, and yet not what we mint now: of another version
        raise _refused(
            "token_malformed", "the access token lacks a claim that this version needs", Stage.TOKEN
        ) from None


def _refused(code: str, message: str, stage: Stage) -> Unauthenticated:
    return Unauthenticated(code, message, stage=stage)
