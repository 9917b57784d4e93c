"""The audit log: written in bulk, read seldom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, or_, select

from broker.audit.identifiers import first_id
from broker.audit.record import AuditRecord, Outcome
from broker.iam.uidp import Uidp
from broker.store.tables import audit_records, microseconds
from broker.store.transaction import Transaction, below

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS: Final = timedelta(seconds=60)
_LONGEST_REQUEST: Final = timedelta(minutes=10)


class Audit:
    """The audit records in a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, record: AuditRecord) -> None:
        """Together with the change that it speaks of."""
        await self._transaction.insert(audit_records, {**_columns(record), "at": record.at}, {})

    async def get(self, record_id: str) -> AuditRecord | None:
        """The one with this id."""
        statement = select(audit_records).where(audit_records.c.id == record_id)
        row = await self._transaction.row(statement)
        return _record(row) if row else None

    async def prune(self, before: datetime, *, limit: int) -> int:
        """Delete those that were made before, the oldest first, at most `limit`; how many."""
        key = audit_records.c.id
        end = first_id(before)
        kept = select(key).where(key < end).order_by(key).offset(limit).limit(1)
        first_kept = await self._transaction.row(kept)
        bound = first_kept.id if first_kept else end
        return await self._transaction.change(delete(audit_records).where(key < bound))

    async def find(
        self,
        *,
        identity: Uidp | None = None,
        group: Uidp | None = None,
        failed: bool | None = None,
        action: str | None = None,
        request_id: str | None = None,
        since: datetime | None = None,
        after_id: str | None = None,
        limit: int = 100,
    ) -> list[AuditRecord]:
        """Those for which every given condition holds, newest first.

        `identity`: it was acted on (an exchange acts on the identity that it names).
        `group`: at the group or below. `failed`: the outcome was (not) something else than ok.
        `since`: at that time or later. Only groups and times have an index; where the log is
        long, give one of them beside `action`, `request_id` or a person's `identity`.

        With `after_id`, oldest first: those that follow that record, for a reader that comes
        back for more. Ids are ordered by when a record was made; one that was made a moment
        earlier may be stored a moment later. Who must miss none asks again from an id some
        seconds back (`broker.audit.identifiers.first_id`) and drops what it has seen.
        """
        column = audit_records.c
        conditions: list[ColumnElement[bool]] = []
        if identity is not None:
            conditions.append(_about(identity))
        if group is not None:
            conditions.append(or_(column.group_id == group, below(column.group_id, group)))
        if failed is not None:
            ok = column.outcome == Outcome.OK.value
            conditions.append(~ok if failed else ok)
        if action is not None:
            conditions.append(column.action == action)
        if request_id is not None:
            conditions += [column.request_id == request_id, *_made_during(request_id)]
        if since is not None:
            conditions += [column.id >= first_id(since), column.at >= since]
        if after_id is not None:
            conditions.append(column.id > after_id)
        order = column.id.desc() if after_id is None else column.id
        statement = select(audit_records).where(*conditions).order_by(order).limit(limit)
        return [_record(row) for row in await self._transaction.rows(statement)]


def audit_row(record: AuditRecord) -> tuple[Any, ...]:
    """The values in the order of the table's columns, as the drivers take them."""
    # plain strings: for a UIDP, a subclass, sqlite3 looks for an adapter each time
    group = None if record.group is None else str(record.group)
    return (
        record.id,
        microseconds(record.at),
        record.action,
        record.outcome.value,
        record.actor,
        str(record.subject),
        group,
        record.request_id,
        record.stage,
        record.code,
        record.token_sha256,
        record.detail,
    )


def _made_during(request_id: str) -> list[ColumnElement[bool]]:
    """Bounds on the key: a request's id begins with its time, as its records' ids do."""
    if len(request_id) != 32:
        return []
    try:
        began = _EPOCH + timedelta(milliseconds=int(request_id[:12], 16))
    except (ValueError, OverflowError):
        return []
    column = audit_records.c
    return [
        column.id >= first_id(began - _CLOCKS),
        column.id < first_id(began + _LONGEST_REQUEST),
    ]


def _columns(record: AuditRecord) -> dict[str, Any]:
    return dict(zip(audit_records.c.keys(), audit_row(record), strict=True))


def _about(identity: Uidp) -> ColumnElement[bool]:
    column = audit_records.c
    if identity.is_root:  # a person, who acts and is acted on in any group
        return column.subject == identity
    # its group is the identity's, or none is known; saying so lets the index serve
    return or_(
        (column.group_id == identity.parent) & (column.subject == identity),
        column.group_id.is_(None) & (column.subject == identity),
    )


def _record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        id=row.id,
        at=row.at,
        action=row.action,
        outcome=Outcome(row.outcome),
        actor=row.actor,
        subject=row.subject,
        group=Uidp(row.group_id) if row.group_id is not None else None,
        request_id=row.request_id,
        stage=row.stage,
        code=row.code,
        token_sha256=row.token_sha256,
        detail=row.detail,
    )
