"""Calls that are cut short: by their caller, and by a broker that stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2

from broker.contract.proto.iam.v1 import groups_pb2
from broker.contract.proto.oidc.v1 import security_token_service_pb2 as sts_pb
from tests.kit.brokers import RunningBroker, free_port, running_broker
from tests.kit.grpc_calls import (
    CONTRACT,
    PING,
    Metadata,
    Outcome,
    UnaryUnary,
    bearer,
    call,
    channel,
)
from tests.kit.issuers import Gate, MisbehavingIssuer, answers
from tests.kit.organizations import Organization, github, organization

CREATE = CONTRACT.methods["/chainguard.platform.iam.Groups/Create"]
EXCHANGE = CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/Exchange"]


async def test_a_cancelled_call_has_done_all_or_nothing(
    broker: RunningBroker, wire: grpc.aio.Channel, acme: Organization, owner: Metadata
) -> None:
    """Whenever its caller gives up, a group is there with its event or neither is."""
    stub: UnaryUnary = wire.unary_unary(CREATE.path)
    for n in range(60):
        group = groups_pb2.Group(name=f"folder-{n}")
        request = groups_pb2.CreateGroupRequest(parent=acme.id, group=group)
        running = stub(request.SerializeToString(), metadata=owner)
        await asyncio.sleep(n / 5000)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    request = groups_pb2.CreateGroupRequest(parent=acme.id, group=groups_pb2.Group(name="last"))
    outcome = await call(wire, CREATE, request, metadata=owner)
    assert outcome.code is grpc.StatusCode.OK, outcome.text
    async with broker.store.read() as records:
        made = {group.id for group in await records.groups.children(acme.id)} - {acme.folder}
        events = await records.audit.find(action="group.created")
    assert {record.subject for record in events} == made


@dataclass
class Stoppable:
    """A broker that can be told to stop in the middle of a test, and an exchange that waits."""

    broker: RunningBroker
    issuer: MisbehavingIssuer
    gate: Gate
    running: AsyncExitStack

    async def exchange(self, wire: grpc.aio.Channel) -> asyncio.Task[Outcome]:
        """A call that is running: it waits for the issuer, whose gate is closed."""
        acme = await organization(self.broker.store)
        request = sts_pb.ExchangeRequest(identity=await acme.identity(github(self.issuer.url)))
        token = self.issuer.token(self.issuer.github_claims(), aud=self.broker.url)
        exchanging = asyncio.create_task(call(wire, EXCHANGE, request, metadata=bearer(token)))
        await self.gate.waiting.wait()
        return exchanging

    def stop(self) -> asyncio.Task[None]:
        """It begins to."""
        return asyncio.create_task(self.running.aclose())

    def listens(self) -> bool:
        """Whether the port takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.broker.settings.port)) == 0


@asynccontextmanager
async def stoppable(folder: Path, **settings: Any) -> AsyncIterator[Stoppable]:
    issuer = MisbehavingIssuer()
    async with issuer, AsyncExitStack() as running:
        issuer.on_discovery = gate = Gate(answers(issuer.discovery()))
        ports: Any = {"BROKER_GRPC_PORT": str(free_port()), "BROKER_UPSTREAM_TIMEOUT": "60"}
        broker = await running.enter_async_context(running_broker(folder, **ports, **settings))
        yield Stoppable(broker, issuer, gate, running)
        gate.opened.set()


@pytest.mark.parametrize("which", ["shared", "own"])
async def test_running_calls_are_finished(tmp_path: Path, which: str) -> None:
    """By a broker that takes no more connections already."""
    async with stoppable(tmp_path, BROKER_SHUTDOWN_GRACE="60") as it:
        settings = it.broker.settings
        port = settings.port if which == "shared" else settings.grpc_port
        assert port is not None
        async with channel(port) as wire:
            exchanging = await it.exchange(wire)
            stopping = it.stop()
            while it.listens():  # noqa: ASYNC110 - the broker has nothing that says when
                await asyncio.sleep(0.01)
            assert not stopping.done()
            it.gate.opened.set()
            assert (await exchanging).code is grpc.StatusCode.OK
            await stopping


async def test_a_call_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    """After BROKER_SHUTDOWN_GRACE."""
    async with (
        stoppable(tmp_path, BROKER_SHUTDOWN_GRACE="1") as it,
        channel(it.broker.settings.port) as wire,
    ):
        exchanging = await it.exchange(wire)
        await it.stop()
        assert (await exchanging).code is not grpc.StatusCode.OK


async def test_idle_connections_do_not_delay_the_stop(tmp_path: Path) -> None:
    """The grace is for calls. Of the two connections one has called, one has said nothing."""
    async with stoppable(tmp_path, BROKER_SHUTDOWN_GRACE="3600") as it:
        port = it.broker.settings.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with channel(port) as wire, asyncio.timeout(60):
            assert (await call(wire)).code is grpc.StatusCode.OK
            await it.stop()
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_while_draining_health_is_down_and_calls_are_taken(tmp_path: Path) -> None:
    """BROKER_DRAIN: balancers are told first, by those who watch too."""
    async with (
        stoppable(tmp_path, BROKER_DRAIN="3600") as it,
        channel(it.broker.settings.port) as wire,
    ):
        stub = wire.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        watching: Any = stub(health_pb2.HealthCheckRequest(service=PING.service))
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = it.stop()
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await call(wire)).code is grpc.StatusCode.OK
        watching.cancel()
        stopping.cancel()  # the hour is not waited for
        with suppress(asyncio.CancelledError):
            await stopping
