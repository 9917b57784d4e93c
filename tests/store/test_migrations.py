from __future__ import annotations

from typing import Any

import orjson
import pytest
from alembic import command
from sqlalchemy import Connection, Table, insert
from sqlalchemy.ext.asyncio import create_async_engine

from broker.errors import Conflict, Precondition
from broker.iam.listing import Order, Selection
from broker.iam.model import Group, Identity, Role, RoleBinding
from broker.store import Store
from broker.store.relationships import principal, to_columns
from broker.store.schema import _config
from broker.store.tables import bindings, groups, identities, roles
from broker.store.transaction import digest
from tests.store.samples import binding, group, identity, person, role
from tests.store.test_schema import sqlalchemy_url

Row = tuple[Table, dict[str, Any]]


def as_first_revision(*several: Group | Identity | Role | RoleBinding) -> list[Row]:
    """The rows that a broker of the first revision wrote for them."""
    return [row_of(each) for each in several]


def row_of(record: Group | Identity | Role | RoleBinding) -> Row:
    values: dict[str, Any] = {"id": record.id, "created_at": record.created_at}
    if not isinstance(record, RoleBinding):
        values |= {
            "name": record.name,
            "description": record.description,
            "updated_at": record.updated_at,
        }
    match record:
        case Group():
            return groups, values | {"parent": record.id.parent}
        case Identity():
            kind, members = to_columns(record.relationship)
            issuer, subject = principal(record.relationship)
            return identities, values | {
                "group_id": record.id.parent,
                "kind": kind,
                "relationship": members,
                "issuer": issuer,
                "subject": subject,
                "principal_sha256": digest(issuer, subject),
                "max_token_lifetime": record.max_token_lifetime,
                "expires_with_upstream": record.expires_with_upstream,
            }
        case Role():
            capabilities = orjson.dumps(sorted(record.capabilities)).decode()
            return roles, values | {"group_id": record.id.parent, "capabilities": capabilities}
        case RoleBinding():
            return bindings, values | {
                "group_id": record.group,
                "identity": record.identity,
                "role": record.role,
                "grant_sha256": digest(record.group, record.identity, record.role),
            }


async def first_revision(url: str, rows: list[Row]) -> None:
    """A database as the first revision left it, with these rows."""

    def migrate(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    if url.startswith("sqlite"):
        await Store.open(url).close()  # makes the directory and the file
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
        for table, values in rows:
            await connection.execute(insert(table).values(**values))
    await engine.dispose()


async def test_records_of_the_first_revision_stay_what_they_were(empty_url: str) -> None:
    """With the newest schema each reads as it was written, and what is new has its default."""
    acme = group("acme")
    folder = group("prod", acme.id)
    one, alice, custom = identity(folder.id), person("alice"), role(acme.id)
    bound = binding(folder.id, alice.id, custom.id)
    await first_revision(empty_url, as_first_revision(acme, folder, one, alice, custom, bound))
    store = Store.open(empty_url)
    with pytest.raises(Precondition, match="0001"):
        await store.check()
    await store.migrate()
    await store.check()
    async with store.read() as records:
        assert await records.groups.many([acme.id, folder.id]) == {
            acme.id: acme,
            folder.id: folder,
        }
        assert await records.identities.many([one.id, alice.id]) == {one.id: one, alice.id: alice}
        assert await records.bindings.with_roles(alice.id) == [(bound, custom)]
    await store.close()


async def test_names_of_the_first_revision_sort_as_new_ones(empty_url: str) -> None:
    """By their bytes on both engines, and they are still taken."""
    several = [group(name) for name in ("Z", "a", "b", "é")]
    await first_revision(empty_url, as_first_revision(*reversed(several)))
    store = Store.open(empty_url)
    await store.migrate()
    async with store.read() as records:
        page = await records.groups.page(Selection(order=(Order(field="name"),)))
        assert list(page.records) == several
        assert await records.groups.roots() == several
    with pytest.raises(Conflict, match="name"):
        async with store.write() as records:
            await records.groups.add(group("é"))
    await store.close()
