"""What an exchange of signed AWS requests must refuse, on a running broker."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.audit.record import Outcome
from broker.iam.model import AwsIdentity, ClaimMatch
from broker.iam.uidp import Uidp
from broker.oauth.token_exchange import AWS4_REQUEST
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import Answer, exchange, oauth, record_of
from tests.kit.organizations import Organization, organization
from tests.kit.sts import ACCOUNT, StandInSts, encoded, role, signed_request

WHO = role()
RULES = AwsIdentity(account=ACCOUNT, arn=WHO.arn, user_id=WHO.user_id)
UNKNOWN = Uidp("f" * 40 + "/" + "0" * 16)


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
async def deploy(acme: Organization) -> Uidp:
    return await acme.identity(RULES)


async def refused(broker: RunningBroker, answer: Answer, status: int, reason: str) -> str:
    """Check the answer and that it has its one record; the record's detail."""
    assert (answer.status, answer.reason) == (status, reason), answer.body
    record = await record_of(broker, answer)
    assert record.outcome is Outcome.REFUSED
    assert record.code == reason
    return record.detail


async def test_aws_is_asked_after_a_record_allowed_it(
    broker: RunningBroker, acme: Organization, sts: StandInSts
) -> None:
    """Not for identities that there are not, nor for those of other issuers."""
    jwt_only = await acme.identity(ClaimMatch(issuer_pattern=".*", subject_pattern=".*"))
    for identity in (UNKNOWN, jwt_only):
        answer = await exchange(broker, WHO.token(broker.url, identity), identity)
        await refused(broker, answer, 403, "identity_refused")
    assert not sts.received


async def test_unknown_identity_and_failed_rule_look_the_same(
    broker: RunningBroker, acme: Organization
) -> None:
    """To the caller, who may have signed for both."""
    other = await acme.identity(AwsIdentity(account=ACCOUNT, arn="x", user_id="y"))
    bodies = []
    for identity in (other, UNKNOWN):
        answer = await exchange(broker, WHO.token(broker.url, identity), identity)
        bodies.append(json.dumps(answer.body).replace(answer.request_id, ""))
        assert answer.status == 403
    assert bodies[0] == bodies[1]
    assert WHO.arn not in bodies[0]


async def test_what_is_wrong_with_the_request_alone(
    broker: RunningBroker, deploy: Uidp, sts: StandInSts
) -> None:
    """It is told before the identity is looked up, so it says nothing about identities."""
    for identity in (deploy, UNKNOWN):
        for token, reason in (
            (WHO.token("https://other.example", identity), "aws_audience_mismatch"),
            (WHO.token(broker.url, "e" * 40), "aws_identity_mismatch"),
            (signed_at(broker, identity, time.time() - 1000), "token_expired"),
            (signed_at(broker, identity, time.time() + 400), "token_not_yet_valid"),
        ):
            answer = await exchange(broker, token, identity)
            assert "the owner" not in answer.body["message"]
            await refused(broker, answer, 401, reason)
    assert not sts.received


def signed_at(broker: RunningBroker, identity: str, at: float) -> str:
    return encoded(signed_request(WHO, broker.url, identity, at=at))


async def test_no_identity_named(broker: RunningBroker, deploy: Uidp, sts: StandInSts) -> None:
    """A signed request belongs to no person: without a name in the exchange it is refused."""
    token = WHO.token(broker.url, deploy)
    await refused(broker, await exchange(broker, token), 401, "aws_identity_mismatch")
    answer = await oauth(broker, token, subject_token_type=AWS4_REQUEST)
    await refused(broker, answer, 400, "aws_identity_mismatch")
    assert not sts.received


async def test_a_request_for_one_identity_is_none_for_another(
    broker: RunningBroker, acme: Organization, deploy: Uidp
) -> None:
    """Although the same rules would accept the same caller there."""
    twin = await acme.identity(RULES, name="twin")
    token = WHO.token(broker.url, deploy)
    assert (await exchange(broker, token, deploy)).status == 200
    await refused(broker, await exchange(broker, token, twin), 401, "aws_identity_mismatch")


@pytest.mark.parametrize("size", [16_385, 30_000])
async def test_large_tokens(broker: RunningBroker, deploy: Uidp, size: int) -> None:
    """Over 16,384 characters nothing is decoded."""
    token = "UE9TVCAv" + "A" * (size - 8)
    await refused(broker, await exchange(broker, token, deploy), 401, "token_too_large")
    answer = await oauth(broker, token, deploy, subject_token_type=AWS4_REQUEST)
    await refused(broker, answer, 400, "token_too_large")


async def test_a_megabyte(broker: RunningBroker, deploy: Uidp) -> None:
    """It is refused by the limits of headers and bodies, before it is anybody's token."""
    token = "UE9TVCAv" + "A" * 1_000_000
    answer = await oauth(broker, token, deploy, subject_token_type=AWS4_REQUEST)
    await refused(broker, answer, 400, "body_too_large")


@pytest.mark.parametrize("token", ["UE9TVCAv", "POST", "UE9TVCAvIEhUVFAvMS4xDQoNCg==", "===="])
async def test_truncated(broker: RunningBroker, deploy: Uidp, token: str) -> None:
    """What is left of a token is told to be none."""
    answer = await exchange(broker, token, deploy)
    assert answer.status == 401
    assert answer.reason in {"token_malformed", "aws_request_malformed", "aws_request_refused"}


async def test_the_log_holds_no_secret(
    broker: RunningBroker, deploy: Uidp, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither signature nor session token is written down, of good and of bad exchanges."""
    assert WHO.session_token
    good = WHO.token(broker.url, deploy)
    bad = encoded(signed_request(WHO, broker.url, deploy, more=[("Range", "x")]))
    assert (await exchange(broker, good, deploy)).status == 200
    assert (await exchange(broker, bad, deploy)).status == 401
    captured = capfd.readouterr()
    async with broker.store.read() as records:
        written = json.dumps([str(record) for record in await records.audit.find(limit=10)])
    for text in (captured.out, captured.err, written):
        for secret in (good, bad, WHO.session_token, WHO.secret_key, "Signature="):
            assert secret not in text
