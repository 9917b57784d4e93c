"""broker.v1.AccessRequests: people who ask an organization to be let in."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from broker.api.values import timestamp
from broker.contract.proto.login.v1 import access_requests_pb2 as pb
from broker.directory.access_requests import AccessRequests
from broker.directory.work import Work
from broker.iam.model import AccessRequest
from broker.iam.uidp import Uidp


class AccessRequestsV1:
    """What the owners see of them."""

    service = "broker.v1.AccessRequests"

    def __init__(self, requests: AccessRequests) -> None:
        self._requests = requests

    async def list_access_requests(
        self, work: Work, request: pb.ListAccessRequestsRequest
    ) -> pb.ListAccessRequestsResponse:
        """Those to the organization."""
        found = await self._requests.of_group(work, Uidp(request.group))
        return pb.ListAccessRequestsResponse(items=map(_message, found))

    async def approve_access_request(
        self, work: Work, request: pb.ApproveAccessRequestRequest
    ) -> pb.AccessRequest:
        """With a role."""
        role = Uidp.parse(request.role, field="role")
        return _message(await self._requests.approve(work, Uidp(request.uid), role))

    async def deny_access_request(self, work: Work, request: pb.DenyAccessRequestRequest) -> Empty:
        """Nothing else changes."""
        await self._requests.deny(work, Uidp(request.uid))
        return Empty()


def _message(request: AccessRequest) -> pb.AccessRequest:
    return pb.AccessRequest(
        uid=request.id,
        identity=request.identity,
        email=request.email,
        create_time=timestamp(request.created_at),
    )
