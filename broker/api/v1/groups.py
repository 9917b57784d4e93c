"""chainguard.platform.iam.Groups."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.api.scopes import resolve_group
from broker.contract.proto.iam.v1 import groups_pb2 as pb
from broker.directory.access_requests import AccessRequests
from broker.directory.groups import Groups
from broker.directory.work import Work
from broker.iam.model import Group, OrganizationKind, OrganizationStatus
from broker.iam.uidp import Uidp


class GroupsV1:
    """Organizations and folders."""

    service = "chainguard.platform.iam.Groups"

    def __init__(self, groups: Groups, requests: AccessRequests) -> None:
        self._groups = groups
        self._requests = requests

    async def create(self, work: Work, request: pb.CreateGroupRequest) -> pb.Group:
        """A folder of `parent`, or an organization when that is empty."""
        parent = None
        if request.parent:
            parent = await resolve_group(work.records, request.parent, field="parent")
        message = request.group
        group = replace(
            work.blank_group(parent),
            name=message.name,
            description=message.description,
            resource_limits=dict(message.resource_limits),
            verified=message.verified,
            kind=organization_kind(message.kind),
            status=organization_status(message.status),
        )
        return group_message(await self._groups.create(work, group))

    async def update(self, work: Work, request: pb.Group) -> pb.Group:
        """Name and description. What the operator says of an organization stays: who sends a
        whole record back to rename it does not mean to change that.
        """
        before = await self._groups.get(work, Uidp(request.id))
        after = replace(before, name=request.name, description=request.description)
        return group_message(await self._groups.update(work, before, after))

    async def list(self, work: Work, request: pb.GroupFilter) -> pb.GroupList:
        """All that the filter selects."""
        selection = await whole(work, request.uidp, ids=[request.id], equal={"name": request.name})
        page = await self._groups.page(work, selection)
        return pb.GroupList(items=map(group_message, page.records))

    async def delete(self, work: Work, request: pb.DeleteGroupRequest) -> Empty:
        """With everything below."""
        await self._groups.delete(work, Uidp(request.id))
        return Empty()

    async def lookup_group(
        self, work: Work, request: pb.LookupGroupRequest
    ) -> pb.LookupGroupResponse:
        """The organization of the caller's verified e-mail domain; none when there is none."""
        del request
        group = await self._requests.organization_of(work)
        return pb.LookupGroupResponse(group=group_message(group) if group else None)

    async def request_group_access(
        self, work: Work, request: pb.RequestGroupAccessRequest
    ) -> pb.RequestGroupAccessResponse:
        """Of the organization that `lookup_group` finds; asking again changes nothing."""
        group = await resolve_group(work.records, request.group_id, field="group_id")
        await self._requests.ask(work, group)
        return pb.RequestGroupAccessResponse()

    async def check_eligibility(
        self, work: Work, request: pb.CheckEligibilityRequest
    ) -> pb.CheckEligibilityResponse:
        """Whether `lookup_group` finds one."""
        del request
        group = await self._requests.organization_of(work)
        return pb.CheckEligibilityResponse(eligible=group is not None)


def group_message(group: Group) -> pb.Group:
    """The record on the wire."""
    return pb.Group(
        id=group.id,
        name=group.name,
        description=group.description,
        resource_limits=group.resource_limits,
        verified=group.verified,
        kind=pb.OrgKind.Name(group.kind.value),
        status=pb.OrgStatus.Name(group.status.value),
    )


def organization_kind(number: int) -> OrganizationKind:
    """Unspecified for a number that this version does not know."""
    known = {kind.value: kind for kind in OrganizationKind}
    return known.get(number, OrganizationKind.UNSPECIFIED)


def organization_status(number: int) -> OrganizationStatus:
    """Unspecified for a number that this version does not know."""
    known = {status.value: status for status in OrganizationStatus}
    return known.get(number, OrganizationStatus.UNSPECIFIED)
