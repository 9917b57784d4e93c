"""What a declaration says, as frozen values, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from broker.directory.declaration.problems import Problem, Where
from broker.iam.model import (
    ClaimMatch,
    Group,
    IssuerPolicy,
    OrganizationKind,
    OrganizationStatus,
    Person,
    StaticKeys,
)
from broker.iam.uidp import Uidp


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRole:
    """A custom role. `sound`: its own fields could be read; only then is it checked further."""

    name: str
    description: str
    capabilities: Mapping[str, str]
    """Name → path of its field."""
    where: Where
    sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredIdentity:
    """An assumable identity. `relationship` is None when its fields could not be read."""

    name: str
    description: str
    relationship: ClaimMatch | StaticKeys | None
    max_token_lifetime: int
    """Seconds."""
    expires_with_upstream: bool
    single_use: bool
    roles: Mapping[str, str]
    """Names of roles, bound at the identity's own group → path of its field."""
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPerson:
    """Somebody who logs in; as an owner, bound to the built-in role `owner`."""

    person: Person
    where: Where

    @property
    def id(self) -> Uidp:
        """Known before their first login."""
        return Uidp.of_person(self.person.issuer, self.person.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredBinding:
    """An identity and a role. The identity is a name or path, a UIDP, or a person."""

    identity: str | Uidp | DeclaredPerson
    role: str
    where: Where
    sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an organization is to the installation. None: the file does not say, and it stays."""

    verified: bool | None = None
    resource_limits: Mapping[str, int] | None = None
    """All that there are: what is not in here has no limit."""
    kind: OrganizationKind | None = None
    status: OrganizationStatus | None = None
    issuer_policy: IssuerPolicy | None = None

    def given_to(self, group: Group) -> Group:
        """The group with what is said here."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(group, **{name: value for name, value in said.items() if value is not None})


NOTHING_SAID: Final = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredGroup:
    """An organization or a folder, with what it holds."""

    name: str
    description: str
    roles: tuple[DeclaredRole, ...]
    identities: tuple[DeclaredIdentity, ...]
    bindings: tuple[DeclaredBinding, ...]
    folders: tuple[DeclaredGroup, ...]
    where: Where
    sound: bool
    owners: tuple[DeclaredPerson, ...] = ()
    """Organizations only, as are the two below."""
    manage_people: bool = False
    """Whether `--prune` removes bindings of people that the file lacks."""
    standing: Standing = NOTHING_SAID

    def walk(self) -> Iterator[DeclaredGroup]:
        """Itself and every folder below, parents first."""
        yield self
        for folder in self.folders:
            yield from folder.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A file that could be read at all, with what is wrong with parts of it."""

    organizations: tuple[DeclaredGroup, ...]
    problems: tuple[Problem, ...]
