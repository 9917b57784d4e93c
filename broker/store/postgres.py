"""PostgreSQL: for more than one machine."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import event, func, insert, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from broker.store.failures import connecting, lost, translated
from broker.store.tables import audit_records, generations
from broker.store.url import PostgresServer

_CONNECT_TIMEOUT: Final = 5.0
_COMMAND_TIMEOUT: Final = 30.0
_IDLE_TIMEOUT: Final = 60.0
"""Seconds after which the server ends a transaction in which nothing is asked: a process that hangs
keeps nobody from the records."""

CONNECTIONS: Final = 10
_PREPARED: Final = 100
"""Statements that a connection keeps prepared."""
_RECYCLE: Final = 1800
"""Seconds after which a connection is replaced: what lies between may have forgotten it."""

_DDL_TIMEOUT: Final = 3000
"""Milliseconds that a migration waits for a table before it lets others through and tries again."""

_MIGRATION_LOCK: Final = 0x6F69_6463_6272_6F6B
"""The advisory lock of who migrates; any number, the same in every version."""


# A peer that is gone without a word is noticed within half a minute while nothing is said, and
# within ten seconds while an answer is due. tcp(7); the server watches its own end as closely.
_KEEPALIVE: Final = {"idle": 15, "interval": 5, "count": 3}
_SOCKET_OPTIONS: Final = {
    "TCP_KEEPIDLE": _KEEPALIVE["idle"],
    "TCP_KEEPINTVL": _KEEPALIVE["interval"],
    "TCP_KEEPCNT": _KEEPALIVE["count"],
    "TCP_USER_TIMEOUT": 10_000,
}


class Postgres:
    """Connections to `server`, at most `connections` at once.

    `busy_timeout`: seconds to wait for others.

    Behind PgBouncer in transaction mode each transaction may be on another connection of the
    server: limits are set for the transaction, and no statement stays prepared.
    """

    def __init__(
        self, server: PostgresServer, *, busy_timeout: float, connections: int = CONNECTIONS
    ) -> None:
        self._server = server
        self._connections = connections
        self._busy_timeout = busy_timeout
        self._limits = _limits(
            lock=busy_timeout, statement=_COMMAND_TIMEOUT, idle_in_transaction=_IDLE_TIMEOUT
        )
        self.writer = self._engine(self._limits, command_timeout=_COMMAND_TIMEOUT)
        # one snapshot for all statements of a reader, as on SQLite
        self.reader = self.writer.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._appender = self.writer
        if not server.pgbouncer:
            # the driver sends a whole batch at once, as one implicit transaction
            self._appender = self.writer.execution_options(isolation_level="AUTOCOMMIT")
        self._insert = str(insert(audit_records).compile(dialect=self.writer.dialect))

    @asynccontextmanager
    async def migrating(self, *, patience: float) -> AsyncIterator[AsyncConnection]:
        """A transaction that no other process migrates beside. `patience`: seconds."""
        limits = _limits(lock=patience, statement=0, idle_in_transaction=0)
        engine = self._engine(limits, command_timeout=None)
        try:
            with translated():
                async with engine.begin() as connection:
                    await self._limit(connection, limits)
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

    async def begun(self, connection: AsyncConnection) -> None:
        """What comes first in a transaction."""
        await self._limit(connection, self._limits)

    async def lock(self, connection: AsyncConnection) -> None:
        """Make writers take turns, so that what one has read is still so when it writes."""
        await connection.execute(select(generations.c.value).with_for_update())

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Audit records, durable when this returns."""
        with connecting():
            connection = await self._appender.connect().start()
        try:
            with translated():
                await self._limit(connection, self._limits)
                await connection.exec_driver_sql(self._insert, list(rows))
                await connection.commit()
        finally:
            await connection.close()

    async def close(self) -> None:
        """Give back every connection."""
        await self.writer.dispose()

    async def _limit(self, connection: AsyncConnection, limits: Mapping[str, str]) -> None:
        if self._server.pgbouncer:
            local = [func.set_config(name, value, True) for name, value in limits.items()]
            await connection.execute(select(*local))

    def _engine(self, limits: Mapping[str, str], *, command_timeout: float | None) -> AsyncEngine:
        settings = {"application_name": "oidc-broker"}
        if not self._server.pgbouncer:  # it refuses who sends parameters that it does not track
            settings |= limits
            settings |= {f"tcp_keepalives_{name}": str(n) for name, n in _KEEPALIVE.items()}

        async def connect() -> asyncpg.Connection[asyncpg.Record]:
            with connecting():
                connection = await asyncpg.connect(
                    self._server.dsn,
                    timeout=_CONNECT_TIMEOUT,
                    command_timeout=command_timeout,
                    server_settings=settings,
                    statement_cache_size=0 if self._server.pgbouncer else _PREPARED,
                )
                _keep_alive(connection)
                return connection

        # the driver gave these a name before 0.32, whatever the size of its cache
        unprepared: dict[str, Any] = {
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": str,  # no name: the next statement takes its place
        }
        engine = create_async_engine(
            # the driver reads the URI itself: it knows libpq's parameters (sslmode, more hosts)
            "postgresql+asyncpg://",
            async_creator=connect,
            connect_args=unprepared if self._server.pgbouncer else {},
            hide_parameters=True,
            pool_size=(self._connections + 1) // 2,
            max_overflow=self._connections // 2,
            # asked before it is used: the connections of a server that was restarted, or is not
            # the primary any more, are replaced without anybody noticing
            pool_pre_ping=True,
            pool_timeout=self._busy_timeout,
            pool_recycle=_RECYCLE,
        )
        event.listen(engine.sync_engine, "handle_error", _give_up)
        return engine


def _limits(*, lock: float, statement: float, idle_in_transaction: float) -> dict[str, str]:
    """PostgreSQL's parameters, of seconds; 0 is for ever. What the driver has given up must not
    go on in the server.
    """
    return {
        "lock_timeout": _milliseconds(lock),
        "statement_timeout": _milliseconds(statement),
        "idle_in_transaction_session_timeout": _milliseconds(idle_in_transaction),
    }


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _give_up(context: ExceptionContext) -> None:
    """Have the pool replace its connections when an error shows that they lead nowhere.

    A server that became a standby answers a ping, and refuses every change.
    """
    if lost(context.original_exception):
        context.is_disconnect = True


def _keep_alive(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    # the driver has no options for its socket
    transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001 - nor a way to it
    its_socket = transport.get_extra_info("socket")
    if its_socket.family == socket.AF_UNIX:
        return
    its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SOCKET_OPTIONS.items():
        option = getattr(socket, name, None)
        if option is not None:  # not every system has each
            its_socket.setsockopt(socket.IPPROTO_TCP, option, value)
