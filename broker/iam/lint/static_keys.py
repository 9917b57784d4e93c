"""Keys that an identity brings along for an issuer that cannot be reached."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from broker.iam.lint import findings as rules
from broker.iam.lint.findings import Finding
from broker.iam.model import StaticKeys

SOON: Final = timedelta(days=7)
MIN_RSA: Final = 2048
"""Bits (NIST SP 800-131A, and what the verifier takes)."""

_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "Ed25519", "Ed448"})


def static_findings(static: StaticKeys, now: datetime) -> Iterator[Finding]:
    """Of keys that have passed validation."""
    left = static.expiration - now
    if left <= timedelta(0):
        yield Finding(
            rules.STATIC_EXPIRED,
            "static_keys.expiration",
            f"ended at {static.expiration:%Y-%m-%d %H:%M} UTC; nothing is exchanged any more.",
            "Make the identity anew, or delete it.",
        )
    elif left <= SOON:
        yield Finding(
            rules.STATIC_EXPIRING,
            "static_keys.expiration",
            f"ends at {static.expiration:%Y-%m-%d %H:%M} UTC.",
            "Make the identity anew before that; static keys last 30 days at most.",
        )
    keys = json.loads(static.issuer_keys)["keys"]
    for index, key in enumerate(keys):
        if fault := _fault(key):
            yield _weak(f"key {index + 1}{_named(key)}: {fault}")
    counted = Counter(str(key["kid"]) for key in keys if "kid" in key)
    for kid, count in counted.items():
        if count > 1:
            yield _weak(f"{count} keys have the kid {kid[:64]!r}; such a set is refused.")


def _weak(message: str) -> Finding:
    return Finding(
        rules.STATIC_WEAK,
        "static_keys.issuer_keys",
        message,
        "Use EC P-256, Ed25519, or RSA of 2,048 bits or more, for signatures.",
    )


def _named(key: dict[str, Any]) -> str:
    return f" ({str(key['kid'])[:64]})" if "kid" in key else ""


def _fault(key: dict[str, Any]) -> str:
    """What is wrong with a public key; empty when nothing is known."""
    if key.get("use", "sig") != "sig":
        return "its use is encryption, so it verifies nothing."
    if key["kty"] != "RSA":
        curve = key.get("crv")
        return "" if curve in _CURVES else f"the curve {str(curve)[:32]!r} is not taken."
    try:
        bits = int.from_bytes(_decoded(key["n"])).bit_length()
        exponent = int.from_bytes(_decoded(key["e"]))
    except (KeyError, TypeError, ValueError, binascii.Error):
        return "its modulus or exponent cannot be read."
    if bits < MIN_RSA:
        return f"an RSA key of {bits} bits is too short."
    return "" if exponent > 2 and exponent % 2 else f"the exponent {exponent} is none of RSA's."


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
