"""Calling a broker over gRPC, and reading all of what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from broker.contract.methods import Contract, Method

CONTRACT = Contract.load()
PING = CONTRACT.methods["/chainguard.platform.ping.PingService/Ping"]

UnaryUnary = grpc.aio.UnaryUnaryMultiCallable[Any, Any]
PATIENCE = 30
Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    code: grpc.StatusCode
    text: str
    response: Message | None
    trailers: Mapping[str, str | bytes] = field(repr=False)

    @property
    def request_id(self) -> str:
        """Of the trailers."""
        return str(self.trailers["x-request-id"])

    @property
    def status(self) -> Status:
        """The code and the text once more, with the details."""
        encoded = self.trailers["grpc-status-details-bin"]
        assert isinstance(encoded, bytes)
        return Status.FromString(encoded)

    @property
    def info(self) -> ErrorInfo:
        """What failed."""
        info = ErrorInfo()
        assert self.status.details[0].Unpack(info)
        return info

    @property
    def retry_after(self) -> int | None:
        """Seconds."""
        retry = RetryInfo()
        for detail in self.status.details:
            if detail.Unpack(retry):
                return retry.retry_delay.ToSeconds()
        return None


def bearer(token: str) -> Metadata:
    """The metadata of a caller who has a token."""
    return (("authorization", f"Bearer {token}"),)


async def call(
    channel: grpc.aio.Channel,
    method: Method = PING,
    request: Message | bytes = b"",
    *,
    metadata: Metadata = (),
) -> Outcome:
    """Call a method, and do not raise. `bytes` are sent as they are."""
    stub: UnaryUnary = channel.unary_unary(
        method.path, response_deserializer=method.response.FromString
    )
    encoded = request if isinstance(request, bytes) else request.SerializeToString()
    running = stub(encoded, metadata=metadata, timeout=PATIENCE)
    response: Message | None = None
    with suppress(grpc.aio.AioRpcError):  # what it holds, the call does too
        response = await running
    trailers = dict(await running.trailing_metadata() or ())
    return Outcome(await running.code(), await running.details() or "", response, trailers)


async def health(channel: grpc.aio.Channel, service: str = "") -> str:
    """What grpc.health.v1 says of a service; empty: of the server."""
    stub = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    response = await stub(health_pb2.HealthCheckRequest(service=service))
    return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)


async def reflection(channel: grpc.aio.Channel, version: str = "v1", **question: Any) -> Any:
    """The answer to one question of grpc.reflection, of either version."""
    stub = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    asking = stub(iter([reflection_pb2.ServerReflectionRequest(**question)]))
    answers = [answer async for answer in asking]
    assert len(answers) == 1
    return answers[0]


@asynccontextmanager
async def channel(port: int, authority: bytes | None = None) -> AsyncIterator[grpc.aio.Channel]:
    """To a port of this machine: in clear, or in TLS with who signed the certificate."""
    address = f"127.0.0.1:{port}"
    if authority is None:
        opened = grpc.aio.insecure_channel(address)
    else:
        opened = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authority))
    async with opened:
        yield opened
