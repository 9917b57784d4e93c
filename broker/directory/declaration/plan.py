"""What carrying out a declaration changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Group,
    Identity,
    Person,
    Role,
    RoleBinding,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.uidp import Uidp

Record = Group | Role | Identity | RoleBinding

FieldChanges = Mapping[str, tuple[Any, Any]]
"""Field → (before, after), as JSON values; None where the field is not there."""


class Action(Enum):
    """What happens to a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class RecordKind(Enum):
    """What a record is, in the words of the file."""

    ORGANIZATION = "organization"
    FOLDER = "folder"
    ROLE = "role"
    IDENTITY = "identity"
    BINDING = "binding"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record that is made, changed or removed."""

    action: Action
    kind: RecordKind
    path: str
    """Names from the organization down: `acme/platform/ci`; for a binding
    `acme/platform: acme/platform/ci → deployer`; for a person `ISSUER SUBJECT`."""
    id: Uidp | None
    """None in a preview for what is yet to be made and whose UIDP is random."""
    fields: FieldChanges
    line: int | None
    """Of the declaration; None for what it no longer has."""
    record: Record
    """As it will be; for a removal as it was."""

    def as_json(self) -> dict[str, Any]:
        """For output."""
        return {
            "action": self.action.value,
            "kind": self.kind.value,
            "path": self.path,
            "id": self.id,
            "line": self.line,
            "fields": {
                name: {"before": before, "after": after}
                for name, (before, after) in self.fields.items()
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The UIDP of a declared record, whether it changes or not. None as in `Change`."""

    kind: RecordKind
    path: str
    id: Uidp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Changes in the order in which they are made, and how many records are as declared."""

    changes: tuple[Change, ...]
    unchanged: int
    located: tuple[Located, ...]
    """Every organization, folder, role, identity and person of the file."""

    def count(self, action: Action) -> int:
        """How many records it makes, changes or removes."""
        return sum(change.action is action for change in self.changes)

    def preview(self) -> Plan:
        """The plan without the UIDPs that carrying it out would choose anew."""
        changes = tuple(_previewed(change) for change in self.changes)
        unknown = {
            before.id for before, after in zip(self.changes, changes, strict=True) if not after.id
        }
        located = tuple(
            replace(each, id=None) if each.id in unknown else each for each in self.located
        )
        return replace(self, changes=changes, located=located)

    def as_json(self) -> dict[str, Any]:
        """For output: `changes`, the counts `create`, `update`, `delete` and `unchanged`, and
        under `records` the UIDP of everything that the file names.
        """
        return {
            "changes": [change.as_json() for change in self.changes],
            **{action.value: self.count(action) for action in Action},
            "unchanged": self.unchanged,
            "records": [
                {"kind": each.kind.value, "path": each.path, "id": each.id} for each in self.located
            ],
        }


def _previewed(change: Change) -> Change:
    derived = isinstance(change.record, Identity) and change.record.is_person
    return change if change.action is not Action.CREATE or derived else replace(change, id=None)


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
        case Group():
            pass
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
