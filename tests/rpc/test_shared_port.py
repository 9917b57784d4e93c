"""HTTP/1.1 and gRPC on one port, told on real sockets byte by byte."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import grpc
import grpc.aio
import pytest
import uvloop

from broker.web import shared_port
from broker.web.shared_port import SharedPort
from tests.kit.brokers import RunningBroker
from tests.kit.calls import call as http_call
from tests.kit.grpc_calls import call

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""An empty SETTINGS frame (RFC 9113 §6.5)."""
GET = b"GET /healthz HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n"
PATIENCE = 30


Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def raw(broker: RunningBroker) -> AsyncIterator[Wire]:
    """A connection on which the test says every byte itself."""
    async with connection(broker.settings.port) as opened:
        yield opened


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection is over, in whatever way."""
    received = b""
    async with asyncio.timeout(PATIENCE):
        try:
            while data := await reader.read(65_536):
                received += data
        except ConnectionResetError:
            pass
    return received


async def test_fifty_calls_at_once_beside_http(
    broker: RunningBroker, wire: grpc.aio.Channel
) -> None:
    """Both on one port; each gets its own answer."""

    async def get(session: aiohttp.ClientSession) -> int:
        async with session.get(f"{broker.url}/healthz") as response:
            await response.read()
            return response.status

    async with aiohttp.ClientSession() as session:
        outcomes, statuses = await asyncio.gather(
            asyncio.gather(*(call(wire) for _ in range(50))),
            asyncio.gather(*(get(session) for _ in range(50))),
        )
    assert {outcome.code for outcome in outcomes} == {grpc.StatusCode.OK}
    assert len({outcome.request_id for outcome in outcomes}) == 50
    assert set(statuses) == {200}


@pytest.mark.parametrize("said", [GET, PREFACE + SETTINGS], ids=["HTTP/1.1", "HTTP/2"])
async def test_the_first_bytes_may_come_one_by_one(raw: Wire, said: bytes) -> None:
    """It is answered in the protocol that it speaks."""
    reader, writer = raw
    for byte in said:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        if said is GET:
            assert (await rest(reader)).startswith(b"HTTP/1.1 200 ")
        else:
            assert (await reader.readexactly(9))[3] == 4, "not a SETTINGS frame"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "PROPFIND", "PR", "PRI/"])
async def test_methods_that_begin_like_the_preface(raw: Wire, method: str) -> None:
    """Are HTTP/1.1."""
    reader, writer = raw
    writer.write(f"{method} /healthz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n".encode())
    answer = await rest(reader)
    assert answer.startswith(b"HTTP/1.")
    assert answer.split(b" ")[1].startswith(b"4")


async def test_what_only_begins_like_the_preface_is_closed(
    broker: RunningBroker, raw: Wire
) -> None:
    """RFC 9113 §3.4; nobody else is hurt."""
    reader, writer = raw
    writer.write(b"PRI * HTTP/1.1\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
    assert b"HTTP/1.1 200" not in await rest(reader)
    assert (await http_call("GET", f"{broker.url}/healthz")).status == 200


@pytest.mark.parametrize("said", [b"", b"PR"])
async def test_a_connection_that_does_not_begin_is_closed(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """Not kept for whoever opens many and says nothing."""
    monkeypatch.setattr(shared_port, "FIRST_BYTES", 0.05)
    async with connection(broker.settings.port) as (reader, writer):
        writer.write(said)
        assert await rest(reader) == b""


@pytest.mark.parametrize("said", [b"", b"PR", b"GE", PREFACE[:10], PREFACE + SETTINGS])
async def test_a_client_that_leaves_is_forgotten(
    broker: RunningBroker, raw: Wire, said: bytes
) -> None:
    """At whatever point it says that nothing more will come."""
    reader, writer = raw
    writer.write(said)
    writer.write_eof()
    await rest(reader)
    assert (await http_call("GET", f"{broker.url}/healthz")).status == 200


def never() -> asyncio.Protocol:
    pytest.fail("it does not speak HTTP/1.1")


@asynccontextmanager
async def joined(folder: Path) -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a splice, as sockets that do not block: the client's, and the server's."""
    loop = asyncio.get_running_loop()
    path = folder / "grpc"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket() as client:
        listening.bind(str(path))
        listening.listen()
        listening.setblocking(False)
        shared = SharedPort(never, grpc=path)
        server = await loop.create_server(shared, "127.0.0.1", 0)
        client.setblocking(False)
        await loop.sock_connect(client, server.sockets[0].getsockname())
        await loop.sock_sendall(client, b"PRI ")
        accepted, _ = await loop.sock_accept(listening)
        with accepted:
            assert await loop.sock_recv(accepted, 100) == b"PRI "
            yield client, accepted
        server.close()
        await shared.close(PATIENCE)


async def send_until_stuck(sender: socket.socket) -> bytes:
    """Send until nobody takes any more."""
    sent, chunk, idle = b"", os.urandom(65_536), 0
    while idle < 500 and len(sent) < 64 * 1024 * 1024:
        try:
            count = sender.send(chunk)
        except BlockingIOError:
            idle += 1
            await asyncio.sleep(0)
        else:
            sent += chunk[:count]
            idle = 0
    return sent


@pytest.mark.parametrize("direction", ["to the server", "to the client"])
async def test_who_reads_slowly_makes_the_other_wait(tmp_path: Path, direction: str) -> None:
    """The broker holds little of what is not read, and all of it arrives."""
    loop = asyncio.get_running_loop()
    async with joined(tmp_path) as (client, server):
        sender, receiver = (client, server) if direction == "to the server" else (server, client)
        sent = await send_until_stuck(sender)
        assert len(sent) < 32 * 1024 * 1024, "it takes whatever comes"
        sender.shutdown(socket.SHUT_WR)
        received = b""
        async with asyncio.timeout(PATIENCE):
            while data := await loop.sock_recv(receiver, 1 << 20):
                received += data
        assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()
        receiver.close()


async def test_a_client_that_has_said_all_is_still_answered(tmp_path: Path) -> None:
    """The end of what it sends is passed on, and the other way stays open."""
    loop = asyncio.get_running_loop()
    async with joined(tmp_path) as (client, server), asyncio.timeout(PATIENCE):
        client.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(server, 100) == b""
        await loop.sock_sendall(server, b"answer")
        assert await loop.sock_recv(client, 100) == b"answer"
        server.close()
        assert await loop.sock_recv(client, 100) == b""


@pytest.mark.parametrize("who", ["client", "server"])
async def test_when_one_is_gone_so_is_the_other(tmp_path: Path, who: str) -> None:
    """Also when it goes without a word (RST)."""
    loop = asyncio.get_running_loop()
    async with joined(tmp_path) as (client, server), asyncio.timeout(PATIENCE):
        gone, left = (client, server) if who == "client" else (server, client)
        if who == "client":
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
        assert await loop.sock_recv(left, 100) == b""


async def test_without_a_grpc_server_the_connection_is_closed(tmp_path: Path) -> None:
    """While it stops, say."""
    loop = asyncio.get_running_loop()
    shared = SharedPort(never, grpc=tmp_path / "nobody")
    server = await loop.create_server(shared, "127.0.0.1", 0)
    async with connection(server.sockets[0].getsockname()[1]) as (reader, writer):
        writer.write(PREFACE)
        assert await rest(reader) == b""
    server.close()
    await shared.close(PATIENCE)


def test_all_of_it_on_uvloop(tmp_path: Path) -> None:
    """The loop of `broker serve`, whose transports are its own."""

    async def story() -> None:
        for n, direction in enumerate(("to the server", "to the client")):
            await test_who_reads_slowly_makes_the_other_wait(folder(f"slow-{n}"), direction)
        await test_a_client_that_has_said_all_is_still_answered(folder("half"))
        for who in ("client", "server"):
            await test_when_one_is_gone_so_is_the_other(folder(who), who)
        await test_without_a_grpc_server_the_connection_is_closed(folder("nobody"))

    def folder(name: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        return made

    uvloop.run(story())
