"""SQLite: one file, many readers, one writer at a time."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Table, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from broker.store.failures import busy, connecting, translated
from broker.store.tables import audit_records

_BEGIN: Final = "broker_begin"
"""Execution option: the statement that begins a transaction."""

# IMMEDIATE takes the write lock at once: a transaction that reads first and writes later would
# otherwise fail, whatever the timeout, when another wrote in between
_BEGIN_WRITE: Final = "BEGIN IMMEDIATE"


class Sqlite:
    """Connections to the file at `path`. `busy_timeout`: seconds to wait for other writers."""

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        _create(path, busy_timeout)
        self.reader = self.engine(busy_timeout=busy_timeout)
        self.writer = self.reader.execution_options(**{_BEGIN: _BEGIN_WRITE})
        self._turn = asyncio.Lock()
        self._log = _Log(path, busy_timeout)

    def engine(self, *, busy_timeout: float) -> AsyncEngine:
        """Connections with another patience; the caller disposes of them."""
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self._path)),
            hide_parameters=True,
            pool_size=4,
            max_overflow=4,
            pool_timeout=busy_timeout,
        )

        @event.listens_for(engine.sync_engine, "connect")
        def configure(connection: Any, _: object) -> None:
            # None: the driver begins and ends no transaction by itself; `begin` below does
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in _pragmas(busy_timeout):
                cursor.execute(pragma)
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

        return engine

    @asynccontextmanager
    async def migrating(self, *, patience: float) -> AsyncIterator[AsyncConnection]:
        """A transaction that no other process migrates beside. `patience`: seconds."""
        engine = self.engine(busy_timeout=patience)
        try:
            with translated():
                async with engine.execution_options(**{_BEGIN: _BEGIN_WRITE}).begin() as connection:
                    yield connection
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The writers of this process one after the other, in the order in which they came.

        Left to SQLite alone, those who wait would sleep and ask again, up to 0.1 s at a time.
        """
        if self._turn.locked():
            await self._wait()
        else:
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._busy_timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise busy() from None

    async def begun(self, connection: AsyncConnection) -> None:
        """Nothing: connections keep what they were told at first."""

    async def lock(self, connection: AsyncConnection) -> None:
        """Nothing: who has begun to write is alone already."""

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Audit records, durable when this returns."""
        async with self.turn():
            with translated():
                await self._log.append(rows)

    async def close(self) -> None:
        """Give back every connection."""
        await self._log.close()
        await self.reader.dispose()


class _Log:
    """The audit log's own connection, in a thread of its own.

    A batch is one trip to the thread and one statement, which is its own transaction: the rows
    travel as one JSON text. Every step of a statement gives up the interpreter's lock and has to
    win it back from a busy event loop, so a statement for each row cost the loop more than the
    rows themselves.
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit-log")
        self._connection: sqlite3.Connection | None = None
        self._insert = _insert_from_json(audit_records)

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._commit, rows)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _commit(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.execute(self._insert, (orjson.dumps(rows).decode(),))
        except BaseException:
            self._disconnect()  # the next batch gets a fresh connection
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        for pragma in _pragmas(self._busy_timeout):
            connection.execute(pragma)
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _insert_from_json(table: Table) -> str:
    """Every row of a JSON array of arrays, whose values are in the order of the columns."""
    names = table.c.keys()
    values = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(len(names)))
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM json_each(?)"  # noqa: S608 - names of our own


def _create(path: Path, busy_timeout: float) -> None:
    """The directory and the file, for their owner alone, in WAL mode. Raises `Unavailable`.

    SQLite gives the files that it puts beside it (WAL, shared memory) the mode of the file.
    """
    with connecting():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        _to_wal(path, time.monotonic() + busy_timeout)


def _to_wal(path: Path, deadline: float) -> None:
    """The mode is kept in the file. Changing to it, SQLite does not wait for others by itself."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.DatabaseError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline:
                    return  # whatever is wrong with the file, its first use will say so
                time.sleep(0.005)
    finally:
        connection.close()


def _pragmas(busy_timeout: float) -> tuple[str, ...]:
    """What every connection is told first."""
    return (
        f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}",
        # WAL with NORMAL may lose the last commits when the power fails
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    )
