from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, Dialect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from broker.iam.uidp import Uidp
from broker.store.tables import audit_records, bindings, groups, identities, roles
from broker.store.transaction import below
from tests.kit.databases import PostgresServer
from tests.store.test_schema import sqlalchemy_url

SCANNED = [
    groups.c.id,
    identities.c.id,
    roles.c.id,
    bindings.c.id,
    bindings.c.identity,
    bindings.c.role,
    audit_records.c.group_id,
]
PREFIX = Uidp("a" * 40)


async def plan(url: str, query: str, *first: str) -> str:
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.connect() as connection:
        for statement in first:
            await connection.execute(text(statement))
        explain = "EXPLAIN" if url.startswith("postgresql") else "EXPLAIN QUERY PLAN"
        rows = (await connection.exec_driver_sql(f"{explain} {query}")).all()
    await engine.dispose()
    return "\n".join(str(row[-1]) for row in rows)


def scan(column: Column[str], dialect: Dialect) -> str:
    statement = select(column.table).where(below(column, PREFIX))
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled)


@pytest.mark.parametrize("column", SCANNED, ids=str)
async def test_a_prefix_is_an_index_range_on_sqlite(sqlite_path: Path, column: Column[str]) -> None:
    """Both bounds are searched in the index; nothing is scanned."""
    found = await plan(
        f"sqlite:///{sqlite_path}", scan(column, make_url("sqlite://").get_dialect()())
    )
    assert "SEARCH" in found
    assert f"({column.name}>? AND {column.name}<?)" in found


@pytest.mark.parametrize("column", SCANNED, ids=str)
async def test_a_prefix_is_an_index_range_on_postgresql(
    postgres: PostgresServer, postgres_name: str, column: Column[str]
) -> None:
    """Both bounds are conditions of the index; nothing is left to a filter."""
    url = postgres.url(postgres_name)
    # on an empty table reading all of it is cheapest
    found = await plan(
        url,
        scan(column, make_url("postgresql+asyncpg://").get_dialect()()),
        "SET enable_seqscan = off",
    )
    assert "Filter" not in found
    assert f"Index Cond: (({column.name} >= '{PREFIX}/'" in found
    assert f"({column.name} < '{PREFIX}0'" in found


async def test_uidp_columns_sort_bytewise_on_postgresql(
    postgres: PostgresServer, postgres_name: str
) -> None:
    """Whatever the locale of the database: in most locales '/' is ignored when sorting."""
    engine = create_async_engine(sqlalchemy_url(postgres.url(postgres_name)))
    query = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'"
    )
    async with engine.connect() as connection:
        rows = {tuple(row) for row in await connection.execute(text(query))}
    await engine.dispose()
    assert {(column.table.name, column.name) for column in SCANNED} <= rows
