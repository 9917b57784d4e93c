from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Column, Dialect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from broker.iam.listing import Order, Selection, UidpFilter
from broker.iam.uidp import Uidp
from broker.store.bindings import _LISTING as BINDINGS
from broker.store.group_role_mappings import _LISTING as MAPPINGS
from broker.store.groups import _LISTING as GROUPS
from broker.store.identities import _LISTING as IDENTITIES
from broker.store.tables import (
    account_associations,
    audit_records,
    bindings,
    group_invites,
    group_role_mappings,
    groups,
    identities,
    identity_providers,
    roles,
    subscriptions,
    terms_acceptances,
)
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
    group_invites.c.id,
    group_invites.c.role,
    identity_providers.c.id,
    identity_providers.c.default_role,
    group_role_mappings.c.id,
    group_role_mappings.c.identity_provider,
    group_role_mappings.c.role,
    group_role_mappings.c.scope,
    account_associations.c.group_id,
    terms_acceptances.c.group_id,
    subscriptions.c.id,
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


ACME = Uidp("c" * 40)
FOLDER = Uidp(f"{ACME}/{'d' * 16}")
BY_NAME = (Order(field="name"),)
IN_ORDER = {
    "everything": (GROUPS, Selection(limit=10)),
    "a subtree": (GROUPS, Selection(within=(ACME,), limit=10)),
    "from a position": (GROUPS, Selection(within=(ACME,), after=(FOLDER,), limit=10)),
    "backward": (
        GROUPS,
        Selection(within=(ACME,), order=(Order(field="id", descending=True),), limit=10),
    ),
    "right below": (
        GROUPS,
        Selection(within=(ACME,), uidp=UidpFilter(children_of=ACME), after=(FOLDER,), limit=10),
    ),
    "organizations": (GROUPS, Selection(uidp=UidpFilter(in_root=True), limit=10)),
    "of a name": (GROUPS, Selection(within=(ACME,), equal={"name": "a"}, limit=10)),
    "folders by name": (
        GROUPS,
        Selection(uidp=UidpFilter(children_of=ACME), order=BY_NAME, after=("a", FOLDER), limit=10),
    ),
    "identities": (IDENTITIES, Selection(within=(ACME,), limit=10)),
    "identities of a name": (
        IDENTITIES,
        Selection(within=(ACME,), equal={"name": "a"}, limit=10),
    ),
    "identities of a group": (IDENTITIES, Selection(equal={"group": ACME}, limit=10)),
    "identities by name": (
        IDENTITIES,
        Selection(
            within=(ACME,),
            uidp=UidpFilter(children_of=ACME),
            order=BY_NAME,
            after=("a", FOLDER),
            limit=10,
        ),
    ),
    "bindings of a role": (BINDINGS, Selection(within=(ACME,), equal={"role": ACME}, limit=10)),
    "bindings of an identity": (
        BINDINGS,
        Selection(within=(ACME,), equal={"identity": ACME}, limit=10),
    ),
    "mappings of a provider": (
        MAPPINGS,
        Selection(within=(ACME,), equal={"identity_provider": FOLDER}, limit=10),
    ),
}
"""Pages that cost what their length costs: the index gives the rows in order."""


def page_of(name: str, dialect: Dialect) -> str:
    listing, selection = IN_ORDER[name]
    statement = listing.statement(selection)
    assert statement is not None
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize("name", IN_ORDER)
async def test_a_page_is_read_in_order_on_sqlite(sqlite_path: Path, name: str) -> None:
    """Nothing is sorted, but among identities of one name; only what is wanted from everywhere
    begins without a search.
    """
    query = page_of(name, make_url("sqlite://").get_dialect()())
    found = await plan(f"sqlite:///{sqlite_path}", query)
    assert "TEMP B-TREE FOR ORDER BY" not in found
    assert ("TEMP B-TREE" in found) == (name == "identities by name")
    assert ("SCAN" in found) == (name == "everything")
    assert "USING INDEX" in found


@pytest.mark.parametrize("name", IN_ORDER)
async def test_a_page_can_be_read_in_order_on_postgresql(
    postgres: PostgresServer, postgres_name: str, name: str
) -> None:
    """An index serves the conditions and the order; how far sorting pays is the server's choice."""
    settings = ("enable_seqscan", "enable_bitmapscan", "enable_sort")
    found = await plan(
        postgres.url(postgres_name),
        page_of(name, make_url("postgresql+asyncpg://").get_dialect()()),
        *(f"SET {setting} = off" for setting in settings),
    )
    assert "Index" in found
    assert "Seq Scan" not in found
    # an incremental sort: by the UIDP, among those of one name
    assert re.findall(r"\w* Sort  ", found) in ([], ["Incremental Sort  "] * ("by name" in name))


@pytest.mark.parametrize("name", ["a subtree", "bindings of a role"])
async def test_every_subtree_of_many_is_a_range(sqlite_path: Path, name: str) -> None:
    """Each has its own search in the index and its own end, and is in order."""
    listing, selection = IN_ORDER[name]
    roots = tuple(Uidp(f"{n:040x}") for n in range(5))
    statement = listing.statement(replace(selection, within=roots))
    assert statement is not None
    dialect = make_url("sqlite://").get_dialect()()
    query = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    found = await plan(f"sqlite:///{sqlite_path}", str(query))
    assert found.count("id>? AND id<?)") == 5
    assert query.string.count("LIMIT 11") == 6
