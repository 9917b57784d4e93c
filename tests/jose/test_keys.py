"""Which keys of a JWK set serve."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from broker.jose.keys import MAX_KEYS, KeySet, KeySetRefused, parse_key_set
from broker.sdk.testing import LocalIssuer

EC = LocalIssuer(algorithm="ES256", issuer="https://issuer.example").jwks()["keys"][0]
RSA = LocalIssuer(algorithm="RS256", issuer="https://issuer.example").jwks()["keys"][0]
OKP = LocalIssuer(algorithm="EdDSA", issuer="https://issuer.example").jwks()["keys"][0]


def keys_of(*jwks: Any) -> KeySet:
    return parse_key_set(json.dumps({"keys": jwks}).encode())


def short_rsa(bits: int) -> Any:
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    numbers = public.public_numbers()
    return RSA | {"n": b64(numbers.n), "e": b64(numbers.e)}


def b64(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def less(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


def test_all_kinds() -> None:
    """Keys of every kind serve, each for the algorithm that it names."""
    keys = keys_of(EC, RSA, OKP)
    assert [sorted(key.algorithms) for key in keys.keys] == [["ES256"], ["RS256"], ["EdDSA"]]
    assert set(keys.by_kid) == {EC["kid"], RSA["kid"], OKP["kid"]}
    assert keys.dropped == ()


def test_without_alg() -> None:
    """A key that names no algorithm serves all that fit its type and curve."""
    keys = keys_of(less(EC, "alg"), less(RSA, "alg"), less(OKP, "alg"))
    assert [len(key.algorithms) for key in keys.keys] == [1, 6, 1]


def test_unknown_members_are_ignored() -> None:
    """What a key carries besides its numbers is not looked at, right or wrong."""
    odd = EC | {"x5c": [1], "x5t": {}, "nbf": "x", "key_ops": ["verify", "sign"]}
    assert len(keys_of(odd).keys) == 1


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param("text", id="not-an-object"),
        pytest.param(EC | {"use": "enc"}, id="use-enc"),
        pytest.param(EC | {"use": None}, id="use-null"),
        pytest.param(EC | {"key_ops": ["encrypt"]}, id="key_ops-encrypt"),
        pytest.param(EC | {"key_ops": "verify"}, id="key_ops-not-a-list"),
        pytest.param(EC | {"d": "AAAA"}, id="private-ec"),
        pytest.param(RSA | {"p": "AAAA"}, id="private-rsa"),
        pytest.param(EC | {"k": "AAAA"}, id="symmetric-member"),
        pytest.param({"kty": "oct", "k": "AAAA", "alg": "HS256"}, id="symmetric"),
        pytest.param(EC | {"kid": 7}, id="kid-not-a-string"),
        pytest.param(EC | {"alg": "ES384"}, id="alg-of-another-curve"),
        pytest.param(EC | {"alg": ["ES256"]}, id="alg-not-a-string"),
        pytest.param(RSA | {"alg": "HS256"}, id="alg-hmac"),
        pytest.param(RSA | {"alg": "none"}, id="alg-none"),
        pytest.param(RSA | {"alg": "RSA-OAEP"}, id="alg-encryption"),
        pytest.param(EC | {"crv": "secp256k1"}, id="curve-unknown"),
        pytest.param(EC | {"crv": ["P-256"]}, id="curve-not-a-string"),
        pytest.param(OKP | {"crv": "X25519"}, id="curve-of-key-agreement"),
        pytest.param(OKP | {"crv": "Ed448"}, id="curve-not-served"),
        pytest.param(EC | {"kty": "RSA"}, id="type-of-another"),
        pytest.param(EC | {"kty": None}, id="type-null"),
        pytest.param(EC | {"y": EC["x"]}, id="point-off-the-curve"),
        pytest.param(less(EC, "y"), id="point-missing"),
        pytest.param(OKP | {"x": "AAAA"}, id="point-short"),
        pytest.param(EC | {"x": "!"}, id="point-not-base64"),
        pytest.param(RSA | {"e": "AQ"}, id="exponent-one"),
        pytest.param(RSA | {"e": "Ag"}, id="exponent-even"),
        pytest.param(RSA | {"e": b64((1 << 64) + 1)}, id="exponent-of-65-bits"),
        pytest.param(RSA | {"e": ""}, id="exponent-empty"),
        pytest.param(RSA | {"n": b64((1 << 8192) + 1)}, id="modulus-huge"),
        pytest.param(RSA | {"n": b64((1 << 2046) + 1)}, id="modulus-2047"),
    ],
)
def test_dropped(jwk: Any) -> None:
    """A key that cannot or must not verify is left out, its neighbours stay, and a reason is kept."""
    keys = keys_of(jwk, OKP | {"kid": "neighbour"})
    assert set(keys.by_kid) == {"neighbour"}
    assert len(keys.dropped) == 1


def test_short_rsa() -> None:
    """An RSA key of 1,024 bits is left out, and no warning is written about it."""
    keys = keys_of(short_rsa(1024))
    assert keys.keys == ()
    assert "2048" in keys.dropped[0]


def test_roca() -> None:
    """A modulus with the fingerprint of ROCA (CVE-2017-15361) is left out; others stay."""
    # a power of 65537 is one modulo every prime of the fingerprint; no key has this modulus
    modulus = 65537**128
    keys = keys_of(RSA | {"n": b64(modulus)})
    assert "CVE-2017-15361" in keys.dropped[0]
    assert len(keys_of(RSA).keys) == 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b'{"keys": [], "keys": []}',
        json.dumps({"keys": [EC, OKP | {"kid": EC["kid"]}]}).encode(),
        json.dumps({"keys": [EC, EC | {"use": "enc"}]}).encode(),
        json.dumps({"keys": [{"kty": "EC"}] * (MAX_KEYS + 1)}).encode(),
    ],
)
def test_refused(document: bytes) -> None:
    """What is no set, or an ambiguous or endless one, is refused as a whole."""
    with pytest.raises(KeySetRefused):
        parse_key_set(document)


def test_public_numbers_are_the_published_ones() -> None:
    """The key that serves is the key that was published."""
    key = keys_of(RSA).by_kid[RSA["kid"]].key
    assert isinstance(key, RSAKey)
    assert key.public_key.public_numbers() == RSAKey.import_key(RSA).public_key.public_numbers()
