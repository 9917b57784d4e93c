"""What the presets' rules take, asked without a broker."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from broker.iam.claims import VerifiedClaims
from broker.iam.matching import CompiledRules
from broker.iam.model import Identity, Relationship
from broker.iam.uidp import Uidp

NOW: Final = datetime(2026, 7, 1, tzinfo=UTC)
BROKER: Final = "https://broker.example"


def accepts(
    rules: Relationship, subject: str, *, aud: str = BROKER, iss: str = "", **claims: Any
) -> bool:
    """Whether the rules take a token of their issuer with this subject and these claims."""
    identity = Identity(
        id=Uidp("a" * 40 + "/" + "b" * 16),
        name="ci",
        relationship=rules,
        created_at=NOW,
        updated_at=NOW,
    )
    token = VerifiedClaims(
        issuer=iss or identity.issuer,
        subject=subject,
        audience=(aud,),
        expires_at=0,
        claims=claims,
    )
    return CompiledRules(identity, (BROKER,)).match(token).passed
