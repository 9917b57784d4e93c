"""Tokens sealed for a key, opened as the facts say that clients do."""

from __future__ import annotations

import base64
import os

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.errors import Invalid
from broker.issuer.sealing import Sealed, check_recipient, seal


def encode(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def code_of(key: X25519PrivateKey) -> str:
    return encode(key.public_key().public_bytes_raw())


def opened(sealed: Sealed, key: X25519PrivateKey) -> bytes:
    theirs = base64.urlsafe_b64decode(sealed.public_key + "=")
    shared = key.exchange(X25519PublicKey.from_public_bytes(theirs))
    nonce, ciphertext = sealed.ciphertext[:12], sealed.ciphertext[12:]
    return AESGCM(shared).decrypt(nonce, ciphertext, None)


def test_the_holder_of_the_key_opens_it() -> None:
    """AES-256-GCM under the raw X25519 secret, nonce first, with a public key in base64url."""
    key = X25519PrivateKey.generate()
    sealed = seal("a token" * 1000, code_of(key), random=os.urandom)
    assert opened(sealed, key) == b"a token" * 1000


def test_nobody_else_opens_it() -> None:
    """Another key finds nothing in it."""
    sealed = seal("a token", code_of(X25519PrivateKey.generate()), random=os.urandom)
    with pytest.raises(InvalidTag):
        opened(sealed, X25519PrivateKey.generate())


def test_each_is_sealed_anew() -> None:
    """The same token for the same key looks different each time: no key pair of ours is reused."""
    code = code_of(X25519PrivateKey.generate())
    first, second = (seal("t", code, random=os.urandom) for _ in range(2))
    assert first.public_key != second.public_key
    assert first.ciphertext != second.ciphertext


@pytest.mark.parametrize(
    "code",
    [
        "",
        "yolo",
        "y@l@",
        encode(bytes(31) + b"\x09")[:-1],
        encode(b"\x09" + bytes(31)) + "=",
        encode(b"\x09" + bytes(32)),
        "+" * 43,
        encode(bytes(32)),
        encode(b"\x01" + bytes(31)),
        encode(b"\x09" + bytes(31))[:-1] + "B",
    ],
)
def test_what_is_no_public_key_is_refused(code: str) -> None:
    """Wrong lengths, alphabets and spellings are no code, nor are points of small order, whose
    secret everybody knows.
    """
    with pytest.raises(Invalid) as caught:
        check_recipient(code)
    assert (caught.value.code, caught.value.field) == ("headless_code_invalid", "headless_code")
