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

from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.organizations import Organization, github

ROOT: Final = Path(__file__).parent.parent.parent
SOURCE: Final = Path(__file__).parent / "go"
NAMES: Final = sorted(
    name
    for file in SOURCE.glob("*_test.go")
    for name in re.findall(r"^func (Test\w+)\(", file.read_text(), re.MULTILINE)
)

pytestmark = [
    pytest.mark.interop_go,
    pytest.mark.skipif(shutil.which("go") is None, reason="Go is not on the PATH; 1.26 is needed"),
    pytest.mark.skipif(
        os.environ.get("BROKER_INTEROP_GO") != "1",
        reason="builds a Go program; 'make test-interop-go' runs it",
    ),
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


@pytest.mark.parametrize("name", NAMES)
async def test_go_sdk(
    name: str, broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """One test of tests/interop/go passes against this broker."""
    owner = await acme.identity(github(issuer.url))
    await acme.bind(owner, "owner", acme.id)
    await acme.person(issuer.url, "alice")
    claims = issuer.github_claims(claim_custom="expected")
    code, out = await _run(
        str(await _program()),
        "-test.v",
        f"-test.run=^{name}$",
        "-test.timeout=60s",
        BROKER_URL=broker.url,
        BROKER_GROUP=acme.folder,
        BROKER_OWNER=owner,
        BROKER_UPSTREAM_TOKEN=issuer.token(claims),
        BROKER_UPSTREAM_ISSUER=issuer.url,
        BROKER_UPSTREAM_SUBJECT=claims["sub"],
        BROKER_PERSON_TOKEN=issuer.token({"sub": "alice"}),
        BROKER_KEYS=json.dumps(issuer.jwks()),
    )
    assert code == 0, out
    assert f"--- PASS: {name}" in out, out  # a pattern that fits no test exits with 0 as well
