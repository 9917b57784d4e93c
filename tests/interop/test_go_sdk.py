"""The platform's published Go SDK, version 0.1.40, against a running broker.

`make test-interop-go` runs it; `make test` leaves it out, since it builds a Go program first.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

import pytest

from broker.iam.model import AwsIdentity
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.organizations import Organization, github, organization
from tests.kit.sts import StandInSts, role

ROOT: Final = Path(__file__).parent.parent.parent
SOURCE: Final = Path(__file__).parent / "go"
NAMES: Final = sorted(
    name
    for file in SOURCE.glob("*_test.go")
    for name in re.findall(r"^func (Test\w+)\(", file.read_text(), re.MULTILINE)
)
WITH_AWS: Final = "TestSignedAWSRequest"
WITH_LOGIN: Final = "TestLogin"
"""How the names of those begin that `test_go_logins.py` runs."""

pytestmark = [
    pytest.mark.interop_go,
    pytest.mark.skipif(shutil.which("go") is None, reason="Go is not on the PATH; 1.26 is needed"),
]


async def _program() -> Path:
    """The Go tests as one program, built from the versions that go.mod and go.sum pin."""
    folder = ROOT / "var" / "tests" / "go"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "interop.test"
    with (folder / ".lock").open("w") as lock:
        # test processes at once wait for the first; go's own cache makes the later builds short
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        code, out = await _run("go", "test", "-c", "-mod=readonly", "-o", str(program), ".")
    assert code == 0, f"the Go tests do not build:\n{out}"
    return program


async def _run(*command: str, **settings: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=SOURCE, env={**os.environ, **settings}, stdout=PIPE, stderr=STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode(errors="replace")


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name != WITH_AWS and not name.startswith(WITH_LOGIN)]
)
async def test_go_sdk(
    name: str, broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """One test of tests/interop/go passes against this broker."""
    owner = await acme.identity(github(issuer.url))
    await acme.bind(owner, "owner", acme.id)
    await acme.person(issuer.url, "alice")
    claims = issuer.github_claims(claim_custom="expected")
    await passes(
        name,
        BROKER_URL=broker.url,
        BROKER_GROUP=acme.folder,
        BROKER_OWNER=owner,
        BROKER_UPSTREAM_TOKEN=issuer.token(claims),
        BROKER_UPSTREAM_ISSUER=issuer.url,
        BROKER_UPSTREAM_SUBJECT=claims["sub"],
        BROKER_PERSON_TOKEN=issuer.token({"sub": "alice"}),
        BROKER_KEYS=json.dumps(issuer.jwks()),
    )


async def test_signed_aws_requests(tmp_path: Path) -> None:
    """What the SDK signs is accepted, at a broker whose AWS verifies signatures."""
    who = role()
    async with (
        StandInSts(tmp_path, who) as sts,
        running_broker(tmp_path, addresses=sts.addresses, **sts.settings) as broker,
    ):
        rules = AwsIdentity(account=who.account, arn=who.arn, user_id=who.user_id)
        identity = await (await organization(broker.store)).identity(rules)
        await passes(
            WITH_AWS,
            BROKER_URL=broker.url,
            BROKER_AWS_IDENTITY=identity,
            BROKER_AWS_ARN=who.arn,
            AWS_ACCESS_KEY_ID=who.access_key,
            AWS_SECRET_ACCESS_KEY=who.secret_key,
            AWS_SESSION_TOKEN=who.session_token or "",
        )


async def passes(name: str, **settings: str) -> None:
    """Runs one of the Go tests, with these variables."""
    program = str(await _program())
    limits = ("-test.v", "-test.timeout=60s")
    code, out = await _run(program, *limits, f"-test.run=^{name}$", **settings)
    assert code == 0, out
    assert f"--- PASS: {name}" in out, out  # a pattern that fits no test exits with 0 as well
