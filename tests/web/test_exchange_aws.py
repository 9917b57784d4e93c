"""Signed AWS requests exchanged at a running broker, whose AWS is a stand-in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from broker.iam.model import AwsIdentity, ClaimMatch
from broker.iam.uidp import Uidp
from broker.oauth import token_exchange
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import Answer, exchange, oauth, record_of
from tests.kit.grpc_calls import CONTRACT, bearer, channel
from tests.kit.grpc_calls import call as grpc_call
from tests.kit.organizations import Organization, organization
from tests.kit.sts import ACCOUNT, GLOBAL, Principal, StandInSts, role, signed_request, user
from tests.kit.sts import encoded as as_token

EXCHANGE = CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/Exchange"]
WHO = role()
RULES = {
    "account": ACCOUNT,
    "arn_pattern": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/[^/]+",
    "user_id_pattern": "AROAEXAMPLEROLEID:[^:]+",
}


def rules(**more: str) -> AwsIdentity:
    """For the role `deploy`."""
    base = dict(RULES)
    for name in ("arn", "user_id"):
        if name in more:
            del base[f"{name}_pattern"]
    return AwsIdentity(**(base | more))


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
    """Who has assumed the role `deploy`, viewer at the folder."""
    identity = await acme.identity(rules())
    await acme.bind(identity, "viewer")
    return identity


async def trace(broker: RunningBroker, answer: Answer) -> list[str]:
    """`ok sts`, `FAIL arn`, `- roles`: the steps of the one record, in order."""
    marks = {True: "ok", False: "FAIL", None: "-"}
    steps = json.loads((await record_of(broker, answer)).detail)["steps"]
    return [f"{marks[step['passed']]} {step['name']}" for step in steps]


async def failed_step(broker: RunningBroker, answer: Answer) -> dict[str, Any]:
    """The one step that failed."""
    steps = json.loads((await record_of(broker, answer)).detail)["steps"]
    (failed,) = (step for step in steps if step["passed"] is False)
    return dict(failed)


async def test_a_token_by_our_client(broker: RunningBroker, deploy: Uidp) -> None:
    """What is minted names the caller as AWS does, and the identity by its UIDP."""
    answer = await exchange(broker, WHO.token(broker.url, deploy), deploy)
    assert answer.status == 200, answer.body
    assert answer.claims["sub"] == deploy
    assert answer.claims["act"] == {
        "iss": f"https://{GLOBAL}",
        "sub": WHO.arn,
        "aud": broker.url,
        "aws_account": ACCOUNT,
        "user_id": WHO.user_id,
    }
    assert answer.claims["role_bindings"]
    record = await record_of(broker, answer)
    assert record.actor == f"https://{GLOBAL} {WHO.arn}"


async def test_oauth(broker: RunningBroker, deploy: Uidp) -> None:
    """At /token it has a token type of its own."""
    token = WHO.token(broker.url, deploy)
    kind = token_exchange.AWS4_REQUEST
    answer = await oauth(broker, token, deploy, subject_token_type=kind)
    assert answer.status == 200, answer.body
    assert answer.claims["act"]["sub"] == WHO.arn


@pytest.mark.parametrize("kind", [token_exchange.JWT, token_exchange.ID_TOKEN])
async def test_oauth_under_the_name_of_another_type(
    broker: RunningBroker, deploy: Uidp, issuer: LocalIssuer, kind: str
) -> None:
    """A token that is not of the type that is said is refused, either way."""
    for token, said in (
        (WHO.token(broker.url, deploy), kind),
        (issuer.token(), token_exchange.AWS4_REQUEST),
    ):
        answer = await oauth(broker, token, deploy, subject_token_type=said)
        assert (answer.status, answer.reason) == (400, "token_type_mismatch")


async def test_grpc(broker: RunningBroker, deploy: Uidp) -> None:
    """Over gRPC it is the bearer, as every other."""
    good = bearer(WHO.token(broker.url, deploy))
    request = EXCHANGE.request(aud=["https://registry.example"], identity=deploy)
    async with channel(broker.settings.port) as wire:
        outcome = await grpc_call(wire, EXCHANGE, request, metadata=good)
        assert outcome.code is grpc.StatusCode.OK, outcome.text
        refused = await grpc_call(wire, EXCHANGE, request, metadata=bearer("bm90IGEgdG9rZW4"))
    assert refused.info.reason == "token_malformed"


@pytest.mark.parametrize(
    ("who", "more"),
    [
        (role(), {}),
        (role(), {"arn": WHO.arn}),
        (role(), {"arn": WHO.arn, "user_id": WHO.user_id}),
        (user(), {"arn": f"arn:aws:iam::{ACCOUNT}:user/ops/alice", "user_id": "AIDAEXAMPLEUSERID"}),
        (user(), {"arn_pattern": ".*/alice", "user_id_pattern": "AIDA[A-Z]+"}),
        (role(), {"arn_pattern": ".+", "user_id_pattern": ".+"}),
    ],
)
async def test_literals_and_patterns(
    broker: RunningBroker, sts: StandInSts, acme: Organization, who: Principal, more: dict[str, str]
) -> None:
    """Account, ARN and user id match as literals or whole-value patterns."""
    sts.principals[who.access_key] = who
    identity = await acme.identity(rules(**more))
    answer = await exchange(broker, who.token(broker.url, identity), identity)
    assert answer.status == 200, answer.body


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"account": "999999999999"}, "aws_account", "of the AWS account 123456789012"),
    ({"arn": f"arn:aws:iam::{ACCOUNT}:role/deploy"}, "arn", "assumed-role/deploy/[^/]+"),
    ({"arn": f"arn:aws:iam::{ACCOUNT}:role/a/b/deploy"}, "arn", "without the role's path"),
    ({"arn_pattern": f"arn:aws:iam::{ACCOUNT}:role/deploy"}, "arn", "assumed-role/NAME/SESSION"),
    (
        {"arn_pattern": f"arn:aws:sts::{ACCOUNT}:assumed-role/a/deploy/[^/]+"},
        "arn",
        "leaves out the path",
    ),
    ({"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/i-9"}, "arn", "the session's name"),
    ({"arn": WHO.arn.replace("arn:aws:", "arn:aws-cn:")}, "arn", "differ in the partition"),
    ({"arn_pattern": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy"}, "arn", "a part of the value"),
    ({"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/*"}, "arn", "arn_pattern"),
    ({"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/other/x"}, "arn", ""),
    ({"user_id": "AROAEXAMPLEROLEID"}, "user_id", "user_id_pattern 'AROAEXAMPLEROLEID:[^:]+'"),
    ({"user_id": "AROAEXAMPLEROLEID:i-9"}, "user_id", "the session's name"),
    ({"user_id_pattern": "AROAEXAMPLEROLEID"}, "user_id", "AROAEXAMPLEROLEID:[^:]+"),
    ({"user_id": "AROAOTHER"}, "user_id", ""),
]


@pytest.mark.parametrize(("more", "name", "hint"), WRONG)
async def test_a_rule_that_does_not_hold(
    broker: RunningBroker, acme: Organization, more: dict[str, str], name: str, hint: str
) -> None:
    """The owner reads which rule, what AWS said, and what to change; the caller only that."""
    identity = await acme.identity(rules(**more))
    answer = await exchange(broker, WHO.token(broker.url, identity), identity)
    assert (answer.status, answer.reason, answer.stage) == (403, "identity_refused", "identity")
    step = await failed_step(broker, answer)
    assert step["name"] == name
    assert step["got"] in {ACCOUNT, WHO.arn, WHO.user_id}
    assert hint in step.get("hint", "")
    assert bool(hint) is bool(step.get("hint"))


async def test_the_trace_of_a_rule(broker: RunningBroker, acme: Organization) -> None:
    """Every step stands in the record."""
    identity = await acme.identity(rules(user_id="AROAOTHER"))
    answer = await exchange(broker, WHO.token(broker.url, identity), identity)
    assert await trace(broker, answer) == [
        *("ok token", "ok identity", "ok issuer", "ok x-amz-date", "ok sts", "ok signature"),
        *("ok arn", "ok audience", "ok aws_account", "FAIL user_id", "- roles"),
    ]


async def test_the_trace_of_a_signature(broker: RunningBroker, deploy: Uidp) -> None:
    """AWS knew nothing of the key, so no rule was reached."""
    answer = await exchange(broker, role().token(broker.url, deploy), deploy)
    assert (answer.status, answer.reason) == (401, "aws_signature_refused")
    assert await trace(broker, answer) == [
        *("ok token", "ok identity", "ok issuer", "ok x-amz-date", "ok sts", "FAIL signature"),
        *("- rules", "- roles"),
    ]
    assert "InvalidClientTokenId" in str(await failed_step(broker, answer))
    assert "InvalidClientTokenId" not in json.dumps(answer.body)


async def test_the_end_of_the_request_binds(broker: RunningBroker, acme: Organization) -> None:
    """An identity whose tokens end with the upstream token's has at most 15 minutes."""
    identity = await acme.identity(rules(), expires_with_upstream=True)
    answer = await exchange(broker, WHO.token(broker.url, identity), identity)
    assert 0 < answer.claims["exp"] - answer.claims["iat"] <= 900


async def test_another_prefix_is_a_setting(tmp_path: Path, sts: StandInSts) -> None:
    """An installation may name the headers otherwise."""
    settings = sts.settings | {"BROKER_AWS_HEADER_PREFIXES": '["X-Acme"]'}
    async with running_broker(tmp_path, addresses=sts.addresses, **settings) as broker:
        identity = await (await organization(broker.store)).identity(rules())
        token = WHO.token(broker.url, identity, prefix="X-Acme")
        answer = await exchange(broker, token, identity)
        assert answer.status == 200, answer.body
        usual = await exchange(broker, WHO.token(broker.url, identity), identity)
        assert usual.reason == "aws_request_refused"
        assert "X-Acme-Audience" in usual.body["message"]


async def test_without_endpoints_there_are_no_signed_requests(tmp_path: Path) -> None:
    """An empty list closes this way in."""
    async with running_broker(tmp_path, BROKER_AWS_STS_HOSTS="[]") as broker:
        identity = await (await organization(broker.store)).identity(rules())
        answer = await exchange(broker, WHO.token(broker.url, identity), identity)
        assert (answer.status, answer.reason) == (401, "token_malformed")


async def test_a_jwt_for_an_aws_identity(
    broker: RunningBroker, deploy: Uidp, issuer: LocalIssuer, sts: StandInSts
) -> None:
    """An identity of AWS takes no JWT, also not one whose issuer calls itself AWS STS."""
    for iss in (issuer.url, f"https://{GLOBAL}"):
        forger = LocalIssuer(issuer=iss, audience=broker.url)
        claims = {"sub": WHO.arn, "aws_account": ACCOUNT, "user_id": WHO.user_id}
        answer = await exchange(broker, forger.token(claims), deploy)
        assert (answer.status, answer.reason) == (403, "identity_refused")
        assert "signed AWS request" in (await failed_step(broker, answer))["hint"]
    assert not sts.received


@pytest.mark.parametrize("pattern", [False, True])
async def test_a_signed_request_for_an_identity_of_an_issuer(
    broker: RunningBroker, acme: Organization, sts: StandInSts, pattern: bool
) -> None:
    """And AWS is not asked for one whose rules are for JWTs, however wide they are."""
    wide = ClaimMatch(issuer_pattern=".*", subject_pattern=".*")
    narrow = ClaimMatch(issuer="https://ci.example", subject="x")
    identity = await acme.identity(wide if pattern else narrow)
    answer = await exchange(broker, WHO.token(broker.url, identity), identity)
    assert (answer.status, answer.reason) == (403, "identity_refused")
    assert not sts.received


async def test_the_same_request_may_be_used_again(broker: RunningBroker, deploy: Uidp) -> None:
    """Until its 15 minutes are over, as a JWT until its expiry."""
    token = as_token(signed_request(WHO, broker.url, deploy))
    for _ in range(2):
        assert (await exchange(broker, token, deploy)).status == 200
