from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.audit.record import AuditRecord
from broker.audit.writer import AuditWriter
from broker.errors import Unavailable
from broker.store import Store
from tests.store.samples import record


class GatedLog:
    """A store whose commits wait for permission, and which tells how large they were."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.open = asyncio.Event()
        self.batches: list[int] = []

    async def append_audit(self, records: Sequence[AuditRecord]) -> None:
        self.batches.append(len(records))
        await self.open.wait()
        await self._store.append_audit(records)


@pytest.fixture
def log(store: Store) -> GatedLog:
    return GatedLog(store)


def on_disk(path: Path) -> set[str]:
    """What somebody else who opens the file finds."""
    connection = sqlite3.connect(path)
    try:
        return {row[0] for row in connection.execute("SELECT id FROM audit_records")}
    finally:
        connection.close()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_written_record_is_on_disk(store: Store, path: Path) -> None:
    """When `write` returns, another connection to the file finds the record."""
    writer = AuditWriter(store)
    for _ in range(3):
        one = record()
        await writer.write(one)
        assert one.id in on_disk(path)


async def test_records_that_come_during_a_commit_go_together(log: GatedLog, path: Path) -> None:
    """The first goes alone and at once; all that come meanwhile are one batch."""
    writer = AuditWriter(log)
    some = [record() for _ in range(21)]
    first = asyncio.create_task(writer.write(some[0]))
    await settle()
    others = [asyncio.create_task(writer.write(each)) for each in some[1:]]
    await settle()
    log.open.set()
    await asyncio.gather(first, *others)
    assert log.batches == [1, 20]
    assert on_disk(path) == {each.id for each in some}


async def test_a_batch_has_a_largest_size(log: GatedLog) -> None:
    """What is more than that goes into the next one."""
    writer = AuditWriter(log, max_batch=8)
    tasks = [asyncio.create_task(writer.write(record())) for _ in range(20)]
    log.open.set()
    await asyncio.gather(*tasks)
    assert log.batches == [8, 8, 4]


async def test_many_writers_at_once_are_all_kept(store: Store, path: Path) -> None:
    """A thousand exchanges: every record is there, once."""
    writer = AuditWriter(store)
    some = [record() for _ in range(1000)]
    await asyncio.gather(*(writer.write(each) for each in some))
    assert on_disk(path) == {each.id for each in some}


async def test_a_closed_log_gives_every_waiter_unavailable(log: GatedLog, store: Store) -> None:
    """No record, no token: each of a batch is refused, with an exception of its own."""
    writer = AuditWriter(log)
    tasks = [asyncio.create_task(writer.write(record())) for _ in range(5)]
    await store.close()
    log.open.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Unavailable] * 5
    assert {each.code for each in outcomes if isinstance(each, Unavailable)} == {
        "audit_unavailable"
    }
    assert len({id(each) for each in outcomes}) == 5


async def test_a_log_that_comes_back_is_used_again(store: Store, path: Path) -> None:
    """While somebody else holds the file writes are refused; afterwards they are kept."""
    writer = AuditWriter(store)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as refused:
        await writer.write(record())
    assert refused.value.code == "audit_unavailable"
    holder.execute("ROLLBACK")
    holder.close()
    one = record()
    await writer.write(one)
    assert on_disk(path) == {one.id}


async def test_a_database_that_takes_no_record_refuses_all(store: Store, path: Path) -> None:
    """Each waiter of the batch is told, and nothing is kept."""
    writer = AuditWriter(store)
    await writer.write(record())
    operator = sqlite3.connect(path)
    operator.execute(
        "CREATE TRIGGER sealed BEFORE INSERT ON audit_records "
        "BEGIN SELECT RAISE(ABORT, 'sealed'); END"
    )
    operator.close()
    outcomes = await asyncio.gather(
        *(writer.write(record()) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [Unavailable] * 3
    assert len(on_disk(path)) == 1


async def test_a_record_that_cannot_be_kept_harms_no_other(log: GatedLog, path: Path) -> None:
    """One of a batch is refused by the database; its neighbours are kept."""
    writer = AuditWriter(log)
    known = record()
    log.open.set()
    await writer.write(known)
    good = [record() for _ in range(3)]
    unencodable = record(actor="\ud800")
    outcomes = await asyncio.gather(
        *(writer.write(each) for each in (good[0], known, good[1], unencodable, good[2])),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [
        type(None),
        Unavailable,
        type(None),
        Unavailable,
        type(None),
    ]
    assert on_disk(path) == {known.id, *(each.id for each in good)}


@pytest.mark.parametrize("moment", ["while it is written", "while it waits"])
async def test_a_cancelled_caller_loses_nothing(log: GatedLog, path: Path, moment: str) -> None:
    """Their record is written all the same, and the others' too."""
    writer = AuditWriter(log)
    some = [record() for _ in range(4)]
    tasks = [asyncio.create_task(writer.write(some[0]))]
    await settle()
    tasks += [asyncio.create_task(writer.write(each)) for each in some[1:]]
    await settle()
    gone = tasks.pop(0 if moment == "while it is written" else 2)
    gone.cancel()
    log.open.set()
    with pytest.raises(asyncio.CancelledError):
        await gone
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    await writer.close()
    assert on_disk(path) == {each.id for each in some}


async def test_too_many_waiting_are_refused(log: GatedLog, path: Path) -> None:
    """Beyond the bound a write is refused at once; those who wait are still served."""
    writer = AuditWriter(log, max_waiting=3)
    first = asyncio.create_task(writer.write(record()))
    await settle()
    waiting = [asyncio.create_task(writer.write(record())) for _ in range(3)]
    await settle()
    with pytest.raises(Unavailable) as refused:
        await writer.write(record())
    assert refused.value.code == "audit_unavailable"
    log.open.set()
    await asyncio.gather(first, *waiting)
    assert len(on_disk(path)) == 4


async def test_close_writes_what_waits_and_takes_no_more(log: GatedLog, path: Path) -> None:
    """After `close` everything that was accepted is on disk."""
    writer = AuditWriter(log)
    tasks = [asyncio.create_task(writer.write(record())) for _ in range(3)]
    await settle()
    closing = asyncio.create_task(writer.close())
    await settle()
    assert not closing.done()
    with pytest.raises(Unavailable):
        await writer.write(record())
    log.open.set()
    await closing
    assert len(on_disk(path)) == 3
    await asyncio.gather(*tasks)


async def test_a_writer_that_is_torn_down_leaves_nobody_waiting(log: GatedLog) -> None:
    """When the event loop cancels every task, those who wait are told, not left hanging."""
    writer = AuditWriter(log)
    tasks = [asyncio.create_task(writer.write(record())) for _ in range(2)]
    await settle()
    tasks += [asyncio.create_task(writer.write(record())) for _ in range(2)]
    await settle()
    (drain,) = (task for task in asyncio.all_tasks() if task.get_name() == "audit-writer")
    drain.cancel()
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Unavailable] * 4
