"""What carrying out a declaration changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from broker.directory.declaration.linting import PlacedFinding
from broker.directory.description import FieldChanges
from broker.iam.model import Group, Identity, Role, RoleBinding
from broker.iam.uidp import Uidp

Record = Group | Role | Identity | RoleBinding


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
    findings: tuple[PlacedFinding, ...] = ()
    """What lint says of what changes."""

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
        under `records` the UIDP of everything that the file names, under `findings` what lint says.
        """
        return {
            "changes": [change.as_json() for change in self.changes],
            **{action.value: self.count(action) for action in Action},
            "unchanged": self.unchanged,
            "records": [
                {"kind": each.kind.value, "path": each.path, "id": each.id} for each in self.located
            ],
            "findings": [finding.as_json() for finding in self.findings],
        }


def _previewed(change: Change) -> Change:
    derived = isinstance(change.record, Identity) and change.record.is_person
    return change if change.action is not Action.CREATE or derived else replace(change, id=None)
