from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from broker.errors import Precondition
from broker.store import Store
from broker.store.schema import Schema
from broker.store.tables import metadata


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def sqlalchemy_url(url: str) -> str:
    return url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")


async def test_the_migrations_make_the_tables(url: str) -> None:
    """What the revisions lead to is what `tables` declares, with nothing besides."""
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_a_difference_would_be_seen(url: str) -> None:
    """The comparison above finds a missing index, a missing column and a new table."""
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.begin() as connection:
        await connection.execute(text("DROP INDEX ix_bindings_identity_id"))
        await connection.execute(text("ALTER TABLE roles DROP COLUMN description"))
        await connection.execute(text("CREATE TABLE more (id INTEGER)"))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert {each[0] for each in found} == {"add_index", "add_column", "remove_table"}


async def test_a_store_without_tables_is_outdated(empty_url: str) -> None:
    """`check` says so until `migrate` has run, and a second `migrate` changes nothing."""
    store = Store.open(empty_url)
    with pytest.raises(Precondition) as refused:
        await store.check()
    assert refused.value.code == "schema_outdated"
    await store.migrate()
    await store.check()
    await store.migrate()
    await store.check()
    assert await store.generation() == 0
    await store.close()


async def test_a_store_of_a_newer_version_is_left_alone(url: str) -> None:
    """A revision that this version does not know is neither used nor migrated."""
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    store = Store.open(url)
    for operation in (store.check, store.migrate):
        with pytest.raises(Precondition) as refused:
            await operation()
        assert refused.value.code == "schema_newer"
    await store.close()


MIGRATE = """
import asyncio, sys
from broker.store import Store
from broker.store.schema import Schema
async def main():
    store = Store.open(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await store.migrate()
    await store.check()
    await store.close()
asyncio.run(main())
"""


async def test_processes_can_migrate_at_once(empty_url: str) -> None:
    """Three processes that start together all come through, and the schema is made once."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MIGRATE, empty_url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        await process.stdout.readline()
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0], ends
    store = Store.open(empty_url)
    await store.check()
    assert await store.generation() == 0
    await store.close()


def test_the_revisions_are_alembics() -> None:
    """What is read off the names of the files is what Alembic would run, in its order."""
    config = Config()
    config.set_main_option("script_location", "broker.store:migrations")
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    in_order = [script.revision for script in scripts.walk_revisions()][::-1]
    assert list(Schema().revisions) == in_order


def test_a_database_that_is_up_to_date_needs_no_alembic(url: str) -> None:
    """A process that finds nothing to migrate does not import it."""
    code = (
        "import asyncio, sys; from broker.store import Store\n"
        "async def main():\n"
        "    store = Store.open(sys.argv[1]); await store.migrate(); await store.check()\n"
        "    await store.close()\n"
        "asyncio.run(main()); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], check=False).returncode == 0
