"""A plan while it is being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from broker.directory.declaration.linting import PlacedFinding
from broker.directory.declaration.plan import (
    Action,
    Change,
    Located,
    RecordKind,
)
from broker.directory.declaration.problems import Problem
from broker.directory.description import changed_fields, fields_of
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import NO_POLICY, Group, Identity, IssuerPolicy, Role
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import RandomBytes, Uidp


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan depends on besides the declaration and the records."""

    builtin_roles: BuiltinRoles
    capabilities: CapabilityTable
    allow_http_loopback: bool
    prune: bool
    now: datetime
    random: RandomBytes
    issuer_policy: IssuerPolicy = NO_POLICY
    """The installation's."""


@dataclass(slots=True)
class Draft:
    """The changes and problems so far."""

    terms: Terms
    people: dict[Uidp, Identity]
    """Those who exist, and those whom the plan makes."""
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    located: list[Located] = field(default_factory=list)
    findings: list[PlacedFinding] = field(default_factory=list)
    unchanged: int = 0
    kept: set[Uidp] = field(default_factory=set)
    """What the declaration names; pruning leaves it."""

    def keep(self, kind: RecordKind, path: str, uidp: Uidp) -> None:
        """Note where a record that the declaration names is."""
        self.kept.add(uidp)
        self.located.append(Located(kind=kind, path=path, id=uidp))

    def bring(
        self,
        kind: RecordKind,
        path: str,
        line: int,
        before: Group | Role | Identity | None,
        after: Group | Role | Identity,
    ) -> None:
        """Note what it takes to make a record what it should be."""
        self.keep(kind, path, after.id)
        fields = changed_fields(fields_of(before) if before else {}, fields_of(after))
        if not fields:
            self.unchanged += 1
            return
        self.changes.append(
            Change(
                action=Action.UPDATE if before else Action.CREATE,
                kind=kind,
                path=path,
                id=after.id,
                fields=fields,
                line=line,
                record=after,
            )
        )
