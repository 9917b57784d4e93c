"""The records, as frozen values. Times are aware datetimes in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final

from broker.iam.uidp import Uidp

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
NO_LIMITS: Final[Mapping[str, int]] = MappingProxyType({})


def _no_claims() -> Mapping[str, str]:
    return NOTHING


def _no_limits() -> Mapping[str, int]:
    return NO_LIMITS


class OrganizationKind(Enum):
    """What an organization is to the installation. Values are the wire's numbers."""

    UNSPECIFIED = 0
    STARTER = 1
    CUSTOMER = 2
    DEV = 3
    INFRA = 4
    AWS_MARKETPLACE = 5


class OrganizationStatus(Enum):
    """Where an organization is in its life. Values are the wire's numbers."""

    UNSPECIFIED = 0
    INITIALIZING = 1
    READY = 2
    SUSPENDED = 3


class PolicyMode(Enum):
    """What is done about an issuer that a policy does not allow."""

    ENFORCE = "enforce"
    """It is refused."""
    AUDIT = "audit"
    """It is written down."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerPolicy:
    """Whose tokens are taken. Patterns are RE2 and match the whole issuer."""

    allow: tuple[str, ...] = ()
    allow_patterns: tuple[str, ...] = ()
    mode: PolicyMode = PolicyMode.OFF


NO_POLICY: Final = IssuerPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An organization (root UIDP) or a folder (below one).

    Limits, verification, kind, status and policy are an organization's; a folder has the defaults.
    """

    id: Uidp
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    resource_limits: Mapping[str, int] = field(default_factory=_no_limits)
    """Noun → how many of them the organization may have, all its folders together."""
    verified: bool = False
    """Whether the name is a domain that the organization has shown to be its own."""
    kind: OrganizationKind = OrganizationKind.UNSPECIFIED
    status: OrganizationStatus = OrganizationStatus.UNSPECIFIED
    issuer_policy: IssuerPolicy = NO_POLICY
    """Whose tokens its identities take, and those of all its folders."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsIdentity:
    """A role or user of an AWS account, known by a signed request to `sts:GetCallerIdentity`.

    Exactly one of `arn` / `arn_pattern` and of `user_id` / `user_id_pattern`; the account is
    twelve digits and always literal. Patterns are RE2 and match the whole value.
    """

    account: str
    arn: str = ""
    arn_pattern: str = ""
    user_id: str = ""
    user_id_pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal:
    """A service of the installation itself, by its name on the wire, such as `CATALOG_SYNCER`.

    No upstream token proves one: it holds bindings, and nothing is exchanged for it.
    """

    name: str


Relationship = ClaimMatch | StaticKeys | AwsIdentity | ServicePrincipal | Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a person said of themself, or their provider of them. Proves nothing."""

    email: str = ""
    """Verified by the provider."""
    email_unverified: str = ""
    """As the provider told it, without its word that it is theirs."""
    details: Mapping[str, str | bool] = field(default_factory=_no_claims)
    """`given_name`, `family_name`, `company` and what else a sign-up form asks."""


NO_PROFILE: Final = Profile()


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
    single_use: bool = False
    """Whether an upstream token is exchanged for it once and never again."""
    last_seen: datetime | None = None
    """When something was last minted for it, give or take some minutes."""
    profile: Profile = NO_PROFILE

    @property
    def is_person(self) -> bool:
        """Whether it stands for somebody who logs in."""
        return isinstance(self.relationship, Person)

    @property
    def issuer(self) -> str:
        """The issuer that its rules name; empty where they have a pattern or none."""
        match self.relationship:
            case ClaimMatch() | StaticKeys() | Person():
                return self.relationship.issuer
            case _:
                return ""

    @property
    def subject(self) -> str:
        """The subject that its rules name; empty where they have a pattern or none."""
        match self.relationship:
            case ClaimMatch() | StaticKeys() | Person():
                return self.relationship.subject
            case _:
                return ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupInvite:
    """A standing offer to hold a role at a group, its parent. Who has the code may accept it."""

    id: Uidp
    role: Uidp
    expires_at: datetime
    key_id: str
    """Stands in the code, and finds this record; no secret."""
    secret_sha256: str
    """Of the code's secret part, in hex; the code itself is told once and kept nowhere."""
    created_at: datetime
    created_by: Uidp
    """Whose right to give the role is asked again when the invite is accepted."""
    email: str = ""
    """Only a person with this verified address may accept; empty: anybody."""
    single_use: bool = False

    @property
    def group(self) -> Uidp:
        """Where the role will hold."""
        parent = self.id.parent
        assert parent is not None, "an invite lies below its group"
        return parent


class CorrelationRule(Enum):
    """Which claim of a login finds the user that SCIM provisioned. Values are the wire's."""

    UNSPECIFIED = 0
    SUB_EQUALS_EXTERNAL_ID = 1
    OID_EQUALS_EXTERNAL_ID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """An OpenID provider of an organization, through which its people log in."""

    id: Uidp
    name: str
    issuer: str
    client_id: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    wrapped_secret: bytes = field(default=b"", repr=False)
    """The client secret, encrypted; empty for a public client."""
    additional_scopes: tuple[str, ...] = ()
    groups_claim: str = ""
    correlation_rule: CorrelationRule = CorrelationRule.UNSPECIFIED
    pkce_enabled: bool = False
    default_role: Uidp | None = None
    """Bound at the organization when somebody first registers through it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRoleMapping:
    """Members of a group at an identity provider hold a role for the length of a session."""

    id: Uidp
    identity_provider: Uidp
    external_group: str
    """As it stands in the provider's groups claim."""
    role: Uidp
    scope: Uidp
    """The group at which the role holds."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAssociation:
    """Accounts at clouds and code hosts that belong to a group; a group has at most one."""

    group: Uidp
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    accounts: Mapping[str, object] = field(default_factory=_no_claims)
    """Provider (`amazon`, `google`, `azure`, `github`, `chainguard`) → what is known of the
    account there, as JSON objects with the wire's member names."""

    @property
    def id(self) -> Uidp:
        """Its group's."""
        return self.group


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsAcceptance:
    """Somebody accepted a document for an organization."""

    group: Uidp
    document: str
    accepted_by: Uidp
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Events of a group, its parent, and of everything below are sent to a URL."""

    id: Uidp
    sink: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPolicy:
    """What an organization asks of the people who hold roles in it."""

    group: Uidp
    """The organization's."""
    require_identity_provider: bool = False
    """Whether its roles count only in logins through a provider of its own."""
    break_glass: tuple[Uidp, ...] = ()
    """People whom that does not bind, so that a broken provider locks nobody out."""
    email_domains: tuple[str, ...] = ()
    """Lower case. Who has a verified address there is told of the organization, and may ask for
    access; the operator vouches that the domains are the organization's."""

    @property
    def id(self) -> Uidp:
        """Its organization's."""
        return self.group


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """Somebody asks an organization, its parent, to be let in."""

    id: Uidp
    identity: Uidp
    email: str
    """Verified by their provider; of one of the organization's domains."""
    created_at: datetime

    @property
    def group(self) -> Uidp:
        """The organization."""
        parent = self.id.parent
        assert parent is not None, "an access request lies below its organization"
        return parent


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshGrant:
    """A login that goes on: a family of refresh tokens, of which the newest alone is good."""

    id: str
    """32 hex characters; no secret."""
    identity: Uidp
    client_id: str
    """Who has it; empty for `/oauth`, whose clients have no name."""
    provider: str
    """Through whom the person logged in: the UIDP of an identity provider, or a connector."""
    audience: tuple[str, ...]
    scopes: tuple[Uidp, ...] = ()
    capabilities: tuple[str, ...] = ()
    openid_scope: tuple[str, ...] = ()
    """`openid`, `email`, `profile`, `offline_access`, as granted."""
    generation: int
    """How often it was used."""
    secret_sha256: str
    """Of the newest token's secret, in hex."""
    authenticated_at: datetime
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    """When it ends unless it is used before."""
    ends_at: datetime
    """When it ends in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimCredential:
    """Whether users are provisioned through an identity provider, and by which token."""

    identity_provider: Uidp
    enabled: bool = False
    secret_sha256: str = ""
    """Of the token, in hex; empty where none was issued."""
    expires_at: datetime | None = None
    """None: never."""
    previous_sha256: str = ""
    """Of the token before, while both are good."""
    previous_expires_at: datetime | None = None
    revoked_at: datetime | None = None
    version: int = 1
    updated_at: datetime

    @property
    def id(self) -> Uidp:
        """Its provider's."""
        return self.identity_provider


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimUser:
    """A user whom an organization's directory has provisioned (RFC 7643 §4.1)."""

    id: str
    """32 hex characters."""
    identity_provider: Uidp
    external_id: str
    """`sub` or `oid` of their logins, by the provider's correlation rule."""
    user_name: str
    active: bool = True
    attributes: Mapping[str, object] = field(default_factory=_no_claims)
    """What else was provisioned, as JSON values."""
    identity: Uidp | None = None
    """The person whose logins have this `oid`, once one was seen; with `sub` it follows."""
    version: int = 1
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    """When the directory deleted them: what is left then says who may not log in."""
