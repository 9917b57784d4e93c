"""Everything that an exchange needs to know of an identity, in one value that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.iam.issuer_policy import Policies
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
    policies: Policies = ()
    """Whose tokens the installation and the identity's organization take."""

    @classmethod
    def of(
        cls,
        identity: Identity,
        grants: Sequence[Grant],
        own_audiences: Sequence[str],
        policies: Policies = (),
    ) -> IdentitySnapshot:
        """Put one together."""
        rules = CompiledRules(identity, own_audiences)
        return cls(identity, rules, tuple(grants), entitle(grants), policies)
