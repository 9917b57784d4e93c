"""Keys and signatures, checked with two independent verifiers."""

from __future__ import annotations

import base64

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import JWKRegistry

from broker.errors import Precondition
from broker.issuer import signer as signing
from broker.issuer.signer import ALGORITHMS, Algorithm, NewKey, Signer

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
"""RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2."""


@pytest.fixture(scope="module", params=ALGORITHMS)
def key(request: pytest.FixtureRequest) -> NewKey:
    algorithm: Algorithm = request.param
    return signing.generate(algorithm)


def loaded(key: NewKey) -> Signer:
    return signing.load(key.private_der, kid=key.kid, algorithm=key.algorithm)


def header_of(token: str) -> dict[str, str]:
    segment = token.partition(".")[0]
    members: dict[str, str] = orjson.loads(base64.urlsafe_b64decode(segment + "=="))
    return members


def test_pyjwt_verifies_what_we_sign(key: NewKey) -> None:
    """RFC 7515 §5.2: PyJWT verifies a token against the public JWK."""
    token = loaded(key).sign(b'{"sub":"x"}', typ="at+jwt")
    public = jwt.PyJWK.from_json(key.public_jwk)
    assert jwt.decode(token, public, algorithms=[key.algorithm]) == {"sub": "x"}


@pytest.mark.filterwarnings("ignore:.*EdDSA.*")  # RFC 9864 prefers the name Ed25519
def test_joserfc_verifies_what_we_sign(key: NewKey) -> None:
    """RFC 7515 §5.2: joserfc verifies a token against the public JWK."""
    token = loaded(key).sign(b"\x00 any bytes", typ="at+jwt")
    public = JWKRegistry.import_key(orjson.loads(key.public_jwk))
    verified = jws.deserialize_compact(token, public, algorithms=[key.algorithm])
    assert verified.payload == b"\x00 any bytes"


def test_an_altered_token_is_refused(key: NewKey) -> None:
    """A verifier refuses the signature over another payload."""
    header, _, signature = loaded(key).sign(b'{"sub":"x"}', typ="at+jwt").split(".")
    payload = base64.urlsafe_b64encode(b'{"sub":"y"}').rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(
            f"{header}.{payload}.{signature}",
            jwt.PyJWK.from_json(key.public_jwk),
            algorithms=[key.algorithm],
        )


def test_the_header_names_algorithm_key_and_type(key: NewKey) -> None:
    """RFC 7515 §4.1: the header is alg, kid and typ, nothing else."""
    signer = loaded(key)
    for typ in ("at+jwt", "invite+jwt", "at+jwt"):
        token = signer.sign(b"{}", typ=typ)
        assert header_of(token) == {"alg": key.algorithm, "kid": key.kid, "typ": typ}


def test_the_public_jwk_says_what_it_is_for(key: NewKey) -> None:
    """RFC 7517 §4: kid, use and alg are there, and kid is the RFC 7638 thumbprint."""
    members = orjson.loads(key.public_jwk)
    assert (members["kid"], members["use"], members["alg"]) == (key.kid, "sig", key.algorithm)
    bare = {name: value for name, value in members.items() if name not in ("kid", "use", "alg")}
    assert JWKRegistry.import_key(bare).thumbprint() == key.kid


def test_the_public_jwk_holds_nothing_private(key: NewKey) -> None:
    """RFC 7517 §9.2: no private member is in the public JWK, nor in any repr."""
    assert not PRIVATE_MEMBERS & orjson.loads(key.public_jwk).keys()
    assert "private" not in repr(key)
    assert repr(loaded(key)) == f"Signer(kid={key.kid!r}, algorithm={key.algorithm!r})"


def test_keys_have_the_size_that_their_algorithm_asks_for() -> None:
    """RFC 7518 §3.3 and §3.4, RFC 8037 §3.1: curve or modulus of each algorithm."""
    members = {name: orjson.loads(signing.generate(name).public_jwk) for name in ALGORITHMS}
    assert members["ES256"]["crv"] == "P-256"
    assert members["ES384"]["crv"] == "P-384"
    assert members["EdDSA"]["crv"] == "Ed25519"
    assert len(base64.urlsafe_b64decode(members["RS256"]["n"] + "==")) * 8 == 2048


@pytest.mark.parametrize(("algorithm", "octets"), [("ES256", 64), ("ES384", 96)])
def test_ecdsa_signatures_have_one_length(algorithm: Algorithm, octets: int) -> None:
    """RFC 7518 §3.4: R and S keep their leading zeros (each has one in 256 signatures)."""
    signer = loaded(signing.generate(algorithm))
    short: set[str] = set()
    for n in range(10_000):
        signature = signer.raw_sign(n.to_bytes(2, "big"))
        assert len(signature) == octets
        short |= {"r"} if signature[0] == 0 else set()
        short |= {"s"} if signature[octets // 2] == 0 else set()
        if short == {"r", "s"}:
            return
    pytest.fail("no leading zero came up, so the test showed nothing")


def test_a_private_key_of_another_row_is_refused(key: NewKey) -> None:
    """A key signs only under the kid that its public half has."""
    with pytest.raises(Precondition) as caught:
        signing.load(key.private_der, kid="another", algorithm=key.algorithm)
    assert caught.value.code == "signing_key_damaged"


def test_a_key_signs_with_its_own_algorithm_alone(key: NewKey) -> None:
    """RFC 8725 §3.1: a key is used with one algorithm."""
    for algorithm in (*ALGORITHMS, "HS256", "none"):
        if algorithm != key.algorithm:
            with pytest.raises(Precondition):
                signing.load(key.private_der, kid=key.kid, algorithm=algorithm)


def test_a_private_key_of_another_kind_is_refused() -> None:
    """A curve that we do not sign with, and bytes that are no key, are expected failures."""
    other = ec.generate_private_key(ec.SECP521R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for der in (other, b"", b"no key"):
        with pytest.raises(Precondition) as caught:
            signing.load(der, kid="any", algorithm="ES256")
        assert caught.value.code == "signing_key_damaged"
