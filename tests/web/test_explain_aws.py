"""The dry run of a signed AWS request, at a broker whose AWS is a stand-in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from broker.iam.model import AwsIdentity
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.api import Json, login, wires
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.organizations import Organization, github, organization
from tests.kit.sts import ACCOUNT, StandInSts, encoded, role, signed_request

WHO = role()
MARKS = {"PASSED": "ok", "FAILED": "FAIL", "NOT_REACHED": "-"}

Explain = Callable[[Uidp, str], Awaitable[Json]]


@pytest.fixture
async def sts(tmp_path: Path) -> AsyncIterator[StandInSts]:
    async with StandInSts(tmp_path, WHO) as running:
        yield running


@pytest.fixture
async def broker(tmp_path: Path, sts: StandInSts) -> AsyncIterator[RunningBroker]:
    async with running_broker(tmp_path, addresses=sts.addresses, **sts.settings) as running:
        yield running


@pytest.fixture
async def acme(broker: RunningBroker) -> Organization:
    return await organization(broker.store)


@pytest.fixture
async def explain(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> AsyncIterator[Explain]:
    """An owner's question."""
    owner = await acme.person(issuer.url, "ann")
    await acme.bind(owner, "owner", acme.id)
    async with wires(broker) as ways:
        ann = await login(broker, issuer, ways["http"], "ann")

        async def ask(identity: Uidp, token: str) -> Json:
            return await ann("broker.v1.Explain/ExplainIdentity", uid=identity, token=token)

        yield ask


def rules(account: str = ACCOUNT) -> AwsIdentity:
    """For any session of the role `deploy`."""
    pattern = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/[^/]+"
    return AwsIdentity(account=account, arn_pattern=pattern, user_id_pattern=".+")


def trace(answer: Json) -> list[str]:
    """`ok sts`, `FAIL arn`, `- roles`: the steps, in order."""
    return [f"{MARKS[step['outcome']]} {step['name']}" for step in answer["steps"]]


async def test_accepted(broker: RunningBroker, acme: Organization, explain: Explain) -> None:
    """AWS is asked, and what it tells is compared."""
    identity = await acme.identity(rules())
    answer = await explain(identity, WHO.token(broker.url, identity))
    assert answer["accepted"] is True
    assert trace(answer)[:6] == [
        *("ok token", "ok identity", "ok issuer", "ok x-amz-date", "ok sts", "ok signature"),
    ]


async def test_another_account(broker: RunningBroker, acme: Organization, explain: Explain) -> None:
    """What AWS told is verified, and the hint is that of the rules."""
    identity = await acme.identity(rules("999999999999"))
    answer = await explain(identity, WHO.token(broker.url, identity))
    (failed,) = (step for step in answer["steps"] if step["outcome"] == "FAILED")
    assert (failed["name"], failed["unverified"]) == ("aws_account", False)
    assert ACCOUNT in failed["hint"]


async def test_a_request_that_is_too_old(
    broker: RunningBroker, acme: Organization, sts: StandInSts, explain: Explain
) -> None:
    """AWS is not asked, so nothing is said of its answer, and the rules are not reached."""
    identity = await acme.identity(rules())
    old = signed_request(WHO, broker.url, identity, at=time.time() - 3600)
    answer = await explain(identity, encoded(old))
    assert trace(answer) == [
        *("ok token", "ok identity", "ok issuer", "FAIL x-amz-date", "- sts", "- signature"),
        *("- rules", "- roles"),
    ]


async def test_a_request_for_another_identity(
    broker: RunningBroker, acme: Organization, explain: Explain
) -> None:
    """A signed request is for the one that it names; nothing else is asked of it."""
    identity, other = await acme.identity(rules()), await acme.identity(rules())
    answer = await explain(identity, WHO.token(broker.url, other))
    assert trace(answer)[:2] == ["FAIL identity", "ok identity"]
    assert answer["accepted"] is False
    assert "- sts" in trace(answer)


async def test_a_signed_request_where_a_jwt_is_due(
    broker: RunningBroker, acme: Organization, issuer: LocalIssuer, explain: Explain
) -> None:
    """The issuer's rule refuses it, and AWS is not asked."""
    identity = await acme.identity(github(issuer.url))
    answer = await explain(identity, WHO.token(broker.url, identity))
    assert trace(answer)[2:6] == ["FAIL issuer", "ok x-amz-date", "- sts", "- signature"]
