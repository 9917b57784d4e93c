"""Who asks for a use case, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.errors import Denied
from broker.iam.authority import Authority
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import Role
from broker.iam.uidp import Uidp
from broker.issuer.access_tokens import AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An identity with a verified access token of ours."""

    identity: Uidp
    authority: Authority
    table: CapabilityTable
    request_id: str
    token: AccessToken
    is_person: bool = False
    is_operator: bool = False

    @property
    def actor(self) -> Mapping[str, Any]:
        """The token's `act`: who they are upstream."""
        return self.token.actor

    @property
    def verified_email(self) -> str:
        """Empty for who has none."""
        return self.token.email if self.token.email_verified else ""

    def may(self, capability: str, group: Uidp) -> bool:
        """Whether it is held at the group (or record), or above it."""
        return self.authority.allows(self.table.to_bits([capability]), group)

    def expect(self, capabilities: Iterable[str], group: Uidp) -> None:
        """Raises `Denied` (`capability_missing`) unless all are held there."""
        missing = self._missing(capabilities, group)
        if missing:
            raise Denied(
                "capability_missing",
                f"{' and '.join(missing)} at {group} or above it: the token does not carry it, or "
                "the identity no longer holds it",
                field="authorization",
            )

    def expect_grantable(self, role: Role, group: Uidp, *, field: str = "role") -> None:
        """Nobody gives what they do not hold. Raises `Denied` (`grant_exceeds_own`)."""
        missing = self._missing(sorted(role.capabilities & self.table.names), group)
        if missing:
            some = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
            raise Denied(
                "grant_exceeds_own",
                f"{field}: {role.name!r} has capabilities that you do not hold at {group}: {some}",
                field=field,
            )

    def holding(self, bits: int, group: Uidp) -> Caller:
        """The caller once they also hold these at a group: what they have just been given."""
        return replace(self, authority=self.authority.more(bits, group))

    def reach(self, capabilities: Iterable[str]) -> tuple[Uidp, ...]:
        """The topmost groups where all of these are held."""
        return self.authority.reach(self.table.to_bits(capabilities))

    def _missing(self, capabilities: Iterable[str], group: Uidp) -> list[str]:
        held = self.authority.held(group)
        return [name for name in capabilities if not held >> self.table.bit(name) & 1]
