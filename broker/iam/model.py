"""The records, as frozen values. Times are aware datetimes in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from broker.iam.uidp import Uidp

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def _no_claims() -> Mapping[str, str]:
    return NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An organization (root UIDP) or a folder (below one)."""

    id: Uidp
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMatch:
    """Any OIDC issuer: a token is accepted when every rule holds.

    Exactly one of `issuer` / `issuer_pattern` and of `subject` / `subject_pattern`, at most one
    of `audience` / `audience_pattern`. Patterns are RE2 and match the whole value.
    Names in `claims` and `claim_patterns` are claim names, or JSON pointers (RFC 6901) when they
    start with `/`.
    """

    issuer: str = ""
    issuer_pattern: str = ""
    subject: str = ""
    subject_pattern: str = ""
    audience: str = ""
    audience_pattern: str = ""
    claims: Mapping[str, str] = field(default_factory=_no_claims)
    claim_patterns: Mapping[str, str] = field(default_factory=_no_claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticKeys:
    """An issuer that we cannot reach: its public keys are part of the record.

    `issuer_keys` is a JWK set (RFC 7517 §5) as JSON text. `expiration` is at most 30 days after
    the identity was created.
    """

    issuer: str
    subject: str
    issuer_keys: str
    expiration: datetime
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who logs in: known by who they are at their provider, never by e-mail."""

    issuer: str
    subject: str


Relationship = ClaimMatch | StaticKeys | Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a token can be minted for: an assumable identity of a group, or a person (root UIDP)."""

    id: Uidp
    name: str
    relationship: Relationship
    created_at: datetime
    updated_at: datetime
    description: str = ""
    max_token_lifetime: int = 3600
    """Seconds, 60 to 3600: what is minted for it lives no longer."""
    expires_with_upstream: bool = False
    """Whether what is minted also ends when the upstream token does."""

    @property
    def is_person(self) -> bool:
        """Whether it stands for somebody who logs in."""
        return isinstance(self.relationship, Person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of capabilities; built in (root UIDP of its own) or of an organization."""

    id: Uidp
    name: str
    capabilities: frozenset[str]
    created_at: datetime
    updated_at: datetime
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleBinding:
    """An identity holds a role at a group and at everything below. Its group is its parent."""

    id: Uidp
    identity: Uidp
    role: Uidp
    created_at: datetime

    @property
    def group(self) -> Uidp:
        """Where it holds."""
        parent = self.id.parent
        assert parent is not None, "a role binding lies below its group"
        return parent
