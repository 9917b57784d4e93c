"""RFC 7636, Proof Key for Code Exchange: whoever redeems a code is who asked for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

S256: Final = "S256"
"""§4.3, the one `code_challenge_method` that is taken: `plain` protects from nobody who sees the
request."""

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def is_challenge(text: str) -> bool:
    """Whether it can be an S256 challenge: 32 bytes in base64url (§4.2)."""
    return _CHALLENGE.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (§4.2), which is ASCII."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier is well formed (§4.1) and that of the challenge (§4.6)."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)
