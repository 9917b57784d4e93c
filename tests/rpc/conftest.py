"""A connection, and somebody who may call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc.aio
import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.calls import exchange
from tests.kit.grpc_calls import Metadata, bearer, channel
from tests.kit.organizations import Organization


@pytest.fixture
async def wire(broker: RunningBroker) -> AsyncIterator[grpc.aio.Channel]:
    """To the port that HTTP has too."""
    async with channel(broker.settings.port) as opened:
        yield opened


@pytest.fixture
async def owner(broker: RunningBroker, issuer: LocalIssuer, acme: Organization) -> Metadata:
    """The metadata of an owner of the organization."""
    person = await acme.person(issuer.url, "olga")
    await acme.bind(person, "owner", acme.id)
    answer = await exchange(broker, issuer.token({"sub": "olga"}))
    return bearer(answer.body["token"])
