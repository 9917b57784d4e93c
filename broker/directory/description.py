"""What records say, as JSON values by field: for plans, and for the audit log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any

from broker.iam.issuer_policy import members_of
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Group,
    Identity,
    Person,
    Role,
    ServicePrincipal,
    StaticKeys,
)

FieldChanges = Mapping[str, tuple[Any, Any]]
"""Field → (before, after), as JSON values; None where the field is not there."""


def fields_of(record: Group | Role | Identity) -> dict[str, Any]:
    """The record's fields as the file names them; those that are empty are left out."""
    fields: dict[str, Any] = {"name": record.name, "description": record.description}
    match record:
        case Role():
            fields["capabilities"] = sorted(record.capabilities)
        case Identity():
            fields |= _relationship_fields(record)
            fields["max_token_lifetime"] = record.max_token_lifetime
            fields["expires_with_upstream"] = record.expires_with_upstream
            fields["single_use"] = record.single_use
        case Group():
            fields |= _organization_fields(record)
    return {name: value for name, value in fields.items() if value not in ("", [], None)}


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> FieldChanges:
    """The fields that differ; those of `before` come first."""
    names = dict.fromkeys([*before, *after])
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    }


def canonical_json(text: str) -> str:
    """The same JSON with sorted members and without white space; other text as it is."""
    try:
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _organization_fields(group: Group) -> dict[str, Any]:
    """A folder has none of them."""
    limits = sorted(group.resource_limits.items())
    return {
        "verified": group.verified or None,
        **{f"resource_limits.{noun}": limit for noun, limit in limits},
        "kind": _word(group.kind),
        "status": _word(group.status),
        **{f"issuer_policy.{name}": said for name, said in members_of(group.issuer_policy).items()},
    }


def _word(choice: Enum) -> str | None:
    """Nothing for the wire's 0, which says that nothing was chosen."""
    return choice.name.lower() if choice.value else None


def _relationship_fields(identity: Identity) -> dict[str, Any]:
    match identity.relationship:
        case ClaimMatch() as rules:
            return {
                "issuer": rules.issuer,
                "issuer_pattern": rules.issuer_pattern,
                "subject": rules.subject,
                "subject_pattern": rules.subject_pattern,
                "audience": rules.audience,
                "audience_pattern": rules.audience_pattern,
                **{f"claims.{name}": value for name, value in sorted(rules.claims.items())},
                **{
                    f"claim_patterns.{name}": value
                    for name, value in sorted(rules.claim_patterns.items())
                },
            }
        case StaticKeys() as static:
            return {
                "issuer": static.issuer,
                "subject": static.subject,
                "static_keys.issuer_keys": _digest(static.issuer_keys),
                "static_keys.expiration": static.expiration.isoformat(),
                "static_keys.audiences": list(static.audiences),
            }
        case AwsIdentity() as aws:
            return {f"aws_identity.{name}": value for name, value in asdict(aws).items()}
        case ServicePrincipal() as service:
            return {"service_principal": service.name}
        case Person() as person:
            return {"issuer": person.issuer, "subject": person.subject}


def _digest(issuer_keys: str) -> str:
    """A set of keys is too long to be read; whether it is the same set is what one asks."""
    return "sha256:" + hashlib.sha256(canonical_json(issuer_keys).encode()).hexdigest()
