"""The audit records of changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from datetime import datetime
from enum import Enum
from typing import Any, Final

from broker.audit.identifiers import record_id
from broker.audit.record import AuditRecord, Outcome
from broker.directory.description import fields_of
from broker.iam.lint import Finding
from broker.iam.model import (
    AccessRequest,
    AccountAssociation,
    Group,
    GroupInvite,
    GroupRoleMapping,
    Identity,
    IdentityProvider,
    LoginPolicy,
    Role,
    RoleBinding,
    ScimCredential,
    ScimUser,
    Subscription,
    TermsAcceptance,
)
from broker.iam.uidp import RandomBytes, Uidp

Record = (
    Group
    | Role
    | Identity
    | RoleBinding
    | GroupInvite
    | IdentityProvider
    | GroupRoleMapping
    | AccountAssociation
    | TermsAcceptance
    | Subscription
    | ScimCredential
    | ScimUser
    | LoginPolicy
    | AccessRequest
)

_NOUNS: Final[Mapping[type, str]] = {
    Group: "group",
    Role: "role",
    Identity: "identity",
    RoleBinding: "role_binding",
    GroupInvite: "group_invite",
    IdentityProvider: "identity_provider",
    GroupRoleMapping: "group_role_mapping",
    AccountAssociation: "account_association",
    TermsAcceptance: "terms_acceptance",
    Subscription: "subscription",
    ScimCredential: "scim_credential",
    ScimUser: "scim_user",
    LoginPolicy: "login_policy",
    AccessRequest: "access_request",
}

_NOT_DESCRIBED: Final = frozenset(
    {"id", "created_at", "updated_at", "wrapped_secret", "secret_sha256", "previous_sha256"}
)


def described(record: Record) -> dict[str, Any]:
    """What a record says, as JSON values by field; secrets and times of change are left out."""
    match record:
        case Group() | Role() | Identity():
            return fields_of(record)
        case ScimUser():
            return _of_user(record)
        case _:
            return {
                each.name: _plain(value)
                for each in dataclass_fields(record)
                if each.name not in _NOT_DESCRIBED and (value := getattr(record, each.name))
            }


def _of_user(user: ScimUser) -> dict[str, Any]:
    """The directory's names and addresses are nobody else's business: ids, and what is said."""
    return {
        "identity_provider": user.identity_provider,
        "external_id": user.external_id,
        "active": user.active,
        "attributes": sorted({"userName", *user.attributes}),
        "version": user.version,
    }


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.name.lower()
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(name): _plain(member) for name, member in value.items()}
        case tuple() | frozenset():
            return [_plain(member) for member in value]
        case _:
            return value


def change_record(
    record: Record,
    verb: str,
    *,
    fields: Mapping[str, tuple[Any, Any]],
    actor: str,
    now: datetime,
    random: RandomBytes,
    request_id: str,
    event: Mapping[str, Any] | None = None,
    findings: Iterable[Finding] = (),
) -> AuditRecord:
    """What is written down of a change that was made: `group.created`, `role_binding.deleted`.

    `fields` are (before, after) as JSON values. A group's record can be read by its own owners,
    every other one by those of the group that it is in; a person is in none. `event` is the
    CloudEvent that the change emits, whose id is the record's. `findings`: what lint said.
    """
    members: dict[str, Any] = {"fields": _changes(fields)}
    if lint := [_found(finding) for finding in findings]:
        members["lint"] = lint
    if event is not None:
        members["event"] = event
    return AuditRecord(
        id=record_id(now, random),
        at=now,
        action=f"{_NOUNS[type(record)]}.{verb}",
        outcome=Outcome.OK,
        actor=actor,
        subject=_subject(record),
        group=readers(record),
        request_id=request_id,
        detail=json.dumps(members, ensure_ascii=False),
    )


def readers(record: Record) -> Uidp | None:
    """The group whose owners may read of the record; None for a person, who is in none."""
    match record:
        case Group():
            return record.id
        case AccountAssociation() | TermsAcceptance() | LoginPolicy():
            return record.group
        case ScimUser():
            return record.identity_provider.parent
        case _:
            return record.id.parent


def _subject(record: Record) -> str:
    return record.group if isinstance(record, TermsAcceptance) else record.id


def _found(finding: Finding) -> dict[str, str]:
    return {
        "rule": finding.rule.id,
        "level": finding.level.word,
        "field": finding.field,
        "message": finding.message,
    }


def _changes(fields: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {"before": before, "after": after} for name, (before, after) in fields.items()}
