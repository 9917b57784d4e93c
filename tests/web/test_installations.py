"""The exchange on PostgreSQL, and by two processes on one database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from broker.audit.record import Outcome
from broker.errors import Precondition
from broker.sdk.testing.issuer import LocalIssuer
from broker.store import Store
from tests.kit.brokers import running_broker
from tests.kit.calls import exchange, record_of
from tests.kit.databases import PostgresServer, running_postgres
from tests.kit.organizations import github, organization


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own."""
    with running_postgres() as server:
        yield server


async def test_an_exchange_on_postgresql(postgres: PostgresServer, tmp_path: Path) -> None:
    """After `broker migrate`; without it the start is refused."""
    url = postgres.url(await postgres.create_database())
    with pytest.raises(Precondition) as caught:
        async with running_broker(tmp_path, BROKER_DATABASE_URL=url):
            pytest.fail("it started on an empty database")
    assert caught.value.code == "schema_outdated"
    store = Store.open(url)
    await store.migrate()
    await store.close()
    async with (
        running_broker(tmp_path, BROKER_DATABASE_URL=url) as broker,
        LocalIssuer(audience=broker.url) as issuer,
    ):
        acme = await organization(broker.store)
        identity = await acme.identity(github(issuer.url))
        await acme.bind(identity, "viewer")
        answer = await exchange(broker, issuer.token(issuer.github_claims()), identity)
        assert answer.status == 200, answer.body
        assert (await record_of(broker, answer)).outcome is Outcome.OK
        wrong = issuer.token(issuer.github_claims(ref="refs/heads/other"))
        answer = await exchange(broker, wrong, identity)
        assert answer.status == 403
        assert (await record_of(broker, answer)).code == "identity_refused"


async def test_two_processes_share_keys(tmp_path: Path) -> None:
    """What one mints, the other's JWKS verifies."""
    async with running_broker(tmp_path) as one, running_broker(tmp_path) as other:
        async with LocalIssuer(audience=one.url) as issuer:
            acme = await organization(one.store)
            identity = await acme.identity(github(issuer.url))
            answer = await exchange(one, issuer.token(issuer.github_claims()), identity)
        client = jwt.PyJWKClient(f"{other.url}/.well-known/jwks.json")
        key = await asyncio.to_thread(client.get_signing_key_from_jwt, answer.body["token"])
        claims = jwt.decode(
            answer.body["token"], key, algorithms=["ES256"], audience=one.url, issuer=one.url
        )
        assert claims["sub"] == identity
