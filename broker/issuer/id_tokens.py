"""ID tokens: who has logged in, told to the client that asked (OpenID Connect Core 1.0 §2)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from broker.errors import BrokerError, Invalid, Unauthenticated
from broker.iam.uidp import Uidp
from broker.issuer.keyring import KeyRing
from broker.issuer.signer import ALGORITHMS
from broker.jose.compact import UnverifiedToken, parse
from broker.jose.jws import check_header, check_signature
from broker.jose.keys import KeySet, parse_key_set

ID_TOKEN_TYP: Final = "JWT"  # noqa: S105 - RFC 7519 §5.1
LIFETIME: Final = 3600
"""Seconds."""

_DIGESTS: Final[dict[str, Callable[[bytes], Any]]] = {
    "ES256": hashlib.sha256,
    "RS256": hashlib.sha256,
    "ES384": hashlib.sha384,
    "EdDSA": hashlib.sha512,  # RFC 8032 §5.1: Ed25519 is EdDSA with SHA-512
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenClaims:
    """What an ID token says."""

    subject: Uidp
    client_id: str
    """The audience, the only one."""
    session: str
    """`sid`: of the browser session, or of the refresh grant."""
    authenticated_at: int
    """Seconds since the epoch: when the person last proved who they are."""
    nonce: str = ""
    access_token: str = ""
    """What is handed out with it, for `at_hash`."""
    email: str = ""
    """Empty: not told."""
    email_verified: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """A verified ID token of this issuer."""

    subject: Uidp
    client_id: str
    session: str
    authenticated_at: int
    expires_at: int
    sha256: str


class IdTokens:
    """Mints them, and knows them again."""

    def __init__(self, *, issuer: str, keyring: KeyRing) -> None:
        self._issuer = issuer
        self._keyring = keyring

    def mint(self, claims: IdTokenClaims, *, now: float) -> str:
        """The signed token. `now` is seconds since the epoch. Raises `Unavailable`."""
        signer = self._keyring.signer(now)
        issued_at = int(now)
        payload = {
            "iss": self._issuer,
            "sub": claims.subject,
            "aud": claims.client_id,
            "iat": issued_at,
            "exp": issued_at + LIFETIME,
            "auth_time": claims.authenticated_at,
            "sid": claims.session,
        }
        told = {
            "nonce": claims.nonce,
            "at_hash": at_hash(claims.access_token, signer.algorithm),
            "email": claims.email,
            "name": claims.name,
        }
        payload |= {name: value for name, value in told.items() if value}
        if claims.email:
            payload["email_verified"] = claims.email_verified
        return signer.sign(orjson.dumps(payload, default=str), typ=ID_TOKEN_TYP)

    def may_be(self, token: str) -> bool:
        """Whether it says that it is one, without a look at its signature."""
        try:
            self._parse(token)
        except BrokerError:
            return False
        return True

    def verify(
        self, token: str, *, clients: Collection[str], now: float, expired: bool = False
    ) -> IdToken:
        """The content of a token that was issued to one of `clients`.

        `expired`: whether it may have ended, as a hint of who is meant may (OpenID Connect
        RP-Initiated Logout §2); while its key is published still. Raises `Unauthenticated`.
        """
        parsed = self._parse(token)
        check_header(parsed.header, ALGORITHMS)
        keys = _key_set(self._keyring.jwks(now))
        check_signature(parsed.header, parsed.signing_input, parsed.signature, keys)
        read = _id_token(parsed)
        if read.client_id not in clients:
            raise _refused("it was issued to no client of this broker")
        if not expired and now >= read.expires_at:
            raise Unauthenticated("token_expired", "the ID token has expired; log in again")
        return read

    def _parse(self, token: str) -> UnverifiedToken:
        parsed = parse(token)
        # RFC 8725 §3.11, §3.12: an access token is typed at+jwt and has no `auth_time`
        if parsed.header.get("typ") != ID_TOKEN_TYP or "auth_time" not in parsed.claims:
            raise _refused("it is another kind of token")
        if parsed.unverified_issuer != self._issuer:
            raise _refused("it is of another issuer")
        return parsed


def at_hash(access_token: str, algorithm: str) -> str:
    """OpenID Connect Core §3.1.3.6: the left half of the hash that goes with the signature."""
    if not access_token:
        return ""
    digest = _DIGESTS[algorithm](access_token.encode("ascii")).digest()
    half = digest[: len(digest) // 2]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode("ascii")


@lru_cache(maxsize=4)  # the set changes when a key is published or leaves; a function of its text
def _key_set(document: bytes) -> KeySet:
    return parse_key_set(document)


def _id_token(token: UnverifiedToken) -> IdToken:
    claims = token.claims
    try:
        (client_id,) = token.unverified_audience
        return IdToken(
            subject=Uidp.parse(token.unverified_subject),
            client_id=client_id,
            session=str(claims["sid"]),
            authenticated_at=int(claims["auth_time"]),
            expires_at=int(claims["exp"]),
            sha256=token.sha256,
        )
    except (KeyError, TypeError, ValueError, Invalid):
        # signed by us for another purpose, as for the receiver of a webhook
        raise _refused("it is another kind of token") from None


def _refused(fault: str) -> Unauthenticated:
    return Unauthenticated("id_token_invalid", f"not an ID token of this broker: {fault}")
