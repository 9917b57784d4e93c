"""A token sealed for the one who has a key: what is kept and handed out tells nobody else.

X25519 (RFC 7748 §5) with a key pair of its own for each; AES-256-GCM under the shared secret as it
is. The nonce, 12 random bytes, comes before the ciphertext.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.errors import Invalid, Stage

NONCE_BYTES: Final = 12
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sealed:
    """For the holder of one private key."""

    public_key: str
    """Ours of this occasion: unpadded base64url of 32 bytes."""
    ciphertext: bytes
    """Nonce and ciphertext."""


def check_recipient(code: str) -> None:
    """Whether it is the unpadded base64url of an X25519 public key.

    Raises `Invalid` (`headless_code_invalid`).
    """
    _shared(code, X25519PrivateKey.generate())


def seal(text: str, code: str, *, random: Callable[[int], bytes]) -> Sealed:
    """For the holder of the key that `code` is. Raises `Invalid` (`headless_code_invalid`)."""
    ours = X25519PrivateKey.generate()
    nonce = random(NONCE_BYTES)
    ciphertext = AESGCM(_shared(code, ours)).encrypt(nonce, text.encode(), None)
    return Sealed(_encode(ours.public_key().public_bytes_raw()), nonce + ciphertext)


def _shared(code: str, ours: X25519PrivateKey) -> bytes:
    try:
        return ours.exchange(X25519PublicKey.from_public_bytes(_decode(code)))
    except ValueError:  # not a key, or one of small order, for which anybody knows the secret
        raise Invalid(
            "headless_code_invalid",
            "headless_code: expected the unpadded base64url of an X25519 public key",
            stage=Stage.REQUEST,
            field="headless_code",
        ) from None


def _decode(code: str) -> bytes:
    if _CODE.fullmatch(code) is None:
        raise ValueError("not 32 bytes in base64url")
    decoded = base64.b64decode(f"{code}=", altchars=b"-_", validate=True)
    if _encode(decoded) != code:
        raise binascii.Error("another spelling of the same key")
    return decoded


def _encode(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()
