"""security.md, "JOSE": each test fails when its check is taken out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from broker.errors import Stage, Unauthenticated
from broker.iam.claims import VerifiedClaims
from broker.jose.compact import parse
from broker.sdk.testing import LocalIssuer
from tests.kit.issuers import OWN_ISSUER, loose_verifier, relying_party

ISSUER = "https://issuer.example"
NOW = 1_800_000_000.0


def clock() -> float:
    return NOW


@pytest.fixture(scope="module")
def rsa() -> LocalIssuer:
    """An issuer with an RSA key whose tokens are made at NOW; it need not listen."""
    return LocalIssuer(algorithm="RS256", issuer=ISSUER, clock=clock)


@pytest.fixture
def issuer() -> LocalIssuer:
    """The same with an EC key."""
    return LocalIssuer(algorithm="ES256", issuer=ISSUER, clock=clock)


def verify(
    token: str, jwks: Any, *, now: float = NOW, issuer: str = ISSUER, **settings: Any
) -> VerifiedClaims:
    return loose_verifier(**settings).verify_static(
        parse(token), issuer=issuer, jwks=json.dumps(jwks), now=now
    )


def refusal(token: str, jwks: Any, *, now: float = NOW, **settings: Any) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as refused:
        verify(token, jwks, now=now, **settings)
    return refused.value


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_header(token: str, **members: Any) -> str:
    """The token with members of its header replaced, and the old signature."""
    _, payload, signature = token.split(".")
    return f"{b64(json.dumps(members).encode())}.{payload}.{signature}"


@pytest.mark.parametrize(
    "algorithm",
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
)
def test_every_asymmetric_algorithm(algorithm: str) -> None:
    """A token by each asymmetric algorithm verifies with its issuer's key and no other's."""
    signer = LocalIssuer(algorithm=algorithm, issuer=ISSUER, clock=clock)
    claims = verify(signer.token(sub="me"), signer.jwks())
    assert (claims.issuer, claims.subject) == (ISSUER, "me")
    stranger = LocalIssuer(algorithm=algorithm, issuer=ISSUER, clock=clock)
    forged = stranger.token(header={"kid": signer.kid})
    assert refusal(forged, signer.jwks()).code == "token_signature_invalid"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "kept"])
def test_none(issuer: LocalIssuer, name: str, signature: str) -> None:
    """alg none does not exist, in any spelling, with a signature or without."""
    token = with_header(issuer.token(), alg=name, kid=issuer.kid)
    if not signature:
        token = token.rpartition(".")[0] + "."
    assert refusal(token, issuer.jwks()).code == "token_algorithm_refused"


@pytest.mark.parametrize("bits", ["256", "384", "512"])
def test_hmac_with_the_public_key(rsa: LocalIssuer, bits: str) -> None:
    """An HMAC keyed with the issuer's public key, in any of its forms, is no signature."""
    jwk = rsa.jwks()["keys"][0]
    public = RSAKey.import_key(jwk).public_key
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk).encode(),
        b"",
    ]
    unsigned = with_header(rsa.token(), alg=f"HS{bits}", kid=rsa.kid).rpartition(".")[0]
    for secret in secrets:
        mac = hmac.new(secret, unsigned.encode(), getattr(hashlib, f"sha{bits}")).digest()
        token = f"{unsigned}.{b64(mac)}"
        assert refusal(token, rsa.jwks()).code == "token_algorithm_refused"
        everything: dict[str, Any] = {"default_algorithms": {f"HS{bits}", "none", "RS256"}}
        assert refusal(token, rsa.jwks(), **everything).code == "token_algorithm_refused"


def test_symmetric_keys_do_not_serve(issuer: LocalIssuer) -> None:
    """A set of symmetric keys verifies nothing, and says so to the owner."""
    jwks = {"keys": [{"kty": "oct", "kid": issuer.kid, "k": b64(b"0" * 32)}]}
    refused = refusal(issuer.token(), jwks)
    assert refused.code == "token_key_unknown"
    assert refused.detail is not None
    assert "symmetric" in refused.detail.hint


def test_the_allow_list_is_the_configurations(rsa: LocalIssuer) -> None:
    """An algorithm that configuration does not allow for the issuer is refused, though genuine."""
    only: dict[str, Any] = {"algorithms": {ISSUER: {"ES256"}}}
    assert refusal(rsa.token(), rsa.jwks(), **only).code == "token_algorithm_refused"
    assert refusal(rsa.token(), rsa.jwks(), default_algorithms={"ES256"}).code == (
        "token_algorithm_refused"
    )
    others: dict[str, Any] = {"default_algorithms": {"ES256"}, "algorithms": {ISSUER: {"RS256"}}}
    assert verify(rsa.token(), rsa.jwks(), **others).issuer == ISSUER


def test_key_type_and_algorithm(rsa: LocalIssuer, issuer: LocalIssuer) -> None:
    """A header whose algorithm is not of the named key's type is refused before any arithmetic."""
    crossed = with_header(rsa.token(), alg="ES256", kid=rsa.kid)
    assert refusal(crossed, rsa.jwks()).code == "token_key_unknown"
    crossed = with_header(issuer.token(), alg="RS256", kid=issuer.kid)
    assert refusal(crossed, issuer.jwks()).code == "token_key_unknown"
    wrong_curve = with_header(issuer.token(), alg="ES384", kid=issuer.kid)
    assert refusal(wrong_curve, issuer.jwks()).code == "token_key_unknown"


def test_jwk_alg(rsa: LocalIssuer) -> None:
    """A key that its issuer pins to one algorithm verifies no other, though it could."""
    signer = JWSRegistry.algorithms["PS256"]
    header, payload, _ = rsa.token(header={"alg": "PS256"}).split(".")
    signature = signer.sign(f"{header}.{payload}".encode(), rsa._keys[-1])
    token = f"{header}.{payload}.{b64(signature)}"
    assert refusal(token, rsa.jwks()).code == "token_key_unknown"
    unpinned = {name: value for name, value in rsa.jwks()["keys"][0].items() if name != "alg"}
    assert verify(token, {"keys": [unpinned]}).issuer == ISSUER


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["urn:x"], [], "exp", None])
def test_crit(issuer: LocalIssuer, crit: object) -> None:
    """Any crit is refused: we understand no extension (RFC 7515 §4.1.11)."""
    token = issuer.token(header={"crit": crit, "urn:x": 1})
    assert refusal(token, issuer.jwks()).code == "token_extension_refused"


@pytest.mark.parametrize("value", [False, True, "false"])
def test_b64(issuer: LocalIssuer, value: object) -> None:
    """A header with b64 (RFC 7797) is refused."""
    token = issuer.token(header={"b64": value})
    assert refusal(token, issuer.jwks()).code == "token_extension_refused"


def test_keys_in_the_header(issuer: LocalIssuer) -> None:
    """A token signed with the key that it brings along is refused."""
    thief = LocalIssuer(algorithm="ES256", issuer=ISSUER, clock=clock)
    brought = {"jwk": thief.jwks()["keys"][0], "x5c": ["MIIB"], "jku": "https://thief.example"}
    own_kid = thief.token(header=brought)
    assert refusal(own_kid, issuer.jwks()).code == "token_key_unknown"
    borrowed_kid = thief.token(header=brought | {"kid": issuer.kid})
    assert refusal(borrowed_kid, issuer.jwks()).code == "token_signature_invalid"


def test_wrong_kid(issuer: LocalIssuer) -> None:
    """A genuine signature under another kid than its key's is refused."""
    token = issuer.token(header={"kid": "another"})
    refused = refusal(token, issuer.jwks())
    assert (refused.code, refused.stage) == ("token_key_unknown", Stage.SIGNATURE)
    assert refused.detail is not None
    assert refused.detail.got == "another"
    assert issuer.kid in refused.detail.hint
    assert issuer.kid not in refused.message


def test_without_kid(issuer: LocalIssuer) -> None:
    """Without kid, the only key that fits is meant; where two fit, none is."""
    token = issuer.token(without={"kid"})
    assert verify(token, issuer.jwks()).issuer == ISSUER
    other = LocalIssuer(algorithm="ES384", issuer=ISSUER)
    assert verify(token, {"keys": issuer.jwks()["keys"] + other.jwks()["keys"]}).issuer == ISSUER
    issuer.rotate()
    assert refusal(issuer.token(without={"kid"}), issuer.jwks()).code == "token_key_unknown"


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_changed(issuer: LocalIssuer, segment: int) -> None:
    """A token with one changed character in any segment is refused."""
    parts = issuer.token(pad="aaaaaaaaaaaaaaaa").split(".")
    if segment == 0:
        parts[0] = b64(json.dumps({"alg": "ES256", "kid": issuer.kid}).encode())
    elif segment == 1:
        claims = dict(parse(".".join(parts)).claims) | {"sub": "root"}
        parts[1] = b64(json.dumps(claims).encode())
    else:
        parts[2] = ("A" if parts[2][0] != "A" else "B") + parts[2][1:]
    assert refusal(".".join(parts), issuer.jwks()).code == "token_signature_invalid"


def test_no_expiry(issuer: LocalIssuer) -> None:
    """A token without exp is refused."""
    refused = refusal(issuer.token(without={"exp"}), issuer.jwks())
    assert (refused.code, refused.stage) == ("token_without_expiry", Stage.TIMES)


@pytest.mark.parametrize(
    ("claims", "accepted", "code"),
    [
        ({"exp": NOW - 59}, True, ""),
        ({"exp": NOW - 60}, False, "token_expired"),
        ({"exp": NOW - 86400}, False, "token_expired"),
        ({"nbf": NOW + 60}, True, ""),
        ({"nbf": NOW + 61}, False, "token_not_yet_valid"),
        ({"iat": NOW + 60}, True, ""),
        ({"iat": NOW + 61}, False, "token_not_yet_valid"),
        ({"iat": NOW, "exp": NOW + 86400}, True, ""),
        ({"iat": NOW, "exp": NOW + 86401}, False, "token_lifetime_too_long"),
        ({"iat": NOW - 86400, "exp": NOW + 1}, False, "token_lifetime_too_long"),
        ({"iat": 0, "exp": 253402300799}, False, "token_lifetime_too_long"),
    ],
)
def test_times(issuer: LocalIssuer, claims: dict[str, float], accepted: bool, code: str) -> None:
    """exp, nbf and iat hold with 60 s of leeway to the second, and a token lives at most a day."""
    token = issuer.token({"iat": NOW - 120, "nbf": NOW - 120} | claims)
    if accepted:
        assert verify(token, issuer.jwks()).expires_at == claims.get("exp", NOW + 300)
    else:
        refused = refusal(token, issuer.jwks())
        assert (refused.code, refused.stage) == (code, Stage.TIMES)


def test_lifetime_without_iat(issuer: LocalIssuer) -> None:
    """Leaving iat out does not get around the limit on lifetimes."""
    token = issuer.token(exp=NOW + 86401, without={"iat", "nbf"})
    assert refusal(token, issuer.jwks()).code == "token_lifetime_too_long"


def test_lifetime_setting(issuer: LocalIssuer) -> None:
    """The longest lifetime is a setting, and another one for an issuer."""
    token = issuer.token(lifetime=7200)
    assert refusal(token, issuer.jwks(), max_lifetime=3600).code == "token_lifetime_too_long"
    longer: dict[str, Any] = {"max_lifetime": 3600, "max_lifetimes": {ISSUER: 7200}}
    assert verify(token, issuer.jwks(), **longer).expires_at == NOW + 7200


def test_times_say_what_was_expected(issuer: LocalIssuer) -> None:
    """An expired token's owner reads both times; the caller reads that it has expired."""
    refused = refusal(issuer.token(exp=NOW - 3600), issuer.jwks())
    assert refused.message == "the token has expired"
    assert refused.detail is not None
    assert refused.detail.expected == "after 2027-01-15T08:00:00Z (now, 60 s leeway)"
    assert refused.detail.got == "2027-01-15T07:00:00Z"
    assert "3600 s ago" in refused.detail.hint


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_access_tokens(issuer: LocalIssuer, typ: str) -> None:
    """An access token is no upstream token, whoever issued it."""
    token = issuer.token(header={"typ": typ})
    refused = refusal(token, issuer.jwks())
    assert (refused.code, refused.stage) == ("token_is_access_token", Stage.TOKEN)


async def test_our_own_tokens() -> None:
    """What we issue is no upstream token, though a record allowed us and the signature is good."""
    ours = LocalIssuer(algorithm="ES256", issuer=OWN_ISSUER, clock=clock)
    refused = refusal(ours.token(), ours.jwks(), issuer=OWN_ISSUER)
    assert refused.code == "token_is_access_token"
    async with relying_party() as party:
        with pytest.raises(Unauthenticated) as refused_too:
            await party.verify(ours.token(), issuer=OWN_ISSUER, now=NOW)
    assert refused_too.value.code == "token_is_access_token"


def test_another_issuer_by_the_same_keys(issuer: LocalIssuer) -> None:
    """A good signature does not let a token speak for another issuer than the record's."""
    token = issuer.token(iss="https://issuer.example/")
    refused = refusal(token, issuer.jwks())
    assert refused.code == "token_issuer_mismatch"
    # the same stage and text as an identity that does not exist or a rule that failed
    assert refused.stage is Stage.IDENTITY
