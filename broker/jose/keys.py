"""The public keys of an issuer: a JWK set (RFC 7517) read, judged and imported once.

A key that cannot or must not verify here is dropped, as RFC 7517 §5 has it; a set that is
ambiguous is refused as a whole.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

from broker.jose.strict_json import AmbiguousJson, parse_object

MAX_KEYS: Final = 100
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""Larger moduli and exponents make a verification cost what a signature should."""
MAX_RSA_EXPONENT_BITS: Final = 64

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_EC: Final = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
}
_OKP: Final = {"Ed25519": frozenset({"EdDSA"})}

ALGORITHMS: Final = _RSA | frozenset().union(*_EC.values()) | frozenset().union(*_OKP.values())
"""Every `alg` that exists here (RFC 7518 §3.1, RFC 8037 §3.1): asymmetric ones alone."""

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

ImportedKey = RSAKey | ECKey | OKPKey


class KeySetRefused(ValueError):
    """The document is not a set of keys that can be used. The text is for the record's owner."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, imported, and the algorithms that it may verify."""

    kid: str | None
    algorithms: frozenset[str]
    key: ImportedKey


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that can verify, and why the others cannot."""

    keys: tuple[VerificationKey, ...]
    by_kid: Mapping[str, VerificationKey]
    dropped: tuple[str, ...]
    """`KID: reason`, one for each key left out."""


class _Dropped(Exception):
    """A key that is not used; the text says why."""


def parse_key_set(document: bytes) -> KeySet:
    """The keys of a JWK set in JSON.

    Raises `KeySetRefused` when it is not one, when two keys share a `kid`, or when it holds more
    than 100 keys. A set whose keys were all dropped is empty, not refused: it says so in
    `dropped` once a token comes that it cannot verify.
    """
    try:
        members = parse_object(document).get("keys")
    except AmbiguousJson as error:
        raise KeySetRefused(f"the key set {error}") from None
    if not isinstance(members, list):
        raise KeySetRefused("the document has no 'keys' array")
    if len(members) > MAX_KEYS:
        raise KeySetRefused(f"the set holds more than {MAX_KEYS} keys")
    kids = [jwk["kid"] for jwk in members if isinstance(jwk, dict) and _has_kid(jwk)]
    if len(set(kids)) != len(kids):
        raise KeySetRefused("two keys of the set have the same kid")
    keys, dropped = [], []
    for position, jwk in enumerate(members):
        try:
            keys.append(_import(jwk))
        except _Dropped as reason:
            dropped.append(f"{_name(jwk, position)}: {reason}")
    by_kid = {key.kid: key for key in keys if key.kid is not None}
    return KeySet(tuple(keys), MappingProxyType(by_kid), tuple(dropped))


def _import(jwk: object) -> VerificationKey:
    if not isinstance(jwk, dict):
        raise _Dropped("is not a JSON object")
    if "kid" in jwk and not _has_kid(jwk):
        raise _Dropped("its kid is not a string")
    if jwk.get("use", "sig") != "sig":
        raise _Dropped("its use is not 'sig'")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _Dropped("its key_ops are without 'verify'")
    if _PRIVATE & jwk.keys():
        raise _Dropped("it holds members of a private or symmetric key")
    algorithms = _algorithms(jwk)
    if "alg" in jwk:
        algorithms &= {jwk["alg"]} if isinstance(jwk["alg"], str) else set()
    if not algorithms:
        raise _Dropped("its alg does not fit its type and curve, or does not exist here")
    return VerificationKey(jwk.get("kid"), algorithms, _import_material(jwk))


def _algorithms(jwk: Mapping[str, Any]) -> frozenset[str]:
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            return _RSA
        case "EC", str(curve) if curve in _EC:
            return _EC[curve]
        case "OKP", str(curve) if curve in _OKP:
            return _OKP[curve]
    raise _Dropped("its kty and crv are not of an asymmetric signature key")


def _import_material(jwk: Mapping[str, Any]) -> ImportedKey:
    names = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}[jwk["kty"]]
    # the numbers alone: x5c, x5u and whatever else a key carries is not looked at
    material = {"kty": jwk["kty"]} | {name: jwk.get(name) for name in names}
    if not all(isinstance(value, str) for value in material.values()):
        raise _Dropped("a member of its key material is missing")
    try:
        if jwk["kty"] == "RSA":
            return _import_rsa(material)
        return ECKey.import_key(material) if jwk["kty"] == "EC" else OKPKey.import_key(material)
    except (ValueError, JoseError, UnsupportedAlgorithm, binascii.Error):
        raise _Dropped("its key material is not a valid public key") from None


def _import_rsa(material: dict[str, Any]) -> RSAKey:
    # sizes first: the library warns of short keys, and long ones are work
    modulus, exponent = base64_to_int(material["n"]), base64_to_int(material["e"])
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise _Dropped(f"its RSA modulus is not {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if exponent.bit_length() > MAX_RSA_EXPONENT_BITS:
        raise _Dropped(f"its RSA exponent is longer than {MAX_RSA_EXPONENT_BITS} bits")
    if all(modulus % prime in residues for prime, residues in _roca_residues()):
        raise _Dropped("it was made by a generator whose keys can be factored (CVE-2017-15361)")
    return RSAKey.import_key(material)


@cache
def _roca_residues() -> tuple[tuple[int, frozenset[int]], ...]:
    """The fingerprint of ROCA (Nemec et al., 2017, §2.3): n mod p is a power of 65537.

    By chance that holds for about one modulus in 2^27.
    """
    primes = [p for p in range(3, 168) if all(p % divisor for divisor in range(2, p))]
    return tuple((p, frozenset(pow(65537, power, p) for power in range(p - 1))) for p in primes)


def _has_kid(jwk: Mapping[str, Any]) -> bool:
    return isinstance(jwk.get("kid"), str)


def _name(jwk: object, position: int) -> str:
    if isinstance(jwk, dict) and _has_kid(jwk):
        return f"kid {jwk['kid'][:64]!r}"
    return f"key {position + 1} of the set"
