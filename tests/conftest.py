"""A running broker, an issuer that it can fetch, an organization."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import logs
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.organizations import Organization, github, organization


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """As in production, but for the lines about every request."""
    logs.configure(level="warning", style="json")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[RunningBroker]:
    """A broker of its own for this test."""
    async with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
async def issuer(broker: RunningBroker) -> AsyncIterator[LocalIssuer]:
    """An issuer whose tokens are meant for the broker."""
    async with LocalIssuer(audience=broker.url) as running:
        yield running


@pytest.fixture
async def acme(broker: RunningBroker) -> Organization:
    """An organization of the broker's."""
    return await organization(broker.store)


@pytest.fixture
async def ci(acme: Organization, issuer: LocalIssuer) -> Uidp:
    """An identity for the main branch of acme/shop, viewer at the folder."""
    identity = await acme.identity(github(issuer.url))
    await acme.bind(identity, "viewer")
    return identity
