"""`python -m bench.api`: what calls of the management API cost, and how that grows.

Each call is made one at a time over one connection, so that its latency is the work and not a
queue; beside it stands the server's own CPU time a call, which no client can distort. Both over
HTTP/JSON and over gRPC, on SQLite and on PostgreSQL, in an organization of 1,000 groups and 1,000,
10,000 and 100,000 other records. What counts is how a line changes from one size to the next.

The first page of a list counts the total, which takes the longer the more there is to count; later
pages carry it along.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio

from bench.installation import as_json, machine, process, wait_for
from broker.contract.methods import Contract, Method
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import ClaimMatch, Group, Identity, Person, RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from broker.store import Store
from tests.kit.databases import running_postgres

PORT = 8191
URL = f"http://127.0.0.1:{PORT}"
BROKER = str(Path(sys.executable).with_name("broker"))
TICKS = os.sysconf("SC_CLK_TCK")
GROUPS = 1000
BATCH = 2000

V2 = "/chainguard.platform.iam.v2."


@dataclass(frozen=True)
class Subject:
    """A call to measure."""

    name: str
    path: str
    request: Callable[[Uidp, int], dict[str, Any]]
    """Organization and the number of the call → the request's fields."""
    second: bool = False
    """Whether the page after the first is meant."""


SUBJECTS = (
    Subject("whoami", "/chainguard.platform.auth.Auth/Validate", lambda _organization, _n: {}),
    Subject(
        "list of 1,000 groups",
        f"{V2}GroupsService/ListGroups",
        lambda _organization, _n: {"page_size": GROUPS},
    ),
    Subject(
        "first 100 identities",
        f"{V2}IdentitiesService/ListIdentities",
        lambda _organization, _n: {"page_size": 100},
    ),
    Subject(
        "next 100 identities",
        f"{V2}IdentitiesService/ListIdentities",
        lambda _organization, _n: {"page_size": 100},
        second=True,
    ),
    Subject(
        "identity create",
        f"{V2}IdentitiesService/CreateIdentity",
        lambda organization, n: {
            "parent": organization,
            "identity": {
                "name": f"bench {n}",
                "claim_match": {
                    "issuer": "https://token.actions.githubusercontent.com",
                    "subject": f"repo:acme/{n}:ref:refs/heads/main",
                },
            },
        },
    ),
)


async def fill(url: str, issuer: str, size: int) -> Uidp:
    """An organization of 1,000 groups and `size` other records, which are identities with a role
    binding each; its owner is the person `owner` of `issuer`.
    """
    now = datetime.now(UTC)
    roles = BuiltinRoles(CapabilityTable.load())
    viewer = roles.by_name("viewer")
    assert viewer is not None
    organization = Uidp.new_root(os.urandom)
    owner = Uidp.of_person(issuer, "owner")
    folders = [organization.child(os.urandom) for _ in range(GROUPS - 1)]
    store = Store.open(url)
    await store.migrate()
    async with store.write() as records:
        await records.groups.add(
            Group(id=organization, name="bench", created_at=now, updated_at=now)
        )
        await records.identities.add(
            Identity(
                id=owner,
                name="owner",
                relationship=Person(issuer=issuer, subject="owner"),
                created_at=now,
                updated_at=now,
            )
        )
        await records.bindings.add(_binding(organization, owner, roles.owner.id, now))
        for n, folder in enumerate(folders):
            await records.groups.add(
                Group(id=folder, name=f"folder {n}", created_at=now, updated_at=now)
            )
    rest = size // 2
    for start in range(0, rest, BATCH):
        async with store.write() as records:
            for n in range(start, min(start + BATCH, rest)):
                group = folders[n % len(folders)]
                identity = Identity(
                    id=group.child(os.urandom),
                    name=f"identity {n}",
                    relationship=ClaimMatch(issuer=issuer, subject=f"subject {n}"),
                    created_at=now,
                    updated_at=now,
                )
                await records.identities.add(identity)
                await records.bindings.add(_binding(group, identity.id, viewer.id, now))
    await store.close()
    return organization


def _binding(group: Uidp, identity: Uidp, role: Uidp, now: datetime) -> RoleBinding:
    return RoleBinding(id=group.child(os.urandom), identity=identity, role=role, created_at=now)


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measured(
    pid: int, count: int, call: Callable[[int], Awaitable[None]]
) -> tuple[float, float]:
    """Median milliseconds of a call, and the server's CPU milliseconds for one."""
    for n in range(max(3, count // 10)):
        await call(-n - 1)
    times = []
    before = cpu_seconds(pid)
    for n in range(count):
        started = time.perf_counter()
        await call(n)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times), (cpu_seconds(pid) - before) * 1000 / count


async def over_http(session: aiohttp.ClientSession, method: Method, fields: dict[str, Any]) -> None:
    """One call, its answer read."""
    rule = method.http[0]
    path = rule.template.replace("{parent=**}", fields.pop("parent", ""))
    body = fields.pop(rule.body) if rule.body else None
    async with session.request(rule.verb, URL + path, params=fields, json=body) as response:
        text = await response.read()
        if response.status != 200:
            raise SystemExit(f"{method.path}: {response.status} {text[:300]!r}")


async def over_grpc(
    channel: grpc.aio.Channel, token: str, method: Method, fields: dict[str, Any]
) -> Any:
    """One call, its answer parsed."""
    stub = channel.unary_unary(
        method.path,
        request_serializer=method.request.SerializeToString,
        response_deserializer=method.response.FromString,
    )
    return await stub(method.request(**fields), metadata=(("authorization", f"Bearer {token}"),))


async def measure(pid: int, organization: Uidp, token: str, count: int) -> dict[str, float]:
    """Every subject, on both wires."""
    figures: dict[str, float] = {}
    contract = Contract.load()
    headers = {"Authorization": f"Bearer {token}"}
    options = [("grpc.max_receive_message_length", -1)]
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        grpc.aio.insecure_channel(f"127.0.0.1:{PORT}", options=options) as channel,
    ):
        for subject in SUBJECTS:
            method = contract.methods[subject.path]
            more: dict[str, Any] = {}
            if subject.second:
                first = subject.request(organization, 0)
                page = await over_grpc(channel, token, method, first)
                more["page_token"] = page.next_page_token

            def fields(
                n: int, subject: Subject = subject, more: dict[str, Any] = more
            ) -> dict[str, Any]:
                return subject.request(organization, n) | more

            async def http(n: int, method: Method = method, fields: Any = fields) -> None:
                await over_http(session, method, fields(n))

            async def rpc(n: int, method: Method = method, fields: Any = fields) -> None:
                await over_grpc(channel, token, method, fields(n))

            for wire, call in (("HTTP", http), ("gRPC", rpc)):
                latency, cpu = await measured(pid, count, call)
                figures[f"{subject.name}, {wire}: ms"] = latency
                figures[f"{subject.name}, {wire}: server CPU ms"] = cpu
    return figures


async def owner_token(issuer: LocalIssuer) -> str:
    """By a real exchange."""
    upstream = issuer.token({"sub": "owner"}, lifetime=3600)
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{URL}/sts/exchange", headers={"Authorization": f"Bearer {upstream}"}
        ) as answer,
    ):
        return str((await answer.json())["token"])


async def one(folder: Path, database: str, size: int, count: int) -> dict[str, float]:
    """An installation of its own."""
    environment = {
        "BROKER_PORT": str(PORT),
        "BROKER_DATABASE_URL": database,
        "BROKER_KEYS_DIR": str(folder / "keys"),
        "BROKER_LOG_LEVEL": "warning",
    }
    async with LocalIssuer(audience=URL) as issuer:
        organization = await fill(database, issuer.url, size)
        with process([BROKER, "serve"], core=0, env=environment, log=folder / "log") as pid:
            await asyncio.to_thread(wait_for, f"{URL}/readyz")
            return await measure(pid, organization, await owner_token(issuer), count)


@contextmanager
def databases(folder: Path, engines: list[str]) -> Iterator[list[tuple[str, Callable[[int], str]]]]:
    """Names of engines, and a URL of a fresh database by number."""
    made: list[tuple[str, Callable[[int], str]]] = []
    if "sqlite" in engines:
        made.append(("SQLite", lambda size: f"sqlite:///{folder}/sqlite-{size}.db"))
    if "postgresql" not in engines:
        yield made
        return
    with running_postgres() as server:

        def create(size: int) -> str:
            name = f"bench_{size}"
            asyncio.run(server.run(f"CREATE DATABASE {name}"))
            return server.url(name)

        yield [*made, ("PostgreSQL", create)]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--calls", type=int, default=100, help="of each kind")
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    os.sched_setaffinity(0, {1})
    figures: dict[str, object] = {"machine": machine()}
    with (
        tempfile.TemporaryDirectory() as temporary,
        databases(Path(temporary), options.engines) as engines,
    ):
        for engine, url in engines:
            for size in options.sizes:
                folder = Path(temporary) / f"{engine}-{size}"
                folder.mkdir()
                found = asyncio.run(one(folder, url(size), size, options.calls))
                figures |= {
                    f"{engine}, {size:,} records: {name}": value for name, value in found.items()
                }
                for name, value in found.items():
                    print(f"{engine:10} {size:>8,}  {name:48} {value:8.2f}", flush=True)
    if options.json:
        options.json.write_text(as_json(figures))


if __name__ == "__main__":
    main()
