from __future__ import annotations

import stat
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from broker.errors import Invalid, Unavailable
from broker.store import Store
from broker.store.sqlite import Sqlite
from tests.kit.databases import PostgresServer
from tests.store.samples import group, record

SECRET = "hunter2"


async def read(store: Store) -> None:
    async with store.read() as records:
        await records.groups.roots()


async def write(store: Store) -> None:
    async with store.write() as records:
        await records.groups.add(group("acme"))


async def append(store: Store) -> None:
    await store.append_audit([record()])


async def generation(store: Store) -> None:
    await store.generation()


Operation = Callable[[Store], Coroutine[Any, Any, None]]
OPERATIONS: list[Operation] = [read, write, append, generation, Store.check, Store.migrate]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_closed_store_is_unavailable(store: Store, operation: Operation) -> None:
    """Whatever it is asked for after `close`; a second `close` is nothing."""
    await operation(store)
    await store.close()
    await store.close()
    with pytest.raises(Unavailable) as refused:
        await operation(store)
    assert refused.value.code == "store_unavailable"


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_server_that_is_not_there_is_unavailable(operation: Operation) -> None:
    """Nobody listens, and the password is in no message, field or traceback."""
    store = Store.open(f"postgresql://broker:{SECRET}@127.0.0.1:1/broker")
    with pytest.raises(Unavailable) as refused:
        await operation(store)
    assert refused.value.code == "store_unavailable"
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    await store.close()


@pytest.mark.parametrize("operation", [read, write, append, generation])
async def test_lost_connections_are_replaced(
    postgres: PostgresServer, postgres_name: str, operation: Operation
) -> None:
    """After a restart of the server, or a failover, the next call works: nobody notices."""
    store = Store.open(postgres.url(postgres_name))
    await read(store)
    await postgres.disconnect_all(postgres_name)
    await operation(store)
    await store.close()


async def test_the_pool_has_as_many_connections_as_are_set(
    postgres: PostgresServer, postgres_name: str
) -> None:
    """Who comes when all are used waits, and is told that the store is busy."""
    store = Store.open(postgres.url(postgres_name), busy_timeout=0.2, connections=2)
    async with store.read(), store.read():
        assert store.connections() == {"used": 2, "idle": 0}
        with pytest.raises(Unavailable) as refused:
            await read(store)
    assert refused.value.code == "store_busy"
    await read(store)
    await store.close()


async def test_the_server_ends_what_hangs(postgres: PostgresServer, postgres_name: str) -> None:
    """A statement and a transaction in which nothing happens, by the server's own clock."""
    store = Store.open(postgres.url(postgres_name))
    async with store.read() as records:
        rows = await records.groups._transaction.rows(
            text(
                "SELECT name, setting FROM pg_settings WHERE name IN "
                "('statement_timeout', 'idle_in_transaction_session_timeout')"
            )
        )
    assert {row.name: row.setting for row in rows} == {
        "statement_timeout": "30000",
        "idle_in_transaction_session_timeout": "60000",
    }
    await store.close()


async def test_a_connection_lost_in_the_middle_loses_the_whole_transaction(
    postgres: PostgresServer, postgres_name: str
) -> None:
    """The writer learns of it, and nothing of the block is there."""
    store = Store.open(postgres.url(postgres_name))

    async def change() -> None:
        async with store.write() as records:
            await records.groups.add(group("acme"))
            await postgres.disconnect_all(postgres_name)
            await records.groups.add(group("other"))

    with pytest.raises(Unavailable):
        await change()
    async with store.read() as records:
        assert await records.groups.roots() == []
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://u:hunter2@h/d",
        "postgresql:/u:hunter2@h/d",
        "postgresql://u:hunter2/more@h/d",
        "postgresql://u:p@h:hunter2/d",
        "postgresql+psycopg://u:hunter2@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:hunter2?mode=memory&uri=true",
        "sqlite:///x.db?password=hunter2",
        "sqlite://hunter2@x/y.db",
    ],
)
def test_a_url_that_is_none_is_refused_without_a_quote(url: str) -> None:
    """It says what was expected and repeats nothing: there may be a password in it."""
    with pytest.raises(Invalid) as refused:
        Store.open(url)
    assert (refused.value.code, refused.value.field) == ("store_url_invalid", "store.url")
    assert SECRET not in "".join(traceback.format_exception_only(refused.value))
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("query", ["sslmode=hunter2", "host=a,b&port=1,hunter2"])
async def test_a_driver_that_chokes_on_the_url_is_not_quoted(query: str) -> None:
    """Where only the driver finds the fault, its message stays with it."""
    store = Store.open(f"postgresql://u:{SECRET}@/d?{query}")
    with pytest.raises(Unavailable) as refused:
        await read(store)
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    await store.close()


async def test_the_parameters_of_libpq_are_understood(
    postgres: PostgresServer, postgres_name: str
) -> None:
    """`sslmode` and a list of hosts mean what they mean to every PostgreSQL tool."""
    url = postgres.url(postgres_name).replace("host=", "host=/nowhere,")
    store = Store.open(f"{url}&sslmode=disable".replace("postgresql:", "postgres:"))
    await store.check()
    await store.close()


async def test_an_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The directory that is made, the file, and what SQLite puts beside it."""
    path = tmp_path / "a" / "b" / "broker.sqlite3"
    store = Store.open(f"sqlite:///{path}")
    await store.migrate()
    await append(store)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert "broker.sqlite3-wal" in modes
    await store.close()


def test_a_path_that_cannot_be_is_unavailable(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as refused:
        Store.open(f"sqlite:///{tmp_path}/file/broker.sqlite3")
    assert refused.value.code == "store_unavailable"


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_file_that_is_no_database_is_unavailable(
    tmp_path: Path, operation: Operation
) -> None:
    """It is left as it is."""
    path = tmp_path / "broker.sqlite3"
    path.write_text("not a database " * 100)
    store = Store.open(f"sqlite:///{path}")
    with pytest.raises(Unavailable) as refused:
        await operation(store)
    assert refused.value.code == "store_unavailable"
    await store.close()
    assert path.read_text().startswith("not a database")


async def test_every_sqlite_connection_is_told_to_be_durable(sqlite_path: Path) -> None:
    """WAL, a sync at every commit (2 is FULL) and foreign keys: readers, writers, the log."""
    backend = Sqlite(sqlite_path, busy_timeout=1)
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    for engine in (backend.reader, backend.writer):
        async with engine.connect() as connection:
            told = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in pragmas
            ]
        assert told == ["wal", 2, 1]
    connection_of_log = backend._log._connect()
    assert [connection_of_log.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas] == [
        "wal",
        2,
        1,
    ]
    connection_of_log.close()
    await backend.close()
