"""Group commit: records that come while others are being written go together into the next batch.

No timer and no fixed batch size: with little to do a record is written at once and alone; under
load batches grow by themselves, because more records come while one batch is being written.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from broker.audit.record import AuditRecord
from broker.errors import Unavailable
from broker.measures import Tally

MAX_BATCH: Final = 500
MAX_WAITING: Final = 10_000

log = structlog.get_logger()


class AuditLog(Protocol):
    """Where records are kept; `broker.store.Store` is one."""

    async def append_audit(self, records: Sequence[AuditRecord]) -> None:
        """Keep all of them or none; they are durable when this returns."""


class AuditWriter:
    """The only way of an exchange's record into the log. No record, no token."""

    def __init__(
        self, audit_log: AuditLog, *, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING
    ) -> None:
        self._log = audit_log
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[AuditRecord, asyncio.Future[None]]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self.failures = Tally()
        """Batches that could not be written."""

    async def write(self, record: AuditRecord) -> None:
        """Return when `record` is durable.

        Raises `Unavailable` when it could not be kept, and when too many are waiting already.
        A caller who is cancelled gives up the answer, not the record: it is still written.
        """
        if self._closed:
            raise _unavailable("the audit log is closed")
        if len(self._waiting) >= self._max_waiting:
            raise _unavailable("too many audit records are waiting to be written")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._drain(), name="audit-writer")
        await done

    @property
    def waiting(self) -> int:
        """How many records nobody is writing yet."""
        return len(self._waiting)

    async def close(self) -> None:
        """Write what is waiting and take no more."""
        self._closed = True
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _drain(self) -> None:
        batch: list[tuple[AuditRecord, asyncio.Future[None]]] = []
        try:
            while self._waiting:
                size = min(len(self._waiting), self._max_batch)
                batch = [self._waiting.popleft() for _ in range(size)]
                await self._commit(batch)
        finally:
            self._writing = None
            # more than nothing only when the loop is shutting down and cancels this task
            _answer([*batch, *self._waiting], asyncio.CancelledError("the audit writer stopped"))
            self._waiting.clear()

    async def _commit(self, batch: Sequence[tuple[AuditRecord, asyncio.Future[None]]]) -> None:
        try:
            await self._log.append_audit([record for record, _ in batch])
        except Unavailable as error:
            self.failures.add()
            log.error("audit_not_written", records=len(batch), code=error.code)
            _answer(batch, error)
        except Exception as error:
            if len(batch) == 1:
                log.exception("audit_record_not_written", record_id=batch[0][0].id)
                _answer(batch, error)
                return
            # one of them cannot be stored: it must not take the others with it
            for entry in batch:
                await self._commit([entry])
        else:
            _answer(batch, None)


def _answer(
    batch: Sequence[tuple[AuditRecord, asyncio.Future[None]]], error: BaseException | None
) -> None:
    for _, done in batch:
        if done.done():  # answered before, or the caller was cancelled
            continue
        if error is None:
            done.set_result(None)
        else:
            # each its own: an exception that is raised in many tasks collects all their frames
            refusal = _unavailable("the audit record could not be written")
            refusal.__cause__ = error
            done.set_exception(refusal)


def _unavailable(message: str) -> Unavailable:
    return Unavailable("audit_unavailable", message, retry_after=1)
