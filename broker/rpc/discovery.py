"""What gRPC's own tools ask: is it there (grpc.health.v1), and what is there (grpc.reflection)."""

from __future__ import annotations

from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from broker.contract.methods import Contract

REFLECTION: Final = (
    "grpc.reflection.v1alpha.ServerReflection",
    "grpc.reflection.v1.ServerReflection",
)
"""Version 1 has the messages of its alpha, byte for byte; tools ask for the one or the other."""


class Discovery:
    """Health, service by service, and reflection of the contract."""

    def __init__(self, contract: Contract) -> None:
        self._services = contract.services
        self._health = health.aio.HealthServicer()
        pool = contract.descriptor_pool(
            health_pb2.DESCRIPTOR,  # type: ignore[arg-type]  # stubs name one implementation's class
            reflection_pb2.DESCRIPTOR,  # type: ignore[arg-type]  # as above
        )
        described = (*contract.services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        self._reflection = reflection.aio.ReflectionServicer(described, pool=pool)

    async def serve(self, server: grpc.aio.Server) -> None:
        """Add the services; everything is SERVING."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        handler = grpc.stream_stream_rpc_method_handler(
            self._reflection.ServerReflectionInfo,
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        methods = {"ServerReflectionInfo": handler}
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, methods) for service in REFLECTION]
        )
        for service in self._services:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Everything is NOT_SERVING from now on."""
        await self._health.enter_graceful_shutdown()
