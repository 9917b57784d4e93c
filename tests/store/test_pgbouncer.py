"""PostgreSQL through a real PgBouncer that gives each transaction any of its connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from broker.errors import Invalid, Unavailable
from broker.store import Store
from broker.store.postgres import Postgres
from broker.store.url import PostgresServer as Place
from broker.store.url import parse
from tests.kit.databases import PostgresServer
from tests.kit.pgbouncer import pgbouncer, running_pgbouncer
from tests.store.samples import group, record

installed = pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer, a Debian package")


@pytest.fixture
def through(postgres: PostgresServer, postgres_name: str) -> Iterator[str]:
    """The URL of a migrated database by way of a PgBouncer with two connections to it."""
    with running_pgbouncer(postgres.admin_url, size=2) as address:
        yield f"postgresql://postgres@{address}/{postgres_name}?pgbouncer=true"


@installed
async def test_many_processes_share_few_connections(through: str) -> None:
    """Readers, writers and the audit log of three processes, each with ten connections, all come
    through on two; statements of one are never another's.
    """
    stores = [Store.open(through) for _ in range(3)]

    async def work(store: Store, number: int) -> None:
        async with store.write() as records:
            await records.groups.add(group(f"acme {number}"))
        await store.append_audit([record(), record()])
        async with store.read() as records:
            assert f"acme {number}" in {each.name for each in await records.groups.roots()}
        await store.generation()

    await asyncio.gather(*(work(stores[number % 3], number) for number in range(60)))
    async with stores[0].read() as records:
        assert len(await records.groups.roots()) == 60
        assert len(await records.audit.find(limit=1000)) == 120
    for store in stores:
        await store.close()


@installed
async def test_limits_are_those_of_each_transaction(through: str) -> None:
    """The server ends there too what hangs, and keeps nothing of it for the next client."""
    store = Store.open(through)
    shown = text(
        "SELECT current_setting('statement_timeout') AS statement, "
        "current_setting('lock_timeout') AS lock, "
        "current_setting('idle_in_transaction_session_timeout') AS idle"
    )
    async with store.read() as records:
        row = await records.groups._transaction.row(shown)
        assert row is not None
        assert tuple(row) == ("30s", "5s", "1min")
    place = parse(through)
    assert isinstance(place, Place)
    backend = Postgres(place, busy_timeout=5)
    async with backend.writer.connect() as connection:
        assert tuple((await connection.execute(shown)).one()) == ("0", "0", "0")
    await backend.close()
    await store.close()


@installed
async def test_a_database_is_migrated_through_it(postgres: PostgresServer) -> None:
    """From nothing to the newest schema, by two migrators at once."""
    name = await postgres.create_database()
    with running_pgbouncer(postgres.admin_url, size=2) as address:
        url = f"postgresql://postgres@{address}/{name}?pgbouncer=true"
        one, other = Store.open(url), Store.open(url)
        await asyncio.gather(one.migrate(), other.migrate())
        await one.check()
        await one.close()
        await other.close()


@installed
async def test_without_the_parameter_pgbouncer_refuses(through: str) -> None:
    """Limits of a connection are parameters that it does not know; it is no silent half-success."""
    store = Store.open(through.replace("pgbouncer=true", "pgbouncer=false"))
    with pytest.raises(Unavailable):
        await store.check()
    await store.close()


def test_the_parameter_is_ours_and_not_the_drivers() -> None:
    """`pgbouncer` leaves the URI, whatever else is in it; a value that is no truth is refused."""
    url = "postgres://u:p@h/d?sslmode=require&pgbouncer=true&application_name=x"
    assert parse(url) == Place(
        "postgresql://u:p@h/d?sslmode=require&application_name=x", pgbouncer=True
    )
    assert parse("postgresql://h/d?pgbouncer=false") == Place("postgresql://h/d")
    with pytest.raises(Invalid, match="pgbouncer: expected true or false"):
        parse("postgresql://h/d?pgbouncer=yes")


@installed
async def test_a_peer_that_is_gone_is_noticed(through: str) -> None:
    """Connections over TCP are kept alive, and end when nothing comes back for ten seconds."""
    place = parse(through)
    assert isinstance(place, Place)
    backend = Postgres(place, busy_timeout=5)
    async with backend.writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        its_socket = driver._transport.get_extra_info("socket")
        assert its_socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert its_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15
        assert its_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
    await backend.close()
