"""Signed AWS requests as other people's clients write them, and by the guide's lines for a shell."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from broker.iam.model import AwsIdentity
from broker.iam.uidp import Uidp
from tests.docs.documents import ROOT, blocks
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import exchange
from tests.kit.organizations import organization
from tests.kit.sts import ACCOUNT, GLOBAL, TARGET, Principal, StandInSts, role, signed_request, user

GUIDE = ROOT / "docs" / "guides" / "aws-signed-request.md"
WHO = role()
ALICE = user()


@pytest.fixture
async def sts(tmp_path: Path) -> AsyncIterator[StandInSts]:
    async with StandInSts(tmp_path, WHO, ALICE) as running:
        yield running


@pytest.fixture
async def broker(tmp_path: Path, sts: StandInSts) -> AsyncIterator[RunningBroker]:
    async with running_broker(tmp_path, addresses=sts.addresses, **sts.settings) as running:
        yield running


@pytest.fixture
async def anybody(broker: RunningBroker) -> Uidp:
    """Whoever is of the account."""
    rules = AwsIdentity(account=ACCOUNT, arn_pattern=".+", user_id_pattern=".+")
    return await (await organization(broker.store)).identity(rules)


@pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl is not on this machine; it comes from no wheel"
)
@pytest.mark.parametrize("who", [WHO, ALICE], ids=["role", "user"])
async def test_what_the_guide_says_for_curl(
    tmp_path: Path, broker: RunningBroker, sts: StandInSts, anybody: Uidp, who: Principal
) -> None:
    """What the guide says to type gives a token, for credentials with a session and without."""
    (block,) = (block for block in blocks("bash", among=[GUIDE]) if block.marked)
    script = block.text.replace("https://broker.example.com", broker.url)
    (tmp_path / ".curlrc").write_text(
        f'connect-to = "{GLOBAL}:443:127.0.0.1:{sts.port}"\ncacert = "{sts.ca}"\n'
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "IDENTITY": anybody,
        "AWS_ACCESS_KEY_ID": who.access_key,
        "AWS_SECRET_ACCESS_KEY": who.secret_key,
        "AWS_SESSION_TOKEN": who.session_token or "",
    }
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script, stdout=PIPE, stderr=PIPE, env=environment
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["token"], out


def as_go_writes_it(raw: bytes) -> str:
    """net/http's Request.Write: Host first, then its own headers, then the others by name."""
    first, host, *others = raw.decode().removesuffix("\r\n\r\n").split("\r\n")
    own = ["User-Agent: Go-http-client/1.1", "Content-Length: 0"]
    lines = [first, host, *own, *sorted(others), "", ""]
    return base64.urlsafe_b64encode("\r\n".join(lines).encode()).decode()


def as_python_scripts_write_it(raw: bytes) -> str:
    """The whole URL in the first line, and an empty line too many."""
    raw = raw.replace(f"POST {TARGET}".encode(), f"POST https://{GLOBAL}{TARGET}".encode())
    return base64.urlsafe_b64encode(raw + b"\r\n").decode()


def as_shells_write_it(raw: bytes) -> str:
    """base64 of the standard alphabet, padding and all."""
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("write", [as_go_writes_it, as_python_scripts_write_it, as_shells_write_it])
async def test_spellings(
    broker: RunningBroker, anybody: Uidp, write: Callable[[bytes], str]
) -> None:
    """One request, as different programs serialize it."""
    token = write(signed_request(WHO, broker.url, anybody))
    answer = await exchange(broker, token, anybody)
    assert answer.status == 200, answer.body
