"""The broker behind the proxies of deploy/proxy, where these are installed."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import grpc
import pytest
import trustme
from yarl import URL

from tests.kit.brokers import RunningBroker, free_port, running_broker
from tests.kit.grpc_calls import CONTRACT, bearer, call, channel, health, reflection

FILES = Path(__file__).parents[2] / "deploy" / "proxy"
EXCHANGE = CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/Exchange"]
LIST = CONTRACT.methods["/chainguard.platform.iam.Groups/List"]


@dataclass(frozen=True, slots=True)
class Proxied:
    """Where the proxy listens, and who signed its certificate."""

    port: int
    authority: trustme.CA


def filled_in(name: str, changes: dict[str, str]) -> str:
    """The file, with what everybody has to change."""
    text = (FILES / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, broker_port: int) -> list[str]:
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{broker_port}",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/broker.example": str(folder),
        "server_name broker.example": "server_name localhost",
    }
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{filled_in('nginx.conf', changes)}}}\n"
    )
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, broker_port: int) -> list[str]:
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{broker_port}",
        "broker.example {": f"https://127.0.0.1:{port} {{\n"
        f"\ttls {folder}/chain.pem {folder}/key.pem",
    }
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(options + filled_in("Caddyfile", changes))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


PROXIES = {"nginx": nginx, "caddy": caddy}


@asynccontextmanager
async def running(command: list[str], folder: Path, port: int) -> AsyncIterator[None]:
    """The proxy, once it listens."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(30):
            while not listens(port):
                assert process.returncode is None, (await said).decode()
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await said


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=sorted(PROXIES))
async def proxied(
    request: pytest.FixtureRequest, broker: RunningBroker, tmp_path: Path
) -> AsyncIterator[Proxied]:
    """One of them, in front of a broker that knows nothing of it."""
    async with in_front_of(broker, request.param, tmp_path) as running_proxy:
        yield running_proxy


@asynccontextmanager
async def in_front_of(broker: RunningBroker, name: str, tmp_path: Path) -> AsyncIterator[Proxied]:
    """A proxy with a certificate of its own."""
    if shutil.which(name, path="/usr/sbin:/usr/bin:/bin") is None:
        pytest.skip(f"{name} is not installed")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(tmp_path / "chain.pem", append=True)
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    port = free_port()
    command = PROXIES[name](tmp_path, port, broker.settings.port)
    async with running(command, tmp_path, port):
        yield Proxied(port, authority)


async def test_grpc_and_http_through_one_port_of_a_proxy(proxied: Proxied) -> None:
    """Calls, health and reflection; discovery and the API; a token of 16 KiB in both."""
    token = "x" * 16_000
    for _ in range(3):  # connections to the broker are used again, for what they were opened
        await tell(proxied, token)


async def tell(proxied: Proxied, token: str) -> None:
    async with channel(proxied.port, bytes(proxied.authority.cert_pem.bytes())) as wire:
        outcomes = await asyncio.gather(*(call(wire) for _ in range(20)))
        assert {outcome.code for outcome in outcomes} == {grpc.StatusCode.OK}
        assert await health(wire) == "SERVING"
        listed = await reflection(wire, list_services="")
        assert listed.list_services_response.service
        refused = await call(wire, LIST, metadata=bearer(token))
        assert refused.code is grpc.StatusCode.UNAUTHENTICATED
        assert refused.info.reason.startswith("token_")
    context = ssl.create_default_context()
    proxied.authority.configure_trust(context)
    url = f"https://127.0.0.1:{proxied.port}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        async with session.get(f"{url}/.well-known/openid-configuration") as response:
            assert response.status == 200
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("groups", "groups/aa/bb", "groups/aa%2Fbb"):
            target = URL(f"{url}/iam/v2beta1/{path}", encoded=True)
            async with session.get(target, headers=headers) as response:
                assert response.status == 401, path


@pytest.mark.parametrize("name", sorted(PROXIES))
async def test_a_trusted_proxy_tells_who_calls(name: str, tmp_path: Path) -> None:
    """Over HTTP and gRPC, whatever the caller says of itself."""
    pretended = "192.0.2.1"
    async with (
        running_broker(tmp_path, BROKER_TRUSTED_PROXIES='["127.0.0.1/32"]') as broker,
        in_front_of(broker, name, tmp_path) as proxied,
    ):
        context = ssl.create_default_context()
        proxied.authority.configure_trust(context)
        connector = aiohttp.TCPConnector(ssl=context, local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"https://127.0.0.1:{proxied.port}/sts/exchange"
            async with session.get(url, headers={"X-Forwarded-For": pretended}) as response:
                over_http = response.headers["X-Request-Id"]
        async with channel(proxied.port, bytes(proxied.authority.cert_pem.bytes())) as wire:
            metadata = [*bearer("x"), ("x-forwarded-for", pretended)]
            over_grpc = (await call(wire, EXCHANGE, metadata=metadata)).request_id
        assert await address_of(broker, over_http) == "127.0.0.2"
        assert await address_of(broker, over_grpc) == "127.0.0.1"


async def address_of(broker: RunningBroker, request_id: str) -> str:
    """As the audit log has it."""
    async with broker.store.read() as records:
        (record,) = await records.audit.find(request_id=request_id)
    address: str = json.loads(record.detail)["address"]
    return address
