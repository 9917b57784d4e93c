"""chainguard.platform.ping.PingService."""

from __future__ import annotations

from broker.api.dispatch import Call
from broker.contract.proto.ping.v1 import ping_pb2 as pb


class PingV1:
    """Whether anybody is there."""

    service = "chainguard.platform.ping.PingService"

    async def ping(self, request: pb.PingRequest, call: Call) -> pb.Response:
        """Somebody is."""
        del request, call
        return pb.Response(response="pong")
