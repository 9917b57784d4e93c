"""The audit records of changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from broker.audit.identifiers import record_id
from broker.audit.record import AuditRecord, Outcome
from broker.iam.model import Group, Identity, Role, RoleBinding
from broker.iam.uidp import RandomBytes, Uidp

Record = Group | Role | Identity | RoleBinding

_NOUNS: Final[Mapping[type, str]] = {
    Group: "group",
    Role: "role",
    Identity: "identity",
    RoleBinding: "role_binding",
}


def change_record(
    record: Record,
    verb: str,
    *,
    fields: Mapping[str, tuple[Any, Any]],
    actor: str,
    now: datetime,
    random: RandomBytes,
    request_id: str,
) -> AuditRecord:
    """What is written down of a change that was made: `group.created`, `role_binding.deleted`.

    `fields` are (before, after) as JSON values. A group's record can be read by its own owners,
    every other one by those of the group that it is in; a person is in none.
    """
    detail = {name: {"before": before, "after": after} for name, (before, after) in fields.items()}
    return AuditRecord(
        id=record_id(now, random),
        at=now,
        action=f"{_NOUNS[type(record)]}.{verb}",
        outcome=Outcome.OK,
        actor=actor,
        subject=record.id,
        group=_readers(record),
        request_id=request_id,
        detail=json.dumps({"fields": detail}, ensure_ascii=False),
    )


def _readers(record: Record) -> Uidp | None:
    return record.id if isinstance(record, Group) else record.id.parent
