"""docs/guides/aws-signed-request.md and lambda.md, with a stand-in for AWS STS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli import cli
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.guides.following import COMMAND, commands
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import exchange
from tests.kit.organizations import organization
from tests.kit.sts import Principal, StandInSts, role, user

DEPLOY = role()
LAMBDA = role(session="deploy")
OTHER_ROLE = role("deploy2")
OTHER_ACCOUNT = role(account="210987654321")
ALICE = user()
MADE_ANEW = Principal(DEPLOY.arn, "AROAANOTHERROLEID:i-0123456789abcdef0")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[RunningBroker]:
    """A broker that asks the stand-in."""
    who = (DEPLOY, LAMBDA, OTHER_ROLE, OTHER_ACCOUNT, ALICE, MADE_ANEW)
    async with (
        StandInSts(tmp_path, *who) as sts,
        running_broker(tmp_path, addresses=sts.addresses, **sts.settings) as running,
    ):
        yield running


@pytest.fixture
async def owner(broker: RunningBroker, issuer: LocalIssuer) -> str:
    """A token for the owner of the organization."""
    acme = await organization(broker.store)
    person = await acme.person(issuer.url, "alice")
    await acme.bind(person, "owner", acme.id)
    answer = await exchange(broker, issuer.token({"sub": "alice"}))
    return str(answer.body["token"])


async def made(broker: RunningBroker, owner: str, guide: str, number: int = 0) -> Uidp:
    """The identity of a guide's command."""
    words = commands(guide)[number]
    words[words.index("--parent") + 1] = "acme/shop"
    environ = {"BROKER_API": broker.url, "BROKER_TOKEN": owner}
    done = await asyncio.to_thread(
        CliRunner().invoke, cli, [*COMMAND[1:], *words, "-o", "json"], env=environ
    )
    assert done.exit_code == 0, done.output
    return Uidp(json.loads(done.stdout)["uid"])


async def taken(broker: RunningBroker, identity: Uidp, who: Principal) -> bool:
    """Whether somebody becomes the identity by a request that they signed for it."""
    answer = await exchange(broker, who.token(broker.url, identity), identity)
    assert answer.status == 200 or answer.reason == "identity_refused", answer.body
    return answer.status == 200


async def test_a_role(broker: RunningBroker, owner: str) -> None:
    """In any session; not another role, another account's, nor one made anew under the name."""
    deploy = await made(broker, owner, "aws-signed-request")
    assert await taken(broker, deploy, DEPLOY)
    assert await taken(broker, deploy, LAMBDA)
    for who in (OTHER_ROLE, OTHER_ACCOUNT, ALICE, MADE_ANEW):
        assert not await taken(broker, deploy, who), who.arn


async def test_a_user(broker: RunningBroker, owner: str) -> None:
    """With the path."""
    alice = await made(broker, owner, "aws-signed-request", number=1)
    assert await taken(broker, alice, ALICE)
    assert not await taken(broker, alice, DEPLOY)


async def test_a_function(broker: RunningBroker, owner: str) -> None:
    """By its role, with its name as the session."""
    deploy = await made(broker, owner, "lambda")
    assert await taken(broker, deploy, LAMBDA)
    assert not await taken(broker, deploy, OTHER_ROLE)
