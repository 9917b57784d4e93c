"""Everything that an exchange needs to know of an identity, in one value that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.iam.matching import CompiledRules
from broker.iam.model import Identity
from broker.iam.policy import Entitlement, Grant, entitle


@dataclass(frozen=True, slots=True)
class IdentitySnapshot:
    """An identity, its rules ready to be asked, and its bindings with their roles resolved."""

    identity: Identity
    rules: CompiledRules
    grants: tuple[Grant, ...]
    everything: Entitlement
    """What a request without scopes and capabilities gets: the common case, worked out once."""

    @classmethod
    def of(
        cls, identity: Identity, grants: Sequence[Grant], own_audiences: Sequence[str]
    ) -> IdentitySnapshot:
        """Put one together."""
        return cls(identity, CompiledRules(identity, own_audiences), tuple(grants), entitle(grants))
