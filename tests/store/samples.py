"""Records to store."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.audit.identifiers import record_id
from broker.audit.record import AuditRecord, Outcome
from broker.iam.model import (
    AccessRequest,
    AccountAssociation,
    ClaimMatch,
    CorrelationRule,
    Group,
    GroupInvite,
    GroupRoleMapping,
    Identity,
    IdentityProvider,
    Person,
    Role,
    RoleBinding,
    Subscription,
    TermsAcceptance,
)
from broker.iam.uidp import Uidp
from broker.issuer.keys import SigningKey

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
OWNER = Uidp.derived("builtin-role", "owner")


def group(name: str, parent: Uidp | None = None) -> Group:
    uidp = parent.child(secrets.token_bytes) if parent else Uidp.new_root(secrets.token_bytes)
    return Group(id=uidp, name=name, created_at=NOW, updated_at=NOW, description=f"{name}!")


def identity(group: Uidp, name: str = "deployer", **more: Any) -> Identity:
    return Identity(
        id=group.child(secrets.token_bytes),
        name=name,
        relationship=more.pop("relationship", None)
        or ClaimMatch(issuer="https://issuer.example", subject=f"subject of {name}"),
        created_at=NOW,
        updated_at=NOW,
        **more,
    )


def person(subject: str) -> Identity:
    issuer = "https://accounts.example"
    return Identity(
        id=Uidp.of_person(issuer, subject),
        name=subject,
        relationship=Person(issuer=issuer, subject=subject),
        created_at=NOW,
        updated_at=NOW,
    )


def role(group: Uidp, name: str = "releaser") -> Role:
    return Role(
        id=group.child(secrets.token_bytes),
        name=name,
        capabilities=frozenset({"group.list", "identity.list"}),
        created_at=NOW,
        updated_at=NOW,
    )


def binding(group: Uidp, identity: Uidp, role: Uidp = OWNER) -> RoleBinding:
    return RoleBinding(
        id=group.child(secrets.token_bytes), identity=identity, role=role, created_at=NOW
    )


def invite(group: Uidp, role: Uidp = OWNER, **more: Any) -> GroupInvite:
    values: dict[str, Any] = {
        "id": group.child(secrets.token_bytes),
        "role": role,
        "expires_at": NOW + timedelta(days=7),
        "key_id": secrets.token_hex(8),
        "secret_sha256": secrets.token_hex(32),
        "created_at": NOW,
        "created_by": person("alice").id,
    }
    return GroupInvite(**(values | more))


def provider(group: Uidp, name: str = "login", **more: Any) -> IdentityProvider:
    values: dict[str, Any] = {
        "id": group.child(secrets.token_bytes),
        "name": name,
        "issuer": "https://login.example",
        "client_id": "broker",
        "created_at": NOW,
        "updated_at": NOW,
        "description": f"{name}!",
        "wrapped_secret": secrets.token_bytes(60),
        "additional_scopes": ("groups", "email"),
        "groups_claim": "groups",
        "correlation_rule": CorrelationRule.OID_EQUALS_EXTERNAL_ID,
        "pkce_enabled": True,
        "default_role": OWNER,
    }
    return IdentityProvider(**(values | more))


def mapping(provider: IdentityProvider, **more: Any) -> GroupRoleMapping:
    group = provider.id.parent
    assert group is not None
    values: dict[str, Any] = {
        "id": group.child(secrets.token_bytes),
        "identity_provider": provider.id,
        "external_group": "engineers",
        "role": OWNER,
        "scope": group,
        "created_at": NOW,
    }
    return GroupRoleMapping(**(values | more))


def association(group: Uidp, name: str = "accounts") -> AccountAssociation:
    return AccountAssociation(
        group=group,
        name=name,
        description=f"{name}!",
        accounts={"amazon": {"account": "123456789012"}, "google": {"projectId": "p"}},
        created_at=NOW,
        updated_at=NOW,
    )


def acceptance(group: Uidp, document: str = "terms-1") -> TermsAcceptance:
    return TermsAcceptance(
        group=group, document=document, accepted_by=person("alice").id, accepted_at=NOW
    )


def subscription(group: Uidp, sink: str = "https://sink.example/events") -> Subscription:
    return Subscription(id=group.child(secrets.token_bytes), sink=sink, created_at=NOW)


def access_request(group: Uidp, identity: Uidp) -> AccessRequest:
    return AccessRequest(
        id=group.child(secrets.token_bytes),
        identity=identity,
        email="alice@acme.example",
        created_at=NOW,
    )


def key(predecessor: str = "") -> SigningKey:
    return SigningKey(
        kid=secrets.token_urlsafe(32),
        algorithm="ES256",
        public_jwk='{"kty":"EC"}',
        wrapped_private=secrets.token_bytes(100),
        created_at=NOW,
        activates_at=NOW + timedelta(hours=1),
        predecessor=predecessor,
    )


def record(at: datetime = NOW, outcome: Outcome = Outcome.OK, **more: Any) -> AuditRecord:
    values: dict[str, Any] = {
        "id": record_id(at, secrets.token_bytes),
        "at": at,
        "action": "exchange",
        "outcome": outcome,
        "actor": "https://issuer.example subject",
        "subject": "f" * 40,
        "group": None,
        "request_id": secrets.token_hex(16),
        "stage": "identity" if outcome is not Outcome.OK else "",
        "code": "identity_refused" if outcome is not Outcome.OK else "",
        "token_sha256": secrets.token_hex(32),
        "detail": '{"steps":[]}',
    }
    return AuditRecord(**(values | more))
