"""What is read of a large installation: no more than of a small one.

PostgreSQL tells how many rows each statement looked at, SQLite how many steps its machine made.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from broker.audit.identifiers import first_id
from broker.iam.listing import Order, Selection, UidpFilter
from broker.iam.uidp import Uidp
from broker.store import Records, Store
from broker.store.transaction import digest
from tests.kit.databases import PostgresServer
from tests.store.conftest import migrate
from tests.store.samples import NOW, OWNER

ORGANIZATIONS, FOLDERS, EACH, PROVIDERS = 100, 10, 100, 50
"""100,000 identities, each with a binding and an audit record; 5,000 identity providers."""

MOST_ROWS = 1_000
"""That one statement may look at, which is some pages; the smallest table has more."""
MOST_STEPS = 8_000
"""The same for SQLite, whose machine makes about five for a row that it looks at, thirty for one that
it gives."""

ACME = Uidp(f"{7:040x}")
FOLDER = Uidp(f"{ACME}/{3:016x}")
IDENTITY = Uidp(f"{FOLDER}/{5:016x}")
ISSUER = "https://issuer.example"
AT = 1_772_600_000_000_000
"""Microseconds since the epoch; the audit records follow, one a second."""

pytestmark = pytest.mark.xdist_group("large")

Values = list[tuple[Any, ...]]


def installation() -> Iterator[tuple[str, tuple[str, ...], Values]]:
    """Tables, columns and rows: the same for both engines."""
    organizations = [f"{n:040x}" for n in range(ORGANIZATIONS)]
    folders = [f"{each}/{n:016x}" for each in organizations for n in range(FOLDERS)]
    members = [f"{each}/{n:016x}" for each in folders for n in range(EACH)]
    times = {"created_at": AT, "updated_at": AT, "description": ""}
    yield _table(
        "groups", [{"id": each, "parent": None, "name": each, **times} for each in organizations]
    )
    yield _table(
        "groups",
        [{"id": each, "parent": each[:40], "name": each[-3:], **times} for each in folders],
    )
    yield _table(
        "identities",
        [
            {
                "id": each,
                "group_id": each[:-17],
                "name": f"name {each[-2:]}",
                "kind": "claim_match",
                "relationship": json.dumps({"issuer": ISSUER, "subject": each}),
                "issuer": ISSUER,
                "subject": each,
                "principal_sha256": digest(ISSUER, each),
                "max_token_lifetime": 3600,
                "expires_with_upstream": False,
                "single_use": False,
                **times,
            }
            for each in members
        ],
    )
    yield _table(
        "bindings",
        [
            {
                "id": f"{each[:-17]}/{n + (1 << 60):016x}",
                "group_id": each[:-17],
                "identity": each,
                "role": str(OWNER),
                "grant_sha256": digest(each),
                "created_at": AT,
            }
            for n, each in enumerate(members)
        ],
    )
    yield _table(
        "identity_providers",
        [
            {
                "id": f"{each}/{n + (2 << 60):016x}",
                "group_id": each,
                "name": str(n),
                "issuer": f"https://{each}.example/{n}",
                "client_id": "x",
                "wrapped_secret": b"",
                "additional_scopes": "[]",
                "groups_claim": "groups",
                "correlation_rule": 0,
                "pkce_enabled": True,
                "default_role": str(OWNER),
                **times,
            }
            for each in organizations
            for n in range(PROVIDERS)
        ],
    )
    yield _table(
        "audit_records",
        [
            {
                "id": first_id(NOW + timedelta(seconds=n)),
                "at": AT + n * 1_000_000,
                "action": "exchange",
                "outcome": "refused" if n % 50 == 0 else "ok",
                "actor": ISSUER,
                "subject": each,
                "group_id": each[:-17],
                "request_id": f"{n:032x}",
                "stage": "",
                "code": "",
                "token_sha256": "",
                "detail": "{}",
            }
            # in another order than that of the groups
            for n, each in enumerate(members[k * 7919 % len(members)] for k in range(len(members)))
        ],
    )


def _table(name: str, rows: list[dict[str, Any]]) -> tuple[str, tuple[str, ...], Values]:
    return name, tuple(rows[0]), [tuple(row.values()) for row in rows]


@pytest.fixture(scope="module")
def large_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("large") / "broker.sqlite3"
    asyncio.run(migrate(f"sqlite:///{path}"))
    connection = sqlite3.connect(path)
    for table, columns, rows in installation():
        places = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
        connection.executemany(statement, rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def large_postgres(postgres: PostgresServer, postgres_template: str) -> str:
    name = asyncio.run(postgres.create_database(template=postgres_template))
    asyncio.run(_fill(postgres.url(name)))
    return postgres.url(name)


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    for table, columns, rows in installation():
        await connection.copy_records_to_table(table, columns=columns, records=rows)
    await connection.execute("VACUUM ANALYZE")  # as the server does by itself after a while
    await connection.close()


IN_ACME = (ACME,)
BY_NAME = (Order(field="name"),)
Read = Callable[[Records], Awaitable[Any]]
READS: dict[str, Read] = {
    # an exchange
    "an identity": lambda records: records.identities.get(IDENTITY),
    "its bindings with their roles": lambda records: records.bindings.with_roles(IDENTITY),
    "its groups": lambda records: records.groups.many([ACME, FOLDER]),
    # a login
    "who a principal is": lambda records: records.identities.by_issuer_subject(ISSUER, IDENTITY),
    "providers of an issuer": lambda records: records.identity_providers.of_issuer(
        f"https://{ACME}.example/3"
    ),
    "providers of a group": lambda records: records.identity_providers.of_group(ACME),
    "an organization by name": lambda records: records.groups.by_name(None, ACME),
    # lists
    "identities": lambda records: records.identities.page(Selection(limit=100)),
    "identities below": lambda records: records.identities.page(
        Selection(within=IN_ACME, limit=100)
    ),
    "identities from a position": lambda records: records.identities.page(
        Selection(within=IN_ACME, after=(IDENTITY,), limit=100)
    ),
    "identities of a group by name": lambda records: records.identities.page(
        Selection(uidp=UidpFilter(children_of=FOLDER), order=BY_NAME, limit=100)
    ),
    "bindings below": lambda records: records.bindings.page(Selection(within=IN_ACME, limit=100)),
    "bindings of an identity": lambda records: records.bindings.page(
        Selection(within=IN_ACME, equal={"identity": IDENTITY}, limit=100)
    ),
    "groups": lambda records: records.groups.page(Selection(limit=100)),
    "folders by name": lambda records: records.groups.page(
        Selection(uidp=UidpFilter(children_of=ACME), order=BY_NAME, limit=100)
    ),
    "providers below": lambda records: records.identity_providers.page(
        Selection(within=IN_ACME, limit=100)
    ),
    # the audit log
    "the newest records": lambda records: records.audit.find(limit=100),
    "the newest at a group": lambda records: records.audit.find(group=FOLDER, limit=100),
    "the newest about an identity": lambda records: records.audit.find(
        identity=IDENTITY, limit=100
    ),
    "the record of a request": lambda records: records.audit.find(
        request_id=first_id(NOW + timedelta(seconds=4711)), limit=100
    ),
    "records since": lambda records: records.audit.find(
        since=NOW + timedelta(seconds=99_900), limit=100
    ),
    "records after": lambda records: records.audit.find(
        after_id=first_id(NOW + timedelta(seconds=50_000)), limit=100
    ),
}


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Those that are executed, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def executed(url: str, read: Read) -> list[tuple[str, Any]]:
    store = Store.open(url)
    async with store.read() as records:
        with statements() as seen:
            await read(records)
    await store.close()
    assert seen
    return seen


def steps(path: str, statement: str, parameters: Any) -> int:
    connection = sqlite3.connect(path)
    made = 0

    def count() -> int:
        nonlocal made
        made += 100
        return 0

    connection.set_progress_handler(count, 100)
    connection.execute(statement, parameters).fetchall()
    connection.close()
    return made


def rows(plan: dict[str, Any]) -> float:
    """That the nodes which read a table looked at."""
    own = 0.0
    if "Relation Name" in plan or "Index Name" in plan:
        names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        own = plan["Actual Loops"] * sum(plan.get(name, 0) for name in names)
    return own + sum(rows(each) for each in plan.get("Plans", ()))


@pytest.mark.parametrize("name", READS)
async def test_a_read_on_sqlite_is_as_long_as_its_answer(large_sqlite: str, name: str) -> None:
    """However many records there are: no table is gone through."""
    for statement, parameters in await executed(large_sqlite, READS[name]):
        made = steps(large_sqlite.removeprefix("sqlite:///"), statement, parameters)
        assert made < MOST_STEPS, statement


@pytest.mark.parametrize("name", READS)
async def test_a_read_on_postgresql_is_as_long_as_its_answer(
    large_postgres: str, name: str
) -> None:
    """However many records there are: no table is gone through."""
    connection = await asyncpg.connect(large_postgres)
    for statement, parameters in await executed(large_postgres, READS[name]):
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
        (plan,) = json.loads(await connection.fetchval(explain, *parameters))
        assert rows(plan["Plan"]) < MOST_ROWS, plan
    await connection.close()
