"""Signing keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A row of the key log. The chain of `predecessor`s is the history of rotations.

    What a key does at a moment follows from the chain and the clock alone, so that replicas
    agree without a leader: it is published from `created_at`, signs from `activates_at` until
    its successor's `activates_at`, and leaves the JWKS when the last token that it can have
    signed has expired.
    """

    kid: str
    """RFC 7638 thumbprint."""
    algorithm: str
    public_jwk: str
    """JSON text, with kid, use and alg."""
    wrapped_private: bytes = field(repr=False)
    created_at: datetime
    activates_at: datetime
    predecessor: str
    """kid of the key that this one replaces; empty for the first. Unique: a rotation is a
    compare-and-swap on it."""

    revoked_at: datetime | None = None
    """When it was found to be known to others: from then on it neither signs nor is published."""
