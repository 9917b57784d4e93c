"""What a verifier vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClaims:
    """The claims of an upstream token whose signature, times and issuer were checked.

    Only a verifier in `broker.upstream` makes one (a test says so), and matching takes nothing
    else: unverified claims cannot reach a rule by mistake.
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    expires_at: int
    """Seconds since the epoch."""
    claims: Mapping[str, Any]
    """Every claim of the payload, as JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedClaims:
    """What a token says of itself where it was not verified, for the account of a refusal.

    `CompiledRules.match` does not take it; only `steps` does, and says so in each step.
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    claims: Mapping[str, Any]
