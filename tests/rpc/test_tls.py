"""The ports with TLS: what is agreed on, and who gets which protocol."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import trustme
import uvloop

from broker.app import KEY_FILE
from broker.issuer.wrapping import KeyFile
from tests.kit.brokers import RunningBroker, free_port, running_broker
from tests.kit.grpc_calls import call, channel, health

GET = b"GET /healthz HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Secured:
    """A broker whose ports speak TLS."""

    broker: RunningBroker
    authority: trustme.CA

    @property
    def roots(self) -> bytes:
        """PEM."""
        return bytes(self.authority.cert_pem.bytes())

    def trusting(self, *protocols: str) -> ssl.SSLContext:
        """A client that trusts the authority and offers these protocols."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context


@asynccontextmanager
async def securing(tmp_path: Path) -> AsyncIterator[Secured]:
    """With a port of its own for gRPC too."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    KeyFile.create(tmp_path / "keys" / KEY_FILE, secrets.token_bytes)
    async with running_broker(
        tmp_path,
        BROKER_ISSUER="https://broker.example",
        BROKER_TLS_CERTIFICATE=str(chain),
        BROKER_TLS_KEY=str(key),
        BROKER_GRPC_PORT=str(free_port()),
    ) as broker:
        yield Secured(broker, authority)


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Secured]:
    """One of this test's."""
    async with securing(tmp_path) as running:
        yield running


async def negotiate(port: int, context: ssl.SSLContext, said: bytes) -> tuple[str | None, bytes]:
    """The protocol that was agreed on, and the first bytes of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        writer.write(said)
        async with asyncio.timeout(30):
            return agreed, await reader.readexactly(9)
    finally:
        writer.close()
        with suppress(ssl.SSLError, ConnectionError):  # more may come after our close_notify
            await writer.wait_closed()


@pytest.mark.parametrize("which", ["shared", "own"])
async def test_grpc_over_tls(secured: Secured, which: str) -> None:
    """On the port that HTTP has too, and on its own, with the same certificate."""
    settings = secured.broker.settings
    port = settings.port if which == "shared" else settings.grpc_port
    assert port is not None
    async with channel(port, secured.roots) as wire:
        outcomes = await asyncio.gather(*(call(wire) for _ in range(50)))
        assert {outcome.code for outcome in outcomes} == {grpc.StatusCode.OK}
        assert await health(wire) == "SERVING"


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        (("h2", "http/1.1"), "http/1.1"),
        (("http/1.1", "h2"), "http/1.1"),
        (("http/1.1",), "http/1.1"),
        ((), None),
    ],
)
async def test_http_over_tls(
    secured: Secured, offered: tuple[str, ...], agreed: str | None
) -> None:
    """Who can speak HTTP/1.1 is answered in it, whatever they like better."""
    context = secured.trusting(*offered)
    assert await negotiate(secured.broker.settings.port, context, GET) == (agreed, b"HTTP/1.1 ")


async def test_who_offers_h2_alone_gets_it(secured: Secured) -> None:
    """RFC 7301: gRPC clients offer nothing else, and insist on the answer."""
    said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    port = secured.broker.settings.port
    agreed, frame = await negotiate(port, secured.trusting("h2"), said)
    assert (agreed, frame[3]) == ("h2", 4)


def test_all_of_it_on_uvloop(tmp_path: Path) -> None:
    """The loop of `broker serve`, whose TLS is its own."""

    async def story() -> None:
        async with securing(tmp_path) as secured:
            for which in ("shared", "own"):
                await test_grpc_over_tls(secured, which)
            await test_http_over_tls(secured, ("h2", "http/1.1"), "http/1.1")
            await test_who_offers_h2_alone_gets_it(secured)

    uvloop.run(story())


async def test_tls_1_1_is_refused(secured: Secured) -> None:
    """RFC 8996."""
    context = secured.trusting()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await negotiate(secured.broker.settings.port, context, GET)


async def test_a_client_without_tls_is_not_answered(secured: Secured) -> None:
    """Neither HTTP nor gRPC in clear."""
    reader, writer = await asyncio.open_connection("127.0.0.1", secured.broker.settings.port)
    writer.write(GET)
    assert not (await reader.read()).startswith(b"HTTP")
    writer.close()
    await writer.wait_closed()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_that_asks_for_http_2(secured: Secured, tmp_path: Path) -> None:
    """Offers both, and gets HTTP/1.1."""
    secured.authority.cert_pem.write_to_path(tmp_path / "roots.pem")
    url = f"https://127.0.0.1:{secured.broker.settings.port}/healthz"
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--http2", "--cacert", str(tmp_path / "roots.pem")),
        *("--write-out", " %{http_version}", url),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == b'{"status":"ok"} 1.1'
