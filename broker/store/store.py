"""The store: transactions over the records, the audit log's fast way in, and the schema."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Self

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from broker.audit.record import AuditRecord
from broker.errors import Unavailable
from broker.store.audit import audit_row
from broker.store.failures import connecting, gone, translated
from broker.store.postgres import CONNECTIONS, Postgres
from broker.store.records import Records
from broker.store.schema import Pending, Schema
from broker.store.sqlite import Sqlite
from broker.store.tables import generations
from broker.store.transaction import Transaction
from broker.store.url import SqliteFile, parse

BUSY_TIMEOUT: Final = 5.0
"""Seconds that a writer waits for others."""

MIGRATION_PATIENCE: Final = 300.0
"""Seconds that a process waits for another one's migrations."""


class Store:
    """The records of an installation, on SQLite or PostgreSQL.

    Everything here raises `Unavailable` when the database is away (`store_unavailable`) or
    others hold it for too long (`store_busy`).
    """

    def __init__(self, backend: Sqlite | Postgres) -> None:
        self._backend = backend
        self._schema = Schema()
        self._closed = False

    @classmethod
    def open(
        cls, url: str, *, busy_timeout: float = BUSY_TIMEOUT, connections: int = CONNECTIONS
    ) -> Self:
        """`sqlite:///PATH` (the file and its directory are made) or `postgresql://…`.

        `connections`: to PostgreSQL, at most. Connects on first use. Raises `Invalid` for a URL
        that is neither.
        """
        place = parse(url)
        if isinstance(place, SqliteFile):
            return cls(Sqlite(place.path, busy_timeout=busy_timeout))
        return cls(Postgres(place, busy_timeout=busy_timeout, connections=connections))

    async def close(self) -> None:
        """Give back every connection. A closed store is `Unavailable`."""
        if not self._closed:
            self._closed = True
            await self._backend.close()

    def connections(self) -> dict[str, int]:
        """How many connections are `used` and `idle`, those of readers and writers together."""
        counted = {"used": 0, "idle": 0}
        for pool in {self._backend.writer.pool, self._backend.reader.pool}:
            if isinstance(pool, QueuePool):  # SQLite in a file of one connection has none
                counted["used"] += pool.checkedout()
                counted["idle"] += pool.checkedin()
        return counted

    async def migrate(self) -> None:
        """Bring the schema to this version's. Processes that do so at once wait for the first.

        Raises `Precondition` when a newer version has migrated it already.
        """
        self._expect_open()
        until = time.monotonic() + MIGRATION_PATIENCE
        while True:
            try:
                async with self._backend.migrating(patience=MIGRATION_PATIENCE) as connection:
                    await connection.run_sync(self._schema.upgrade)
            except Unavailable as busy:
                # a table was in use: whoever waits for it keeps others from it, so not for long
                if busy.code != "store_busy" or time.monotonic() > until:
                    raise
                await asyncio.sleep(1)
            else:
                return

    async def pending(self) -> tuple[Pending, ...]:
        """The migrations that `migrate` would run. Raises `Precondition` as it does."""
        async with self._begun(self._backend.reader) as connection:
            with translated():
                return await connection.run_sync(self._schema.pending)

    async def check(self) -> None:
        """Raises `Precondition` unless the schema is this version's."""
        async with self._begun(self._backend.reader) as connection:
            with translated():
                await connection.run_sync(self._schema.expect_head)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Records]:
        """The records as they are at one moment."""
        async with self._begun(self._backend.reader) as connection:
            yield Records(Transaction(connection, writable=False))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Records]:
        """The records, to change. All of it is kept when the block ends, none when it raises.

        Writers take turns: what the block has read stays as it is until it ends. Keep it short,
        and do not wait in it for anything else that writes (the audit writer).
        """
        async with self._backend.turn(), self._begun(self._backend.writer) as connection:
            transaction = Transaction(connection, writable=True)
            with translated():
                await self._backend.lock(connection)
            yield Records(transaction)
            transaction.expect_usable()
            with translated():
                if transaction.changed:
                    next_value = generations.c.value + 1
                    await connection.execute(update(generations).values(value=next_value))
                await connection.commit()

    async def generation(self) -> int:
        """A number that moves whenever something changes that says what identities hold: groups,
        identities, roles, bindings, identity providers, their mappings, login policies.
        """
        async with self._begun(self._backend.reader) as connection:
            with translated():
                return int((await connection.execute(select(generations.c.value))).scalar_one())

    async def append_audit(self, records: Sequence[AuditRecord]) -> None:
        """Keep all of them or none, durable when this returns."""
        self._expect_open()
        if records:
            await self._backend.append([audit_row(record) for record in records])

    @asynccontextmanager
    async def _begun(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is rolled back unless the block commits."""
        self._expect_open()
        async with AsyncExitStack() as stack:
            with connecting():
                connection = await stack.enter_async_context(engine.connect())
            with translated():
                await connection.begin()
                await self._backend.begun(connection)
            yield connection

    def _expect_open(self) -> None:
        if self._closed:
            raise gone()
