"""What is measured: a broker process on one core, an issuer, identities, requests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from broker.iam.capabilities import CapabilityTable
from broker.iam.model import ClaimMatch, Group, Identity, RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.oauth import token_exchange
from broker.sdk.testing.issuer import LocalIssuer
from broker.store import Store


async def fill(url: str, issuer: str, count: int, *, single_use: bool = False) -> list[Uidp]:
    """An organization with `count` identities that trust the issuer, each with rules and a role."""
    now = datetime.now(UTC)
    viewer = BuiltinRoles(CapabilityTable.load()).by_name("viewer")
    assert viewer is not None
    organization = Uidp.new_root(os.urandom)
    identities = []
    store = Store.open(url)
    await store.migrate()
    async with store.write() as records:
        await records.groups.add(
            Group(id=organization, name=f"load {organization[:8]}", created_at=now, updated_at=now)
        )
        for n in range(count):
            identity = Identity(
                id=organization.child(os.urandom),
                name=f"identity {n}",
                relationship=ClaimMatch(
                    issuer=issuer,
                    subject_pattern="repo:acme/[a-z]+:ref:refs/heads/.*",
                    claims={"repository_owner_id": "9919"},
                    claim_patterns={"ref": "refs/heads/(main|release/.*)"},
                ),
                created_at=now,
                updated_at=now,
                single_use=single_use,
            )
            await records.identities.add(identity)
            await records.bindings.add(
                RoleBinding(
                    id=organization.child(os.urandom),
                    identity=identity.id,
                    role=viewer.id,
                    created_at=now,
                )
            )
            identities.append(identity.id)
    await store.close()
    return identities


def tokens(issuer: LocalIssuer, count: int) -> list[str]:
    """Distinct ones of GitHub's shape, padded to about 1.5 KB."""
    return [
        issuer.token(
            issuer.github_claims(run_id=str(n), repository_owner_id="9919"),
            lifetime=3600,
        )
        for n in range(count)
    ]


def write_requests(folder: Path, identities: list[Uidp], upstream: list[str]) -> dict[str, Path]:
    """A file of requests for each dialect: identities and tokens in turn."""
    sts, oauth = [], []
    for identity, token in zip(identities, upstream, strict=True):
        sts.append(f"/sts/exchange?identity={quote(identity, safe='')}\t{token}\t")
        form = {
            "grant_type": token_exchange.GRANT_TYPE,
            "subject_token": token,
            "subject_token_type": token_exchange.JWT,
            "client_id": identity,
        }
        oauth.append(f"/token\t\t{urlencode(form)}")
    files = {"sts": folder / "sts.txt", "oauth": folder / "oauth.txt"}
    files["sts"].write_text("\n".join(sts))
    files["oauth"].write_text("\n".join(oauth))
    return files


@contextmanager
def process(command: list[str], *, core: int, env: dict[str, str], log: Path) -> Iterator[int]:
    """A server on one core; its pid."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            env={**os.environ, **env},
            stdout=output,
            stderr=output,
        )
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait()


def wait_for(url: str, seconds: float = 20) -> float:
    """Until it answers 200; how long that took, in seconds."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return time.perf_counter() - start
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"no answer from {url}")


def wait_until_open(port: int, seconds: float = 20) -> None:
    """Until somebody listens."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit(f"nobody listens on port {port}")


def resident_megabytes(pid: int) -> float:
    """Memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def machine() -> str:
    """What this runs on, for the report."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"


def as_json(rows: dict[str, object]) -> str:
    """For who wants to compare runs."""
    return json.dumps(rows, indent=2)
