"""What a list of role bindings shows beside them: their groups, identities and roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.iam.model import Group, Identity, Role, RoleBinding

MAX_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class ShownBinding:
    """A role binding with what it joins; None for what is not there (any more, or yet)."""

    binding: RoleBinding
    group: Group | None
    identity: Identity | None
    role: Role | None


async def joined(work: Work, roles: Roles, bindings: Sequence[RoleBinding]) -> list[ShownBinding]:
    """Three queries, however many bindings."""
    groups = await work.records.groups.many({binding.group for binding in bindings})
    identities = await work.records.identities.many({binding.identity for binding in bindings})
    held = await roles.many(work, {binding.role for binding in bindings})
    return [
        ShownBinding(
            binding,
            groups.get(binding.group),
            identities.get(binding.identity),
            held.get(binding.role),
        )
        for binding in bindings
    ]
