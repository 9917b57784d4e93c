"""A flood of tokens that are not acceptable: those that are get through."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.installation import fill
from broker.sdk.testing.issuer import LocalIssuer
from faults.clients import Load, Tokens, asks
from faults.report import Report
from faults.servers import Served, serving

RATE: Final = 100
TIMES: Final = 5
"""How many times what the broker can answer is asked of it."""
CONNECTIONS: Final = 500
SECONDS: Final = 8.0
SERVER, CLIENTS = 0, 1
"""Cores."""


async def flood(folder: Path) -> Report:
    """Five times as many refused tokens as the broker can exchange good ones; no limit."""
    return await _flooded(folder, "flood")


async def flood_with_limit(folder: Path) -> Report:
    """The same with the limit of refusals of an address; the clients have other addresses."""
    return await _flooded(
        folder,
        "flood-limited",
        BROKER_RATE_LIMIT_ADDRESS="100/minute",
        BROKER_TRUSTED_PROXIES='["127.0.0.0/8"]',
    )


async def _flooded(folder: Path, name: str, **settings: str) -> Report:
    url = f"sqlite:///{folder}/broker.sqlite3"
    async with LocalIssuer(algorithm="RS256") as issuer:
        identities = await fill(url, issuer.url, 20)
        environ = {"BROKER_LOG_LEVEL": "warning", **settings}
        with serving(folder, environ) as served, _pinned(served):
            issuer.audience = served.url
            tokens = Tokens(served.url)
            load = Load(served.url, asks(identities, issuer), rate=RATE, tokens=tokens)
            await Load(served.url, asks(identities, issuer), rate=RATE, tokens=tokens).run(1)
            before = await Load(served.url, asks(identities, issuer), rate=RATE, tokens=tokens).run(
                3
            )
            good = _requests(identities, [_good(issuer) for _ in range(200)])
            found = await _send(served, good, rate=1e6, seconds=3, connections=32)
            capacity = found["statuses"].get("200", 0) / 3
            bad = _requests(identities, [_bad(issuer, n) for n in range(300)])
            flooding = asyncio.create_task(
                _send(
                    served,
                    bad,
                    rate=capacity * TIMES,
                    seconds=SECONDS,
                    connections=CONNECTIONS,
                )
            )
            await asyncio.sleep(2)
            await load.run(SECONDS - 3)
            flooded = await flooding
    report = Report(name, load.outcomes)
    statuses = flooded["statuses"]
    report.expect("200" not in statuses, "a token of the flood was accepted")
    report.expect(not {"0", "500"} & statuses.keys(), f"the flood was answered {statuses}")
    report.expect(
        flooded["unsent"] > 0 or flooded["sent"] > capacity, "the flood was not more than it takes"
    )
    answered = sum(statuses.values()) / SECONDS
    report.notes.append(
        f"capacity {capacity:.0f}/s, flood {capacity * TIMES:.0f}/s by {CONNECTIONS} connections, "
        f"answered {answered:.0f}/s ({statuses}); good ones: p99 {before.percentile(0.99):.1f} ms "
        f"before, {load.outcomes.percentile(0.99):.1f} ms during"
    )
    return report


@contextmanager
def _pinned(served: Served) -> Iterator[None]:
    """The broker has a core of its own where there are two, or it would be starved, not flooded."""
    cores = os.sched_getaffinity(0)
    if not {SERVER, CLIENTS} <= cores:
        yield
        return
    os.sched_setaffinity(served.process.pid, {SERVER})
    os.sched_setaffinity(0, {CLIENTS})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _good(issuer: LocalIssuer) -> str:
    return issuer.token(issuer.github_claims(repository_owner_id="9919"))


def _bad(issuer: LocalIssuer, number: int) -> str:
    """Expired, forged, or no token at all; in turn."""
    claims = issuer.github_claims(repository_owner_id="9919")
    match number % 3:
        case 0:
            return issuer.token(claims, exp=1_700_000_000)
        case 1:
            head, _, signature = issuer.token(claims).rpartition(".")
            return f"{head}.{'A' * len(signature)}"
        case _:
            return "x" * 900


def _requests(identities: list[str], tokens: list[str]) -> list[str]:
    return [
        f"GET /sts/exchange?identity={identities[n % len(identities)]} HTTP/1.1\r\nHost: b\r\n"
        f"X-Forwarded-For: 192.0.2.{n % 4}\r\nAuthorization: Bearer {token}\r\n\r\n"
        for n, token in enumerate(tokens)
    ]


async def _send(served: Served, requests: list[str], **more: float) -> dict[str, Any]:
    # what the good ones' client measures is not to be its own wait for the flood's processor
    command = ["chrt", "--idle", "0", sys.executable, "-m", "faults.flooding"]
    asked = json.dumps({"url": served.url, "requests": requests, **more})
    done = await asyncio.to_thread(
        subprocess.run, command, input=asked.encode(), capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
