"""The records that a declaration is compared with, as they are in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.directory.declaration.declared import Declaration, DeclaredPerson
from broker.iam.model import Group, Identity, Role, RoleBinding
from broker.iam.uidp import Uidp
from broker.store import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """An organization with everything in it."""

    organization: Group
    folders: tuple[Group, ...] = ()
    roles: tuple[Role, ...] = ()
    identities: tuple[Identity, ...] = ()
    bindings: tuple[RoleBinding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """What there is of what a declaration names."""

    organizations: Mapping[str, Tree]
    """By name; those that do not exist are absent."""
    people: Mapping[Uidp, Identity]
    """Those whom the declaration names or who hold bindings in its organizations."""


async def load_existing(records: Records, declaration: Declaration) -> Existing:
    """Read what `declaration` is compared with, in the transaction of `records`."""
    organizations: dict[str, Tree] = {}
    for declared in declaration.organizations:
        organization = await records.groups.by_name(None, declared.name)
        if organization is not None:
            organizations[declared.name] = await _tree(records, organization)
    people = _declared_people(declaration).union(
        binding.identity
        for tree in organizations.values()
        for binding in tree.bindings
        if binding.identity.is_root
    )
    found = [await records.identities.get(person) for person in sorted(people)]
    return Existing(
        organizations=organizations,
        people={
            identity.id: identity
            for identity in found
            if identity is not None and identity.is_person
        },
    )


async def _tree(records: Records, organization: Group) -> Tree:
    root = organization.id
    return Tree(
        organization=organization,
        folders=tuple(await records.groups.descendants(root)),
        roles=tuple(await records.roles.below(root)),
        identities=tuple(await records.identities.below(root)),
        bindings=tuple(await records.bindings.below(root)),
    )


def _declared_people(declaration: Declaration) -> set[Uidp]:
    people: set[Uidp] = set()
    for organization in declaration.organizations:
        people.update(owner.id for owner in organization.owners)
        for group in organization.walk():
            for binding in group.bindings:
                match binding.identity:
                    case DeclaredPerson() as person:
                        people.add(person.id)
                    case Uidp() as uidp if uidp.is_root:
                        people.add(uidp)
    return people
