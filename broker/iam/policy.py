"""Who may do what, where: from bindings to what a token carries.

A binding holds at its group and at everything below. Narrowing, by scopes or by capabilities,
only ever takes away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from broker.errors import Denied, Stage
from broker.iam import capabilities
from broker.iam.uidp import Uidp


@dataclass(frozen=True, slots=True)
class Grant:
    """A role binding with its role resolved: these capabilities, there."""

    binding: Uidp
    group: Uidp
    role: str
    capabilities: int
    """Bitset."""


@dataclass(frozen=True)
class Entitlement:
    """What a token will carry."""

    grants: tuple[Grant, ...]
    """Each at the group where the token carries it."""
    capabilities: Mapping[Uidp, int]
    """Group → bitset, no empty sets."""

    def allows(self, bit: int, group: Uidp) -> bool:
        """Whether the capability is held at the group or above it."""
        return any(self.capabilities.get(at, 0) >> bit & 1 for at in group.lineage())

    @cached_property
    def role_bindings(self) -> list[dict[str, str]]:
        """The `role_bindings` claim."""
        return [{"id": g.binding, "group": g.group, "role": g.role} for g in self.grants]

    @cached_property
    def encoded(self) -> dict[str, str]:
        """The `cap` claim."""
        return {group: capabilities.encode(bits) for group, bits in self.capabilities.items()}


def entitle(grants: Sequence[Grant]) -> Entitlement:
    """Everything that the grants give, each at its own group."""
    held: dict[Uidp, int] = {}
    for grant in grants:
        if grant.capabilities:
            held[grant.group] = held.get(grant.group, 0) | grant.capabilities
    return Entitlement(tuple(grants), held)


def narrow(
    grants: Sequence[Grant],
    *,
    scopes: Sequence[Uidp] = (),
    only: int | None = None,
) -> Entitlement:
    """What is left within `scopes` (none: everywhere) and of the capabilities in `only`.

    With grants R1 at foo and R2 at foo/bar, scopes [foo, foo/bar] give {foo: R1, foo/bar: R2},
    and [foo/bar] alone gives {foo/bar: R1 + R2}: a grant is carried at the topmost of the
    scopes that it covers. A role is listed only if all of its capabilities are still there,
    since a reader takes the role for all of them.

    Raises `Denied` (`scope_not_held`, `capability_not_held`).
    """
    placed = entitle(_placed(grants, scopes)) if scopes else entitle(grants)
    return placed if only is None else _only(placed, only)


def _placed(grants: Sequence[Grant], scopes: Sequence[Uidp]) -> list[Grant]:
    wanted = sorted(set(scopes))  # a group sorts before what lies below it
    placed: list[Grant] = []
    served: set[Uidp] = set()
    for grant in grants:
        carried: list[Uidp] = []
        for scope in wanted:
            if grant.group.covers(scope):
                served.add(scope)
                if not any(above.covers(scope) for above in carried):
                    carried.append(scope)
        placed.extend(
            Grant(grant.binding, scope, grant.role, grant.capabilities) for scope in carried
        )
    for scope in scopes:
        if scope not in served:
            raise Denied(
                "scope_not_held",
                f"scope: the identity has no role binding at {scope} or above it",
                stage=Stage.SCOPE,
                field="scope",
            )
    return placed


def _only(entitlement: Entitlement, only: int) -> Entitlement:
    held = 0
    for bits in entitlement.capabilities.values():
        held |= bits
    if only & ~held:
        raise Denied(
            "capability_not_held",
            "capabilities: the identity does not hold every one that was asked for in these scopes",
            stage=Stage.SCOPE,
            field="capabilities",
        )
    return Entitlement(
        tuple(g for g in entitlement.grants if not g.capabilities & ~only),
        {group: bits & only for group, bits in entitlement.capabilities.items() if bits & only},
    )
