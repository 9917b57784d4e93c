"""Which role bindings a declaration asks for: names → UIDPs, and what is missing of them."""

from __future__ import annotations

from collections.abc import Sequence

from broker.directory.declaration.checks import identity_problems
from broker.directory.declaration.declared import DeclaredBinding, DeclaredGroup, DeclaredPerson
from broker.directory.declaration.draft import Draft
from broker.directory.declaration.existing import Tree
from broker.directory.declaration.names import Names
from broker.directory.declaration.plan import Action, Change, RecordKind
from broker.directory.declaration.problems import Where, suggestion
from broker.directory.people import person_identity
from broker.iam.model import Identity, Person, Role, RoleBinding
from broker.iam.uidp import Uidp

Bound = tuple[Uidp, Uidp, Uidp]
"""What makes two bindings the same: group, identity, role."""


def bound(binding: RoleBinding) -> Bound:
    """Its group, identity and role."""
    return binding.group, binding.identity, binding.role


def described(binding: RoleBinding, names: Names, draft: Draft) -> tuple[RecordKind, str, str, str]:
    """Kind, path, identity and role of a binding, for reading."""
    person = draft.people.get(binding.identity)
    identity = person_path(person) if person else names.path(binding.identity)
    builtin = draft.terms.builtin_roles.by_id(binding.role)
    custom = names.role_ids.get(binding.role)
    role = builtin.name if builtin else custom.name if custom else binding.role
    owner = binding.identity.is_root and is_owner(binding, draft)
    kind = RecordKind.OWNER if owner else RecordKind.BINDING
    return kind, f"{names.path(binding.group)}: {identity} → {role}", identity, role


def is_owner(binding: RoleBinding, draft: Draft) -> bool:
    """Whether it makes somebody an owner of the organization."""
    return binding.group.is_root and binding.role == draft.terms.builtin_roles.owner.id


def person_path(identity: Identity) -> str:
    """Who a person is at their provider."""
    assert isinstance(identity.relationship, Person), "only people are looked up as people"
    return f"{identity.relationship.issuer} {identity.relationship.subject}"


class BindingPlanner:
    """The bindings of one organization. `wanted` fills up as its groups are planned."""

    def __init__(self, organization: Uidp, tree: Tree | None, names: Names, draft: Draft) -> None:
        self._organization = organization
        self._existing = {bound(each): each for each in tree.bindings} if tree else {}
        self._names = names
        self._draft = draft
        self._terms = draft.terms
        self.wanted: dict[Bound, Where] = {}

    def plan(self, declared: DeclaredGroup, group: Uidp) -> None:
        """The bindings at one group: its owners, its identities' own roles, its list."""
        owner = self._terms.builtin_roles.owner
        for person in declared.owners:
            self._want(group, self._person(person), owner.id, person.where)
        for identity in declared.identities:
            # The first is its own: of several, `planning` has told already.
            holder = self._names.identities(group, identity.name)[0].id
            for name, field in identity.roles.items():
                if role := self._role(name, group, identity.where, field):
                    self._want(group, holder, role, identity.where, field)
        for binding in declared.bindings:
            if binding.sound:
                self._binding(binding, group)

    def _binding(self, declared: DeclaredBinding, group: Uidp) -> None:
        identity = self._identity(declared, group)
        role = self._role(declared.role, group, declared.where, "role")
        if identity and role:
            self._want(group, identity, role, declared.where)

    def _want(self, group: Uidp, identity: Uidp, role: Uidp, where: Where, field: str = "") -> None:
        key = (group, identity, role)
        first = self.wanted.setdefault(key, where)
        if first is not where:
            message = f"this binding is there twice, first on line {first.at.line}"
            self._draft.problems.append(where.problem(field, message))
            return
        if before := self._existing.get(key):
            self._draft.kept.add(before.id)
            self._draft.unchanged += 1
            return
        binding = RoleBinding(
            id=group.child(self._terms.random),
            identity=identity,
            role=role,
            created_at=self._terms.now,
        )
        kind, path, identity_name, role_name = described(binding, self._names, self._draft)
        self._draft.changes.append(
            Change(
                action=Action.CREATE,
                kind=kind,
                path=path,
                id=binding.id,
                fields={"identity": (None, identity_name), "role": (None, role_name)},
                line=where.at.line,
                record=binding,
            )
        )

    def _role(self, name: str, group: Uidp, where: Where, field: str) -> Uidp | None:
        if builtin := self._terms.builtin_roles.by_name(name):
            return builtin.id
        found = self._names.visible_roles(group, name)
        if not found:
            known = {role.name for role in self._terms.builtin_roles}
            near = suggestion(name, known | self._names.role_names(group))
            message = (
                f"there is no role {name!r}, neither built in nor at {self._names.path(group)} "
                f"or above{near}"
            )
            self._draft.problems.append(where.problem(field, message))
            return None
        return self._usable(found, name, where, field)

    def _identity(self, declared: DeclaredBinding, group: Uidp) -> Uidp | None:
        match declared.identity:
            case DeclaredPerson() as person:
                return self._person(person)
            case Uidp() as uidp:
                return self._by_uidp(uidp, declared.where)
            case name:
                return self._by_name(name, group, declared.where)

    def _by_uidp(self, uidp: Uidp, where: Where) -> Uidp | None:
        if uidp in self._draft.people:
            return uidp
        if uidp.is_root:
            message = "nobody with this UIDP is known; name the person by issuer and subject"
        elif uidp.root != self._organization:
            message = (
                "this identity belongs to another organization; bind one of "
                f"{self._names.path(self._organization)}, or a person"
            )
        elif identity := self._names.identity_ids.get(uidp):
            return self._usable([identity], identity.name, where, "identity")
        else:
            message = "there is no identity with this UIDP"
        self._draft.problems.append(where.problem("identity", message))
        return None

    def _by_name(self, name: str, group: Uidp, where: Where) -> Uidp | None:
        found = self._names.identities(group, name)
        if not found and "/" in name:
            found = self._names.identities_on_path(self._organization, name)
        if not found:
            near = suggestion(name, self._names.identity_names(group))
            message = (
                f"there is no identity {name!r} in {self._names.path(group)}{near}; "
                "one of another group is named by its path below the organization, "
                "such as platform/ci, or /ci for one of the organization itself"
            )
            self._draft.problems.append(where.problem("identity", message))
            return None
        return self._usable(found, name, where, "identity")

    def _usable(
        self, found: Sequence[Role] | Sequence[Identity], name: str, where: Where, field: str
    ) -> Uidp | None:
        if len(found) > 1:
            message = f"several records are named {name!r}; rename all but one of them"
        elif self._terms.prune and found[0].id not in self._draft.kept:
            message = f"{name!r} is not in the file, and pruning would delete it"
        else:
            return found[0].id
        self._draft.problems.append(where.problem(field, message))
        return None

    def _person(self, declared: DeclaredPerson) -> Uidp:
        if known := self._draft.people.get(declared.id):
            if known.id not in self._draft.kept:
                self._draft.keep(RecordKind.IDENTITY, person_path(known), known.id)
            return known.id
        identity = person_identity(declared.person, now=self._terms.now)
        self._draft.problems += identity_problems(
            identity, declared.where, allow_http_loopback=self._terms.allow_http_loopback
        )
        self._draft.people[identity.id] = identity
        line = declared.where.at.line
        self._draft.bring(RecordKind.IDENTITY, person_path(identity), line, None, identity)
        return identity.id
