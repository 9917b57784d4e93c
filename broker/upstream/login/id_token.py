"""ID tokens of a login: what is checked besides signature and times (Core §3.1.3.7)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from broker.errors import Detail, Unauthenticated, Unavailable
from broker.iam.claims import VerifiedClaims
from broker.jose.compact import UnverifiedToken, parse
from broker.upstream.login.metadata import as_unavailable
from broker.upstream.login.refusals import not_verified
from broker.upstream.oidc import OidcVerifier

_MAX_SUBJECT: Final = 255
_HASHES: Final = MappingProxyType({"256": "sha256", "384": "sha384", "512": "sha512"})


async def verify_id_token(
    verifier: OidcVerifier,
    token: object,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: object,
    now: float,
) -> VerifiedClaims:
    """The claims of an ID token that was issued to this client, for this login.

    `token`, `access_token`: members of the token endpoint's answer. Raises `Unauthenticated`
    (`login_not_verified`) and `Unavailable` (`identity_provider_unavailable`).
    """
    if not isinstance(token, str):
        raise not_verified("id_token", "an ID token", None, hint="Is the client one of OpenID?")
    unverified, verified = await _signed(verifier, token, issuer, now)
    _check_audience(verified, client_id)
    _check_nonce(verified.claims.get("nonce"), nonce)
    _check_subject(verified.subject)
    _check_access_token(verified.claims, unverified.unverified_algorithm, access_token)
    return verified


async def verify_presented(
    verifier: OidcVerifier,
    token: str,
    *,
    issuer: str,
    client_id: str,
    audiences: Collection[str],
    now: float,
) -> VerifiedClaims:
    """The claims of a token that its bearer sends by themself, with no browser and no nonce.

    Every audience has to be the client id or one of `audiences`. Raises as `verify_id_token`.
    """
    _, verified = await _signed(verifier, token, issuer, now)
    if not verified.audience or not {client_id, *audiences}.issuperset(verified.audience):
        raise not_verified("aud", f"the client id {client_id}", ", ".join(verified.audience))
    if client_id in verified.audience:
        _check_audience(verified, client_id)
    _check_subject(verified.subject)
    return verified


async def _signed(
    verifier: OidcVerifier, token: str, issuer: str, now: float
) -> tuple[UnverifiedToken, VerifiedClaims]:
    try:
        unverified = parse(token)
        verified = await verifier.verify(unverified, issuer=issuer, now=now)
    except Unavailable as error:
        raise as_unavailable(error) from error
    except Unauthenticated as error:
        detail = error.detail or Detail("id_token", "an ID token that holds", error.message)
        raise not_verified(
            detail.name, detail.expected, detail.got, hint=detail.hint or error.message
        ) from error
    return unverified, verified


def _check_audience(verified: VerifiedClaims, client_id: str) -> None:
    if client_id not in verified.audience:
        raise not_verified("aud", f"the client id {client_id}", ", ".join(verified.audience))
    party = verified.claims.get("azp")
    # several audiences: who it was issued to has to be told, and has to be us
    if party != client_id and ("azp" in verified.claims or len(verified.audience) > 1):
        raise not_verified("azp", f"the client id {client_id}", _text(party))


def _check_nonce(got: object, nonce: str) -> None:
    if not isinstance(got, str) or not hmac.compare_digest(got.encode(), nonce.encode()):
        raise not_verified("nonce", "that of this login", None if got is None else "another")


def _check_subject(subject: str) -> None:
    # Core §2: at most 255 ASCII characters
    if len(subject) > _MAX_SUBJECT or not subject.isascii() or not subject.isprintable():
        raise not_verified("sub", f"at most {_MAX_SUBJECT} printable ASCII characters", subject)


def _check_access_token(claims: Mapping[str, Any], algorithm: str, access_token: object) -> None:
    if "at_hash" not in claims:  # optional in the code flow (Core §3.1.3.6)
        return
    if not isinstance(access_token, str):
        raise not_verified("at_hash", "an access token of that hash", None)
    # EdDSA names no hash; Ed25519, the only curve that is verified, uses SHA-512
    name = _HASHES.get(algorithm[-3:], "sha512")
    digest = hashlib.new(name, access_token.encode()).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    got = claims["at_hash"]
    if not isinstance(got, str) or not hmac.compare_digest(got.encode(), expected):
        raise not_verified("at_hash", "the hash of the access token", "another")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
