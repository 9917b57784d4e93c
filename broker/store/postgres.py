"""PostgreSQL: for more than one machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from broker.store.failures import connecting, translated
from broker.store.tables import audit_records, generations

_CONNECT_TIMEOUT: Final = 5.0
_COMMAND_TIMEOUT: Final = 30.0
_IDLE_TIMEOUT: Final = 60.0
"""Seconds after which the server ends a transaction in which nothing is asked: a process that hangs
keeps nobody from the records."""

CONNECTIONS: Final = 10
_RECYCLE: Final = 1800
"""Seconds after which a connection is replaced: what lies between may have forgotten it."""

_DDL_TIMEOUT: Final = 3000
"""Milliseconds that a migration waits for a table before it lets others through and tries again."""

_MIGRATION_LOCK: Final = 0x6F69_6463_6272_6F6B
"""The advisory lock of who migrates; any number, the same in every version."""


class Postgres:
    """Connections to the server of the URI `dsn`, at most `connections` at once.

    `busy_timeout`: seconds to wait for others.
    """

    def __init__(self, dsn: str, *, busy_timeout: float, connections: int = CONNECTIONS) -> None:
        self._dsn = dsn
        self._connections = connections
        self.writer = self._engine(lock_timeout=busy_timeout, command_timeout=_COMMAND_TIMEOUT)
        # one snapshot for all statements of a reader, as on SQLite
        self.reader = self.writer.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # the driver sends a whole batch at once, as one implicit transaction
        self._appender = self.writer.execution_options(isolation_level="AUTOCOMMIT")
        self._insert = str(insert(audit_records).compile(dialect=self.writer.dialect))

    @asynccontextmanager
    async def migrating(self, *, patience: float) -> AsyncIterator[AsyncConnection]:
        """A transaction that no other process migrates beside. `patience`: seconds."""
        engine = self._engine(lock_timeout=patience, command_timeout=None)
        try:
            with translated():
                async with engine.begin() as connection:
                    await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                    # who waits to change a table makes all others wait who want to read it
                    await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_DDL_TIMEOUT}")
                    yield connection
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nothing to wait for: `lock` waits in the server, fairly."""
        yield

    async def lock(self, connection: AsyncConnection) -> None:
        """Make writers take turns, so that what one has read is still so when it writes."""
        await connection.execute(select(generations.c.value).with_for_update())

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Audit records, durable when this returns."""
        with connecting():
            connection = await self._appender.connect().start()
        try:
            with translated():
                await connection.exec_driver_sql(self._insert, list(rows))
        finally:
            await connection.close()

    async def close(self) -> None:
        """Give back every connection."""
        await self.writer.dispose()

    def _engine(self, *, lock_timeout: float, command_timeout: float | None) -> AsyncEngine:
        async def connect() -> asyncpg.Connection[asyncpg.Record]:
            with connecting():
                return await asyncpg.connect(
                    self._dsn,
                    timeout=_CONNECT_TIMEOUT,
                    command_timeout=command_timeout,
                    server_settings={
                        "application_name": "oidc-broker",
                        "lock_timeout": _milliseconds(lock_timeout),
                        # what the driver has given up must not go on in the server
                        "statement_timeout": _milliseconds(command_timeout or 0),
                        "idle_in_transaction_session_timeout": _milliseconds(_IDLE_TIMEOUT),
                    },
                )

        return create_async_engine(
            # the driver reads the URI itself: it knows libpq's parameters (sslmode, more hosts)
            "postgresql+asyncpg://",
            async_creator=connect,
            hide_parameters=True,
            pool_size=(self._connections + 1) // 2,
            max_overflow=self._connections // 2,
            # asked before it is used: the connections of a server that was restarted, or is not
            # the primary any more, are replaced without anybody noticing
            pool_pre_ping=True,
            pool_timeout=lock_timeout,
            pool_recycle=_RECYCLE,
        )


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
