"""deploy/aws-lambda: its handler, called as Lambda does, with AWS STS, a broker and a service."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import jwt
import pytest
from aiohttp import web

from broker.errors import Precondition
from broker.iam.model import AwsIdentity
from broker.iam.uidp import Uidp
from broker.sdk.refusal import Refused
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.node import ROOT
from tests.kit.organizations import organization
from tests.kit.sts import ACCOUNT, Principal, StandInSts, role

HANDLER: Final = ROOT / "deploy" / "aws-lambda" / "handler.py"
FUNCTION: Final = "deploy"
AUDIENCE: Final = "https://registry.acme.example"


@pytest.fixture
def who() -> Principal:
    """The function's role, as STS sees who has assumed it."""
    return role("deploy", session=FUNCTION)


@pytest.fixture
async def broker(tmp_path: Path, who: Principal) -> AsyncIterator[RunningBroker]:
    """A broker that asks the stand-in."""
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
async def identity(broker: RunningBroker) -> Uidp:
    """For the function, whatever its session is called."""
    acme = await organization(broker.store)
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/[^/]+"
    rule = AwsIdentity(account=ACCOUNT, arn_pattern=arn, user_id_pattern="AROAEXAMPLEROLEID:.*")
    return await acme.identity(rule)


class Service:
    """What the function calls."""

    def __init__(self) -> None:
        self.status = 200
        self.tokens: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        return web.Response(status=self.status)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """On a port of its own."""
    it = Service()
    app = web.Application()
    app.router.add_get("/", it.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield it
    finally:
        await runner.cleanup()


def _loaded() -> ModuleType:
    """The module as a new environment of the function has it."""
    spec = importlib.util.spec_from_file_location("handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def function(
    broker: RunningBroker,
    identity: Uidp,
    who: Principal,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> ModuleType:
    """One environment, with the variables that Lambda sets and those of the function."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    assert who.session_token is not None
    variables = {
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
        "AWS_ACCESS_KEY_ID": who.access_key,
        "AWS_SECRET_ACCESS_KEY": who.secret_key,
        "AWS_SESSION_TOKEN": who.session_token,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "BROKER_API": broker.url,
        "BROKER_IDENTITY": identity,
        "SERVICE": service.url,
        "AUDIENCE": AUDIENCE,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return _loaded()


async def _invoked(function: ModuleType) -> dict[str, Any]:
    answer: dict[str, Any] = await asyncio.to_thread(function.handler, {}, None)
    return answer


async def test_the_service_gets_a_token_of_the_brokers(
    function: ModuleType, identity: Uidp, service: Service
) -> None:
    """For the function's identity and the service's audience."""
    assert await _invoked(function) == {"status": 200}
    claims = jwt.decode(service.tokens[0], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == (identity, AUDIENCE)
    assert claims["act"]["sub"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/{FUNCTION}"


async def test_invocations_share_a_token_until_it_is_old(
    function: ModuleType, service: Service
) -> None:
    """An environment exchanges again before the token expires."""
    now = datetime.now(UTC)
    function.tokens()._clock = lambda: now
    for minutes in (0, 40, 50, 55):
        now = datetime.now(UTC) + timedelta(minutes=minutes)
        await _invoked(function)
    first, second, third, fourth = service.tokens
    assert first == second
    assert second != third
    assert third == fourth


async def test_another_environment_has_its_own(function: ModuleType, service: Service) -> None:
    """Nothing is shared between those that Lambda starts."""
    await _invoked(function)
    await _invoked(_loaded())
    assert len(set(service.tokens)) == 2


async def test_the_services_no_is_the_answer(function: ModuleType, service: Service) -> None:
    """The token was good; what the service does with it is its own."""
    service.status = 403
    assert await _invoked(function) == {"status": 403}


async def test_a_refused_exchange_fails_the_invocation(
    function: ModuleType, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the stage and the request id; the service is not called."""
    monkeypatch.setenv("BROKER_IDENTITY", "0" * 40)
    with pytest.raises(Refused) as caught:
        await _invoked(function)
    assert caught.value.stage == "identity"
    assert caught.value.request_id
    assert service.tokens == []


async def test_a_function_without_credentials(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Says so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(Precondition) as caught:
        await _invoked(function)
    assert caught.value.code == "aws_credentials_missing"


def test_the_function_needs_little_of_the_package(tmp_path: Path) -> None:
    """aiohttp, what that needs, and botocore, which the runtime has: as the README packages it."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import handler, broker.sdk.aws\n"
        "print(*{name.partition('.')[0] for name, module in sys.modules.items()"
        " if 'site-packages' in (getattr(module, '__file__', None) or '')})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(HANDLER.parent)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"sqlalchemy", "grpc", "google", "pydantic", "cryptography", "orjson", "re2", "click"}
    loaded = set(done.stdout.split())
    assert "aiohttp" in loaded
    assert not loaded & heavy
