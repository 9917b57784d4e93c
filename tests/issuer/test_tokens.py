"""Access tokens: RFC 7519 and RFC 9068, checked with two independent verifiers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from broker.errors import Invalid, Precondition, Stage
from broker.iam import capabilities
from broker.iam.uidp import Uidp
from broker.issuer.keyring import KeyRing
from broker.issuer.schedule import LONGEST_TOKEN
from broker.issuer.tokens import MAX_SIZE, AccessTokenClaims, AccessTokens, _encode, _expiry
from broker.issuer.wrapping import KeyFile
from tests.issuer.key_log import SqliteKeyLog
from tests.issuer.rings import Clock, key_ring

ISSUER = "https://broker.example.com"
ROOT = Uidp("ab" * 20)
FOLDER = Uidp(f"{ROOT}/{'cd' * 8}")

CLAIMS = AccessTokenClaims(
    subject=FOLDER,
    audience=("https://api.example.com",),
    lifetime=600,
    actor=MappingProxyType(
        {"iss": "https://issuer.example", "sub": "repo:o/r", "aud": ["x", "y"], "n": 7}
    ),
    role_bindings=[{"id": Uidp(f"{ROOT}/{'ef' * 8}"), "group": ROOT, "role": "viewer"}],
    capabilities={ROOT: capabilities.encode(0b1010)},
)


@pytest.fixture
async def ring(log: SqliteKeyLog, wrapper: KeyFile, clock: Clock) -> KeyRing:
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    return ring


@pytest.fixture
def tokens(ring: KeyRing) -> AccessTokens:
    ids = itertools.count(1)
    return AccessTokens(issuer=ISSUER, keyring=ring, make_id=lambda: f"{next(ids):032x}")


def payload_of(token: str) -> dict[str, Any]:
    payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return payload


def test_every_claim_is_in_its_place(tokens: AccessTokens, clock: Clock) -> None:
    """RFC 7519 §4.1, RFC 8693 §4.1: exactly the documented claims, with NumericDates as integers."""
    minted = tokens.mint(CLAIMS, now=clock.now + 0.75)
    issued = int(clock.now)
    assert payload_of(minted.token) == {
        "iss": ISSUER,
        "sub": FOLDER,
        "aud": "https://api.example.com",
        "iat": issued,
        "nbf": issued,
        "exp": issued + 600,
        "jti": f"{1:032x}",
        "act": {"iss": "https://issuer.example", "sub": "repo:o/r", "aud": ["x", "y"], "n": 7},
        "role_bindings": [{"id": f"{ROOT}/{'ef' * 8}", "group": ROOT, "role": "viewer"}],
        "cap": {ROOT: capabilities.encode(0b1010)},
    }
    assert (minted.expires_at, minted.jti) == (issued + 600, f"{1:032x}")


def test_pyjwt_accepts_the_token(tokens: AccessTokens, ring: KeyRing, clock: Clock) -> None:
    """RFC 9068 §4: PyJWT finds the key by kid and checks issuer and audience."""
    token = tokens.mint(CLAIMS, now=clock.now).token
    header = jwt.get_unverified_header(token)
    public = jwt.PyJWKSet.from_json(ring.jwks(clock.now).decode())[header["kid"]]
    payload = jwt.decode(
        token,
        public,
        algorithms=["ES256"],
        issuer=ISSUER,
        audience="https://api.example.com",
        # the clock of the test is its own
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert payload["sub"] == FOLDER


def test_joserfc_accepts_the_token(tokens: AccessTokens, ring: KeyRing, clock: Clock) -> None:
    """RFC 9068 §4: joserfc verifies signature, issuer, audience and times."""
    key_set = KeySet.import_key_set(orjson.loads(ring.jwks(clock.now)))
    decoded = joserfc_jwt.decode(tokens.mint(CLAIMS, now=clock.now).token, key_set, ["ES256"])
    joserfc_jwt.JWTClaimsRegistry(
        now=int(clock.now),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": "https://api.example.com"},
        exp={"essential": True},
    ).validate(decoded.claims)
    assert decoded.claims["sub"] == FOLDER


def test_the_type_is_that_of_an_access_token(
    tokens: AccessTokens, ring: KeyRing, clock: Clock
) -> None:
    """RFC 9068 §2.1: typ is at+jwt, so that no other kind of token is taken for one."""
    header = jwt.get_unverified_header(tokens.mint(CLAIMS, now=clock.now).token)
    assert header == {"alg": "ES256", "kid": ring.signer(clock.now).kid, "typ": "at+jwt"}


def test_several_audiences_are_a_list(tokens: AccessTokens, clock: Clock) -> None:
    """RFC 7519 §4.1.3: one audience is a string, several are an array."""
    several = replace(CLAIMS, audience=("one", "two"))
    assert payload_of(tokens.mint(several, now=clock.now).token)["aud"] == ["one", "two"]


def test_a_token_without_audience_is_refused(tokens: AccessTokens, clock: Clock) -> None:
    """RFC 9068 §2.2: aud is required."""
    with pytest.raises(Invalid) as caught:
        tokens.mint(replace(CLAIMS, audience=()), now=clock.now)
    assert (caught.value.code, caught.value.stage) == ("token_audience_missing", Stage.MINT)


@pytest.mark.parametrize(
    ("email", "verified", "expected"),
    [
        (None, None, {}),
        (None, True, {}),
        ("a@example.com", None, {"email": "a@example.com"}),
        ("a@example.com", False, {"email": "a@example.com", "email_verified": False}),
        ("a@example.com", True, {"email": "a@example.com", "email_verified": True}),
    ],
)
def test_email_claims_are_there_for_people_alone(
    tokens: AccessTokens,
    clock: Clock,
    email: str | None,
    verified: bool | None,
    expected: dict[str, Any],
) -> None:
    """OpenID Connect Core §5.1: email_verified comes with an email, never alone."""
    claims = replace(CLAIMS, email=email, email_verified=verified)
    payload = payload_of(tokens.mint(claims, now=clock.now).token)
    assert {name: payload[name] for name in payload if name.startswith("email")} == expected


@pytest.mark.parametrize("lifetime", [1, 3600])
def test_a_lifetime_up_to_an_hour_is_kept(
    tokens: AccessTokens, clock: Clock, lifetime: int
) -> None:
    """A token lives for one second to one hour."""
    minted = tokens.mint(replace(CLAIMS, lifetime=lifetime), now=clock.now)
    assert minted.expires_at - int(clock.now) == lifetime


@pytest.mark.parametrize("lifetime", [-1, 0, 3601])
def test_another_lifetime_is_refused(tokens: AccessTokens, clock: Clock, lifetime: int) -> None:
    """A token that never lived, or that outlives its key in the JWKS, is not minted."""
    assert LONGEST_TOKEN.total_seconds() == 3600
    with pytest.raises(Invalid) as caught:
        tokens.mint(replace(CLAIMS, lifetime=lifetime), now=clock.now)
    assert (caught.value.code, caught.value.stage) == ("token_lifetime_invalid", Stage.MINT)


@given(left=st.integers(min_value=1, max_value=7200), lifetime=st.integers(1, 3600))
def test_a_bound_token_ends_with_the_upstream_one(left: int, lifetime: int) -> None:
    """exp is the lesser of now plus lifetime and the upstream exp."""
    claims = replace(CLAIMS, lifetime=lifetime, not_after=1000 + left)
    assert _expiry(claims, 1000) == 1000 + min(left, lifetime)


@pytest.mark.parametrize("left", [0, -30])
def test_a_token_bound_to_one_that_is_over_is_refused(
    tokens: AccessTokens, clock: Clock, left: int
) -> None:
    """An upstream token accepted within the leeway after its exp gives no bound token."""
    with pytest.raises(Precondition) as caught:
        tokens.mint(replace(CLAIMS, not_after=int(clock.now) + left), now=clock.now)
    assert (caught.value.code, caught.value.stage) == ("token_expires_at_once", Stage.MINT)


def with_bindings(count: int) -> AccessTokenClaims:
    binding = {"id": f"{ROOT}/{'ef' * 8}", "group": FOLDER, "role": "viewer"}
    return replace(CLAIMS, role_bindings=[binding] * count)


def test_a_token_above_the_size_limit_is_refused(tokens: AccessTokens, clock: Clock) -> None:
    """6 KiB is the limit, and the refusal says how to get a smaller token."""
    smallest = len(tokens.mint(with_bindings(0), now=clock.now).token)
    one = len(tokens.mint(with_bindings(2), now=clock.now).token) - len(
        tokens.mint(with_bindings(1), now=clock.now).token
    )
    fit = (MAX_SIZE - smallest) // one
    assert len(tokens.mint(with_bindings(fit), now=clock.now).token) <= MAX_SIZE
    with pytest.raises(Precondition, match="name scopes") as caught:
        tokens.mint(with_bindings(fit + 2), now=clock.now)
    assert (caught.value.code, caught.value.stage) == ("minted_token_too_large", Stage.MINT)


def test_the_size_limit_is_inclusive(ring: KeyRing, clock: Clock) -> None:
    """A token of exactly the limit is minted, one byte less allowed refuses it."""

    def minting(max_size: int) -> AccessTokens:
        return AccessTokens(
            issuer=ISSUER, keyring=ring, make_id=lambda: "0" * 32, max_size=max_size
        )

    size = len(minting(MAX_SIZE).mint(CLAIMS, now=clock.now).token)
    assert len(minting(size).mint(CLAIMS, now=clock.now).token) == size
    with pytest.raises(Precondition):
        minting(size - 1).mint(CLAIMS, now=clock.now)


@pytest.mark.parametrize("value", [2**64, -(2**64), {"a": {1, 2}}])
def test_a_claim_that_json_cannot_carry_is_refused(
    tokens: AccessTokens, clock: Clock, value: object
) -> None:
    """A matched claim that cannot be written is an expected failure."""
    with pytest.raises(Precondition) as caught:
        tokens.mint(replace(CLAIMS, actor={"claim": value}), now=clock.now)
    assert (caught.value.code, caught.value.stage) == ("token_claims_unencodable", Stage.MINT)


def test_every_token_has_its_own_id(tokens: AccessTokens, clock: Clock) -> None:
    """RFC 7519 §4.1.7: jti comes from the id maker, once a token."""
    jtis = [tokens.mint(CLAIMS, now=clock.now).jti for _ in range(3)]
    assert jtis == [f"{n:032x}" for n in (1, 2, 3)]


def test_a_minted_token_does_not_show(tokens: AccessTokens, clock: Clock) -> None:
    """The text of a token is not in its repr, so a log of the value holds no credential."""
    minted = tokens.mint(CLAIMS, now=clock.now)
    assert minted.token not in repr(minted)
    assert minted.jti in repr(minted)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(actor=st.dictionaries(st.text(), json_values, max_size=6))
def test_any_json_claims_survive(actor: dict[str, Any]) -> None:
    """What rules matched is carried over as it was, nested values and keys alike."""
    encoded = _encode({"act": MappingProxyType(actor)})
    assert orjson.loads(encoded) == {"act": actor}
