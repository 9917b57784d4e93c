"""Declared and existing records → a plan. Pure, but for the random source of new UIDPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from broker.directory.declaration.bindings import BindingPlanner
from broker.directory.declaration.checks import group_problems, identity_problems, role_problems
from broker.directory.declaration.declared import (
    Declaration,
    DeclaredGroup,
    DeclaredIdentity,
    DeclaredRole,
)
from broker.directory.declaration.draft import Draft, Terms
from broker.directory.declaration.existing import Existing, Tree
from broker.directory.declaration.linting import placed
from broker.directory.declaration.names import Names
from broker.directory.declaration.plan import Plan, RecordKind
from broker.directory.declaration.problems import DeclarationProblems, Where
from broker.directory.declaration.pruning import prune
from broker.directory.issuer_policies import heeded
from broker.errors import Denied
from broker.iam.issuer_policy import Policies, policies
from broker.iam.model import ClaimMatch, Group, Identity, OrganizationStatus, Role
from broker.iam.uidp import Uidp

_Record = TypeVar("_Record", Group, Role, Identity)


def make_plan(declaration: Declaration, existing: Existing, terms: Terms) -> Plan:
    """What it takes to bring the records to what is declared.

    Raises `DeclarationProblems` with everything that is wrong, in form and in meaning.
    """
    draft = Draft(terms, dict(existing.people), problems=list(declaration.problems))
    for organization in declaration.organizations:
        tree = existing.organizations.get(organization.name)
        _OrganizationPlanner(organization, tree, draft).plan()
    if draft.problems:
        raise DeclarationProblems(draft.problems)
    return Plan(
        changes=tuple(draft.changes),
        unchanged=draft.unchanged,
        located=tuple(draft.located),
        findings=tuple(draft.findings),
    )


class _OrganizationPlanner:
    def __init__(self, declared: DeclaredGroup, tree: Tree | None, draft: Draft) -> None:
        self._declared = declared
        self._tree = tree
        self._draft = draft
        self._terms = draft.terms
        self._names = Names(tree)
        self._policies: Policies = ()
        self._placed: list[tuple[DeclaredGroup, Uidp]] = []

    def plan(self) -> None:
        before = self._tree.organization if self._tree else None
        organization = self._group(self._declared, before, None)
        bindings = BindingPlanner(organization, self._tree, self._names, self._draft)
        for declared, group in self._placed:
            bindings.plan(declared, group)
        if self._tree is not None and self._terms.prune:
            prune(self._declared, self._tree, self._names, bindings.wanted, self._draft)

    def _group(self, declared: DeclaredGroup, before: Group | None, parent: Uidp | None) -> Uidp:
        random, now = self._terms.random, self._terms.now
        new = parent.child(random) if parent else Uidp.new_root(random)
        status = OrganizationStatus.UNSPECIFIED if parent else OrganizationStatus.READY
        fresh = Group(id=new, name=declared.name, status=status, created_at=now, updated_at=now)
        group = replace(
            declared.standing.given_to(before or fresh),
            name=declared.name,
            description=declared.description,
            updated_at=now,
        )
        if parent is None:
            self._policies = policies(self._terms.issuer_policy, group.issuer_policy)
        if before is None:
            self._names.add(group)
        if declared.sound:
            self._draft.problems += group_problems(group, declared.where)
        kind = RecordKind.FOLDER if parent else RecordKind.ORGANIZATION
        path = self._names.path(group.id)
        self._draft.bring(kind, path, declared.where.at.line, before, group)
        self._placed.append((declared, group.id))
        for role in declared.roles:
            self._role(role, group.id)
        for identity in declared.identities:
            self._identity(identity, group.id)
        for folder in declared.folders:
            found = self._only(self._names.folders(group.id, folder.name), folder.where)
            self._group(folder, found, group.id)
        return group.id

    def _role(self, declared: DeclaredRole, group: Uidp) -> None:
        before = self._only(self._names.roles(group, declared.name), declared.where)
        role = Role(
            id=before.id if before else group.child(self._terms.random),
            name=declared.name,
            description=declared.description,
            capabilities=frozenset(declared.capabilities),
            created_at=before.created_at if before else self._terms.now,
            updated_at=self._terms.now,
        )
        if before is None:
            self._names.add(role)
        self._draft.problems += role_problems(role, declared, self._terms.capabilities)
        if self._terms.builtin_roles.by_name(declared.name) is not None:
            message = f"{declared.name!r} is the name of a built-in role"
            self._draft.problems.append(declared.where.problem("name", message))
        path = self._names.path(role.id)
        self._draft.bring(RecordKind.ROLE, path, declared.where.at.line, before, role)

    def _identity(self, declared: DeclaredIdentity, group: Uidp) -> None:
        before = self._only(self._names.identities(group, declared.name), declared.where)
        identity = _identity_record(
            declared, before, group.child(self._terms.random), self._terms.now
        )
        if before is None:
            self._names.add(identity)
        if declared.relationship is not None:
            self._draft.problems += identity_problems(
                identity, declared.where, allow_http_loopback=self._terms.allow_http_loopback
            )
        path = self._names.path(identity.id)
        if before is None or before.relationship != identity.relationship:
            self._heed(identity, path, declared.where)
        self._draft.bring(RecordKind.IDENTITY, path, declared.where.at.line, before, identity)

    def _heed(self, identity: Identity, path: str, where: Where) -> None:
        """What the policies about issuers say of an identity that is saved."""
        try:
            found = heeded(identity, self._policies)
        except Denied as refusal:
            message = refusal.message.removeprefix("issuer: ")
            self._draft.problems.append(where.problem("issuer", message))
        else:
            self._draft.findings += [placed(finding, path, where) for finding in found]

    def _only(self, found: Sequence[_Record], where: Where) -> _Record | None:
        if len(found) > 1:
            names = ", ".join(record.id for record in found)
            message = f"several records have this name ({names}); rename all but one of them"
            self._draft.problems.append(where.problem("name", message))
        return found[0] if found else None


def _identity_record(
    declared: DeclaredIdentity, before: Identity | None, new: Uidp, now: datetime
) -> Identity:
    # One that could not be read has a problem noted, and no plan comes of it.
    relationship = declared.relationship or ClaimMatch()
    fresh = Identity(
        id=new, name=declared.name, relationship=relationship, created_at=now, updated_at=now
    )
    return replace(
        before or fresh,
        name=declared.name,
        description=declared.description,
        relationship=relationship,
        max_token_lifetime=declared.max_token_lifetime,
        expires_with_upstream=declared.expires_with_upstream,
        single_use=declared.single_use,
        updated_at=now,
    )
