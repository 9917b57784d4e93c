"""Ambient credentials on AWS: from what each kind of workload has to a token of the broker's."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import jwt
import pytest
from aiohttp import web

from broker.iam.model import AwsIdentity
from broker.iam.uidp import Uidp
from broker.sdk import ambient
from broker.sdk.exchange import exchange
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.organizations import organization
from tests.kit.sts import ACCOUNT, Principal, StandInSts, role

CONTAINER: Final = "/v2/credentials/0a1b2c"
INSTANCE: Final = "/latest/meta-data/iam/security-credentials/"


@pytest.fixture
def who() -> Principal:
    """Who the workload is."""
    return role("deploy")


@pytest.fixture
async def broker(tmp_path: Path, who: Principal) -> AsyncIterator[RunningBroker]:
    """A broker that asks the stand-in of STS."""
    async with (
        StandInSts(tmp_path, who) as sts,
        running_broker(
            tmp_path,
            addresses=sts.addresses,
            BROKER_ISSUER_CA_BUNDLES=json.dumps({k: str(v) for k, v in sts.ca_bundles.items()}),
        ) as running,
    ):
        yield running


@pytest.fixture
async def identity(broker: RunningBroker, who: Principal) -> Uidp:
    """For whoever has assumed the role."""
    acme = await organization(broker.store)
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/[^/]+"
    rule = AwsIdentity(account=ACCOUNT, arn_pattern=arn, user_id_pattern="AROAEXAMPLEROLEID:.*")
    return await acme.identity(rule)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine that the tests run on."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "GITHUB_", "GITLAB_", "BUILDKITE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


class Credentials:
    """Where workloads get their credentials: of a container, and of an instance."""

    def __init__(self, who: Principal) -> None:
        self._who = who
        self.bearer = secrets.token_hex(16)
        """What a pod sends to show that it is the one."""
        self.session = secrets.token_hex(16)
        """What an instance gets first (IMDSv2)."""
        self.url = ""
        self.asked = 0

    def answer(self) -> web.Response:
        self.asked += 1
        until = datetime.now(UTC) + timedelta(hours=6)
        return web.json_response(
            {
                "Code": "Success",
                "Type": "AWS-HMAC",
                "AccessKeyId": self._who.access_key,
                "SecretAccessKey": self._who.secret_key,
                "Token": self._who.session_token,
                "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )

    async def of_container(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self.bearer:
            return web.Response(status=401)
        return self.answer()

    async def begin(self, request: web.Request) -> web.Response:
        if "X-aws-ec2-metadata-token-ttl-seconds" not in request.headers:
            return web.Response(status=400)
        return web.Response(text=self.session)

    async def of_instance(self, request: web.Request) -> web.Response:
        if request.headers.get("X-aws-ec2-metadata-token") != self.session:
            return web.Response(status=401)
        if not request.match_info["role"]:
            return web.Response(text="deploy")
        return self.answer()


@pytest.fixture
async def credentials(who: Principal) -> AsyncIterator[Credentials]:
    """On a port of their own."""
    it = Credentials(who)
    app = web.Application()
    app.router.add_get(CONTAINER, it.of_container)
    app.router.add_put("/latest/api/token", it.begin)
    app.router.add_get(INSTANCE + "{role:.*}", it.of_instance)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        await runner.cleanup()


async def _becomes(broker: RunningBroker, identity: Uidp, who: Principal, root: Path) -> None:
    """The workload is found to be on AWS, and the token of its identity says who it is."""
    exchanged = await exchange(
        broker.url,
        lambda: ambient.token(broker.url, identity=identity, root=root),
        identity=identity,
    )
    claims = jwt.decode(exchanged.token, options={"verify_signature": False})
    assert claims["sub"] == identity
    assert claims["act"]["sub"] == who.arn


async def test_a_task_of_ecs(
    broker: RunningBroker,
    identity: Uidp,
    who: Principal,
    credentials: Credentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It asks the agent beside it."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", credentials.url + CONTAINER)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", credentials.bearer)
    await _becomes(broker, identity, who, tmp_path / "root")
    assert credentials.asked == 1


async def test_a_pod_of_eks(
    broker: RunningBroker,
    identity: Uidp,
    who: Principal,
    credentials: Credentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It asks the agent of its node, with a token that is in a file."""
    (tmp_path / "eks-pod-identity-token").write_text(credentials.bearer)
    file = str(tmp_path / "eks-pod-identity-token")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", credentials.url + CONTAINER)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file)
    await _becomes(broker, identity, who, tmp_path / "root")
    assert credentials.asked == 1


async def test_an_instance_of_ec2(
    broker: RunningBroker,
    identity: Uidp,
    who: Principal,
    credentials: Credentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is known by its vendor, and asks its metadata server."""
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", credentials.url)
    vendor = tmp_path / "root/sys/class/dmi/id/sys_vendor"
    vendor.parent.mkdir(parents=True)
    vendor.write_text("Amazon EC2\n")
    await _becomes(broker, identity, who, tmp_path / "root")
    assert credentials.asked == 1


async def test_a_function_of_lambda(
    broker: RunningBroker,
    identity: Uidp,
    who: Principal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It finds them in its environment."""
    assert who.session_token is not None
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "deploy")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", who.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", who.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", who.session_token)
    await _becomes(broker, identity, who, tmp_path / "root")
