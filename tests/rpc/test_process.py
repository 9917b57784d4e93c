"""gRPC at `broker serve`, a process on uvloop: its log, its ports, its end."""

from __future__ import annotations

import signal
import socket
import sqlite3
from pathlib import Path

import grpc
import grpc.aio

from broker.contract.proto.oidc.v1 import security_token_service_pb2 as sts_pb
from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.processes import Served, broker, refused, serving
from tests.kit.brokers import free_port
from tests.kit.grpc_calls import CONTRACT, PING, bearer, call, channel

EXCHANGE = CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/Exchange"]
SECRET = "geheim-geheim-geheim"


def port_of(served: Served) -> int:
    return int(served.environ["BROKER_PORT"])


async def test_a_call_is_one_line_of_the_log(tmp_path: Path) -> None:
    """Method, code, duration and id; nothing that was sent, and no line that is not JSON."""
    with serving(tmp_path) as served:
        async with channel(port_of(served)) as wire:
            outcomes = [
                await call(wire),
                await call(wire, EXCHANGE, sts_pb.ExchangeRequest(), metadata=bearer(SECRET)),
            ]
        assert served.stop() == 0
    lines = [line for line in served.lines() if line["event"] == "call"]
    assert [(line["path"], line["code"]) for line in lines] == [
        (PING.path, "OK"),
        (EXCHANGE.path, outcomes[1].code.name),
    ]
    assert [line["request_id"] for line in lines] == [each.request_id for each in outcomes]
    assert all(line["ms"] > 0 for line in lines)
    assert SECRET not in served.log.read_text()


async def test_a_defect_is_told_to_nobody_and_logged_once(tmp_path: Path) -> None:
    """The table of identities is gone: INTERNAL without a reason, one line with the call's id."""
    with serving(tmp_path) as served:
        connection = sqlite3.connect(tmp_path / "var" / "broker.sqlite3", timeout=30)
        connection.execute("DROP TABLE identities")
        connection.close()
        async with channel(port_of(served)) as wire:
            request = sts_pb.ExchangeRequest(identity="0" * 40)
            issuer = LocalIssuer(issuer="https://issuer.example", audience=served.url)
            token = issuer.token({"sub": "somebody"})
            outcome = await call(wire, EXCHANGE, request, metadata=bearer(token))
        served.stop()
    errors = [line for line in served.lines() if line["level"] == "error"]
    assert [error["event"] for error in errors] == ["defect"]
    assert (outcome.code, outcome.text) == (grpc.StatusCode.INTERNAL, "internal error")
    assert outcome.info.reason == "internal"
    assert errors[0]["request_id"] == outcome.request_id
    assert "no such table" in errors[0]["exception"]


async def test_a_port_of_its_own(tmp_path: Path) -> None:
    """BROKER_GRPC_PORT, which the first line of the log names; HTTP is not spoken there."""
    own = free_port()
    with serving(tmp_path, BROKER_GRPC_PORT=str(own)) as served:
        for port in (own, port_of(served)):
            async with channel(port) as wire:
                assert (await call(wire)).code is grpc.StatusCode.OK
        served.stop()
    assert served.lines()[0]["grpc_port"] == own


def test_a_grpc_port_in_use_is_said(tmp_path: Path) -> None:
    """By whomever, another broker too: they do not share it."""
    own = free_port()
    with serving(tmp_path, BROKER_GRPC_PORT=str(own)):
        environ = {"BROKER_PORT": str(free_port()), "BROKER_GRPC_PORT": str(own)}
        other = broker("serve", folder=tmp_path, environ=environ)
    refused(other, f"cannot listen on 127.0.0.1, port {own}", "listen_failed")


def test_a_folder_for_temporary_files_that_is_none_is_said(tmp_path: Path) -> None:
    """The socket between the ports and the gRPC server is in it."""
    environ = {"BROKER_PORT": str(free_port()), "TMPDIR": str(tmp_path / ("x" * 90))}
    (tmp_path / ("x" * 90)).mkdir()
    refused(broker("serve", folder=tmp_path, environ=environ), "listen_failed")


def test_the_socket_is_nobody_elses_and_goes(tmp_path: Path) -> None:
    """In a folder of mode 0700, which is removed at the end."""
    with serving(tmp_path, TMPDIR=str(tmp_path)) as served:
        (folder,) = tmp_path.glob("broker-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "grpc").is_socket()
        served.stop()
    assert not folder.exists()


def test_slow_first_bytes_on_uvloop(tmp_path: Path) -> None:
    """A connection that is handed over in the middle of its first line."""
    with (
        serving(tmp_path) as served,
        socket.create_connection(("127.0.0.1", port_of(served)), timeout=30) as connection,
    ):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (b"G", b"ET /healthz HT", b"TP/1.1\r\nHost: b\r\n\r\n"):
            connection.sendall(piece)
        assert connection.recv(12) == b"HTTP/1.1 200"


async def test_a_connected_client_does_not_delay_the_end(tmp_path: Path) -> None:
    """SIGTERM ends the process with 0, long before the grace of an hour."""
    with serving(tmp_path, BROKER_SHUTDOWN_GRACE="3600") as served:
        async with channel(port_of(served)) as wire:
            assert (await call(wire)).code is grpc.StatusCode.OK
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(30) == 0
