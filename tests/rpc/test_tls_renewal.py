"""A certificate that is renewed while the ports serve it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import trustme

from broker.web.tls import CertificateFiles

HOST = "127.0.0.1"


def write(authority: trustme.CA, chain: Path, key: Path) -> None:
    """As ACME clients do: each file is replaced, one after the other."""
    issued = authority.issue_cert(HOST)
    for path, content in (
        (chain, b"".join(pem.bytes() for pem in issued.cert_chain_pems)),
        (key, issued.private_key_pem.bytes()),
    ):
        draft = path.with_suffix(".draft")
        draft.write_bytes(content)
        draft.replace(path)


async def serial(port: int, authority: trustme.CA) -> bytes:
    """The certificate that a new connection gets."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    _, writer = await asyncio.open_connection(HOST, port, ssl=context)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


@pytest.fixture
def files(tmp_path: Path) -> tuple[trustme.CA, Path, Path]:
    authority = trustme.CA()
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    write(authority, chain, key)
    return authority, chain, key


async def test_new_connections_are_by_the_new_certificate(
    files: tuple[trustme.CA, Path, Path],
) -> None:
    """Those that there are go on; nothing is restarted."""
    authority, chain, key = files
    served = CertificateFiles(chain, key)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0, ssl=served.context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        first = await serial(port, authority)
        context = ssl.create_default_context()
        authority.configure_trust(context)
        reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
        write(authority, chain, key)
        served.refresh()
        assert await serial(port, authority) != first
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"
        writer.close()


def _half(authority: trustme.CA, chain: Path, key: Path) -> None:
    del authority, chain
    key.write_bytes(trustme.CA().issue_cert(HOST).private_key_pem.bytes())


def _noise(authority: trustme.CA, chain: Path, key: Path) -> None:
    del authority, key
    chain.write_bytes(b"not PEM")


def _gone(authority: trustme.CA, chain: Path, key: Path) -> None:
    del authority, chain
    key.unlink()


@pytest.mark.parametrize("ruin", [_half, _noise, _gone])
def test_what_cannot_be_used_leaves_the_one_before(
    files: tuple[trustme.CA, Path, Path], ruin: Callable[[trustme.CA, Path, Path], None]
) -> None:
    """Half of a renewal, noise, a file that is gone; and when it is mended, that counts."""
    authority, chain, key = files
    served = CertificateFiles(chain, key)
    before = served.pair
    ruin(authority, chain, key)
    served.refresh()
    assert served.pair == before
    write(authority, chain, key)
    served.refresh()
    assert served.pair != before
    assert served.pair == (key.read_bytes(), chain.read_bytes())


async def test_grpc_on_its_own_port_takes_the_new_certificate_too(
    files: tuple[trustme.CA, Path, Path],
) -> None:
    """By the same pair."""
    from broker.rpc.server import _credentials

    authority, chain, key = files
    served = CertificateFiles(chain, key)
    server = grpc.aio.server()
    port = server.add_secure_port(f"{HOST}:0", _credentials(lambda: served.pair))
    await server.start()
    try:
        first = await serial(port, authority)
        write(authority, chain, key)
        served.refresh()
        assert await serial(port, authority) != first
    finally:
        await server.stop(0)
