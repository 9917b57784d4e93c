from __future__ import annotations

import secrets
from datetime import timedelta

import orjson
import pytest

from broker.directory.retention import prune_audit_records
from broker.errors import Invalid
from broker.store import Store
from tests.store.samples import NOW, record


async def test_old_records_go_and_that_is_a_record(store: Store) -> None:
    """In batches, all of them; one record for all says until when, and nothing when none was old."""
    old = [record(NOW + timedelta(seconds=n)) for n in range(7)]
    young = record(NOW + timedelta(days=1))
    await store.append_audit([*old, young])

    async def prune() -> int:
        return await prune_audit_records(
            store,
            NOW + timedelta(hours=1),
            now=NOW + timedelta(days=2),
            random=secrets.token_bytes,
            request_id="0" * 32,
            at_once=3,
        )

    assert await prune() == 7
    assert await prune() == 0
    async with store.read() as records:
        told, kept = await records.audit.find()
    assert kept == young
    assert (told.action, told.actor) == ("audit.pruned", "local:audit prune")
    assert orjson.loads(told.detail) == {"before": "2026-03-04T06:06:07.890123+00:00"}


async def test_what_is_to_come_is_not_deleted(store: Store) -> None:
    """A time that is not past is refused: it is a slip, and would take today's records."""
    with pytest.raises(Invalid, match="before: expected a time that is past"):
        await prune_audit_records(
            store, NOW, now=NOW, random=secrets.token_bytes, request_id="0" * 32
        )
