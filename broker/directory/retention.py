"""How long audit records are kept: until somebody at the machine has the old ones deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import orjson

from broker.audit.identifiers import record_id
from broker.audit.record import AuditRecord, Outcome
from broker.errors import Invalid
from broker.iam.uidp import RandomBytes
from broker.store import Store

ACTOR: Final = "local:audit prune"
AT_ONCE: Final = 1_000
"""Records that one transaction deletes: others write in between."""


async def prune_audit_records(
    store: Store,
    before: datetime,
    *,
    now: datetime,
    random: RandomBytes,
    request_id: str,
    at_once: int = AT_ONCE,
) -> int:
    """Delete the audit records that were made before; how many.

    That it was done is a record itself, kept with the first that go. Raises `Invalid` for a time
    that is not past.
    """
    if before >= now:
        raise Invalid("field_invalid", "before: expected a time that is past", field="before")
    count = 0
    while True:
        async with store.write() as records:
            deleted = await records.audit.prune(before, limit=at_once)
            if deleted and not count:
                await records.audit.add(_record(before, now, random, request_id))
        count += deleted
        if deleted < at_once:
            return count


def _record(before: datetime, now: datetime, random: RandomBytes, request_id: str) -> AuditRecord:
    return AuditRecord(
        id=record_id(now, random),
        at=now,
        action="audit.pruned",
        outcome=Outcome.OK,
        actor=ACTOR,
        subject="",
        group=None,
        request_id=request_id,
        detail=orjson.dumps({"before": before}).decode(),
    )
