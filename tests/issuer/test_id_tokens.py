"""ID tokens: OpenID Connect Core §2, checked with a verifier of other people's making."""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import Any

import jwt
import orjson
import pytest

from broker.errors import Unauthenticated
from broker.iam.uidp import Uidp
from broker.issuer.access_tokens import AccessTokenVerifier
from broker.issuer.id_tokens import ID_TOKEN_TYP, IdTokenClaims, IdTokens, at_hash
from broker.issuer.keyring import KeyRing
from broker.issuer.signer import Algorithm
from broker.issuer.tokens import ACCESS_TOKEN_TYP, AccessTokenClaims, AccessTokens
from broker.issuer.wrapping import KeyFile
from tests.issuer.key_log import SqliteKeyLog
from tests.issuer.rings import Clock, key_ring

ISSUER = "https://broker.example.com"
ANN = Uidp("ab" * 20)
CLAIMS = IdTokenClaims(subject=ANN, client_id="console", session="0" * 32, authenticated_at=1000)
CLIENTS = {"console"}


@pytest.fixture
async def ring(log: SqliteKeyLog, wrapper: KeyFile, clock: Clock) -> KeyRing:
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    return ring


@pytest.fixture
def tokens(ring: KeyRing) -> IdTokens:
    return IdTokens(issuer=ISSUER, keyring=ring)


def signed(ring: KeyRing, clock: Clock, typ: str = ID_TOKEN_TYP, **claims: Any) -> str:
    """One that we signed, which says something else."""
    now = int(clock.now)
    payload = {
        "iss": ISSUER,
        "sub": ANN,
        "aud": "console",
        "iat": now,
        "exp": now + 60,
        "auth_time": now,
        "sid": "0" * 32,
    } | claims
    kept = {name: value for name, value in payload.items() if value is not None}
    return ring.signer(clock.now).sign(orjson.dumps(kept), typ=typ)


def test_an_id_token_says_what_was_decided(tokens: IdTokens, ring: KeyRing, clock: Clock) -> None:
    """No claim without a value; the lifetime is an hour."""
    token = tokens.mint(CLAIMS, now=clock.now)
    keys = jwt.PyJWKSet.from_json(ring.jwks(clock.now).decode())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    payload = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience="console",
        options={"verify_iat": False, "verify_exp": False},
    )
    now = int(clock.now)
    assert payload == {
        "iss": ISSUER,
        "sub": ANN,
        "aud": "console",
        "iat": now,
        "exp": now + 3600,
        "auth_time": 1000,
        "sid": "0" * 32,
    }


def test_an_id_token_is_read_back(tokens: IdTokens, clock: Clock) -> None:
    """By whom, for which client, of which login."""
    token = tokens.mint(CLAIMS, now=clock.now)
    assert tokens.may_be(token)
    read = tokens.verify(token, clients=CLIENTS, now=clock.now)
    assert (read.subject, read.client_id, read.session) == (ANN, "console", "0" * 32)
    assert read.authenticated_at == 1000
    assert read.sha256 == hashlib.sha256(token.encode()).hexdigest()


def test_an_id_token_ends_unless_it_is_a_hint(tokens: IdTokens, clock: Clock) -> None:
    """RP-Initiated Logout §2: as a hint it may have ended."""
    token = tokens.mint(CLAIMS, now=clock.now)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(token, clients=CLIENTS, now=clock.now + 3600)
    assert tokens.verify(token, clients=CLIENTS, now=clock.now + 3600, expired=True).subject == ANN


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["console", "other"]},
        {"aud": "customer"},
        {"auth_time": None},
        {"auth_time": "x"},
        {"sid": None},
        {"sub": "webhook:abc"},
        {"exp": None},
        {"typ": "at+jwt"},
        {"typ": "jwt"},
    ],
)
def test_what_is_signed_here_need_not_be_an_id_token(
    tokens: IdTokens, ring: KeyRing, clock: Clock, claims: dict[str, Any]
) -> None:
    """RFC 8725 §3.12: our keys sign other things, which are never taken for one."""
    token = signed(ring, clock, **claims)
    with pytest.raises(Unauthenticated):
        tokens.verify(token, clients=CLIENTS, now=clock.now)
    assert tokens.verify(signed(ring, clock), clients=CLIENTS, now=clock.now).subject == ANN


async def test_a_key_of_another_installation_signs_nothing_here(
    tokens: IdTokens, clock: Clock
) -> None:
    """The signature is checked by our own keys alone."""
    other = SqliteKeyLog()
    theirs = key_ring(other, KeyFile(b"x" * 32, lambda n: b"y" * n), clock)
    await theirs.open()
    with pytest.raises(Unauthenticated):
        tokens.verify(signed(theirs, clock), clients=CLIENTS, now=clock.now)
    other.close()


def test_access_tokens_and_id_tokens_are_not_mixed_up(
    tokens: IdTokens, ring: KeyRing, clock: Clock
) -> None:
    """RFC 8725 §3.11: each verifier refuses the other's, even for the same audience."""
    ids = itertools.count(1)
    access = AccessTokens(issuer=ISSUER, keyring=ring, make_id=lambda: f"{next(ids):032x}")
    claims = AccessTokenClaims(
        subject=ANN,
        audience=("console",),
        lifetime=600,
        actor={"iss": "i", "sub": "s"},
        role_bindings=[],
        capabilities={},
    )
    access_token = access.mint(claims, now=clock.now).token
    assert jwt.get_unverified_header(access_token)["typ"] == ACCESS_TOKEN_TYP
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(access_token, clients=CLIENTS, now=clock.now)
    assert refused.value.code == "id_token_invalid"
    assert not tokens.may_be(access_token)
    verifier = AccessTokenVerifier(issuer=ISSUER, keyring=ring, audiences={"console"})
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(tokens.mint(CLAIMS, now=clock.now), now=clock.now)
    assert refused.value.code == "access_token_expected"


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("ES256", "sha256"), ("RS256", "sha256"), ("ES384", "sha384"), ("EdDSA", "sha512")],
)
def test_at_hash_goes_with_the_signature(algorithm: Algorithm, name: str) -> None:
    """OpenID Connect Core §3.1.3.6: the hash of the algorithm, its left half."""
    digest = hashlib.new(name, b"token").digest()
    expected = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert at_hash("token", algorithm) == expected
    assert at_hash("", algorithm) == ""


def test_garbage_is_no_id_token(tokens: IdTokens) -> None:
    """Told without an exception, as it is asked of every token of ours."""
    for text in ("", "a", "a.b.c", "..", "é.é.é"):
        assert not tokens.may_be(text)
