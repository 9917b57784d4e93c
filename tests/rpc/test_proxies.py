"""The broker behind the proxies of deploy/proxy, where these are installed."""

from __future__ import annotations

import asyncio
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

from tests.kit.brokers import RunningBroker, free_port
from tests.kit.grpc_calls import CONTRACT, bearer, call, channel, health, reflection

FILES = Path(__file__).parents[2] / "deploy" / "proxy"
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
    """One of them, with a certificate of its own."""
    if shutil.which(request.param, path="/usr/sbin:/usr/bin:/bin") is None:
        pytest.skip(f"{request.param} is not installed")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(tmp_path / "chain.pem", append=True)
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    port = free_port()
    command = PROXIES[request.param](tmp_path, port, broker.settings.port)
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
