"""Signatures: making keys, their public form, and signing in JWS compact form (RFC 7515 §7.1).

Signs with `cryptography` itself; joserfc's algorithm objects do the same at 4 µs more for ES256,
which is a quarter of the signature. joserfc makes the public JWKs and thumbprints.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, OKPKey, RSAKey

from broker.errors import Precondition

Algorithm = Literal["ES256", "EdDSA", "ES384", "RS256"]
"""RFC 7518 §3.1, RFC 8037 §3.1 (Ed25519)."""

ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)

RSA_BITS: Final = 2048
"""RFC 7518 §3.3: 2048 or more. Signing is RS256's weak side, and costs 3.5 times this at 3072."""

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key pair as it leaves the generator."""

    kid: str
    """RFC 7638 thumbprint."""
    algorithm: Algorithm
    public_jwk: str
    """JSON text, with kid, use and alg."""
    private_der: bytes = field(repr=False)
    """PKCS #8, not encrypted: to be wrapped before it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A private key that is ready to sign tokens of any `typ`. Made by `load`."""

    kid: str
    algorithm: str
    raw_sign: Callable[[bytes], bytes] = field(repr=False, compare=False)
    """Signing input → JWS signature."""
    headers: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    """`typ` → encoded header with its dot; filled on first use."""

    def sign(self, payload: bytes, *, typ: str) -> str:
        """The compact JWS of the payload. `typ` names the kind of token (RFC 8725 §3.11)."""
        header = self.headers.get(typ) or self._header(typ)
        signing_input = header + _base64url(payload)
        return (signing_input + b"." + _base64url(self.raw_sign(signing_input))).decode("ascii")

    def _header(self, typ: str) -> bytes:
        members = {"alg": self.algorithm, "kid": self.kid, "typ": typ}
        return self.headers.setdefault(typ, _base64url(orjson.dumps(members)) + b".")


def generate(algorithm: Algorithm) -> NewKey:
    """A fresh key pair. RS256 takes about 0.1 s, the others well under 1 ms."""
    private = _generators[algorithm]()
    jwk = _as_joserfc(private)
    kid = jwk.thumbprint()
    members = {**jwk.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm}
    der = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return NewKey(
        kid=kid,
        algorithm=algorithm,
        public_jwk=orjson.dumps(members, option=orjson.OPT_SORT_KEYS).decode(),
        private_der=der,
    )


def load(private_der: bytes, *, kid: str, algorithm: str) -> Signer:
    """The signer of a key that `generate` made.

    Raises `Precondition` (`signing_key_damaged`) if this is not the private key that `kid` and
    `algorithm` name: a token with a signature that nobody can check helps nobody.
    """
    try:
        private = serialization.load_der_private_key(private_der, password=None)
    except (ValueError, TypeError) as error:
        raise _damaged(kid) from error
    match private, algorithm:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()), "ES256":
            raw_sign = _ecdsa(private, hashes.SHA256(), 32)
        case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()), "ES384":
            raw_sign = _ecdsa(private, hashes.SHA384(), 48)
        case ed25519.Ed25519PrivateKey(), "EdDSA":
            raw_sign = private.sign
        case rsa.RSAPrivateKey(), "RS256":
            raw_sign = _rsa(private)
        case _:
            raise _damaged(kid)
    if _as_joserfc(private).thumbprint() != kid:
        raise _damaged(kid)
    return Signer(kid=kid, algorithm=algorithm, raw_sign=raw_sign)


def _damaged(kid: str) -> Precondition:
    return Precondition(
        "signing_key_damaged",
        f"signing key {kid}: the stored private key is not the one that belongs to it; "
        "restore the database from a backup",
    )


_generators: Final[dict[Algorithm, Callable[[], PrivateKey]]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS),
}


def _as_joserfc(private: PrivateKey) -> ECKey | OKPKey | RSAKey:
    match private:
        case ec.EllipticCurvePrivateKey():
            return ECKey.import_key(private)
        case ed25519.Ed25519PrivateKey():
            return OKPKey.import_key(private)
        case _:
            return RSAKey.import_key(private)


def _ecdsa(
    private: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm, octets: int
) -> Callable[[bytes], bytes]:
    algorithm = ec.ECDSA(digest)

    def sign(message: bytes) -> bytes:
        # RFC 7518 §3.4: R and S at full length side by side, not the DER that OpenSSL makes
        r, s = decode_dss_signature(private.sign(message, algorithm))
        return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")

    return sign


def _rsa(private: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    return lambda message: private.sign(message, scheme, digest)


def _base64url(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
