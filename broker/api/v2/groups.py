"""chainguard.platform.iam.v2.GroupsService."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import BY_NAME_OR_TIME, fill, paged
from broker.api.masks import patched
from broker.api.scopes import resolve_group
from broker.api.v1.groups import organization_kind, organization_status
from broker.api.values import timestamp
from broker.contract.proto.iam.v2 import groups_pb2 as pb
from broker.directory.access_requests import AccessRequests
from broker.directory.groups import Groups
from broker.directory.work import Work
from broker.iam.model import Group
from broker.iam.uidp import Uidp

_SETTABLE: Final = ("name", "description", "resource_limits", "verified", "kind", "status")


class GroupsV2:
    """Organizations and folders."""

    service = "chainguard.platform.iam.v2.GroupsService"

    def __init__(self, groups: Groups, requests: AccessRequests) -> None:
        self._groups = groups
        self._requests = requests

    async def get_group(self, work: Work, request: pb.GetGroupRequest) -> pb.Group:
        """One."""
        return group_message(await self._groups.get(work, Uidp(request.uid)))

    async def delete_group(self, work: Work, request: pb.DeleteGroupRequest) -> Empty:
        """With everything in it; not while it has folders."""
        await self._groups.delete(work, Uidp(request.uid))
        return Empty()

    async def list_groups(self, work: Work, request: pb.ListGroupsRequest) -> pb.ListGroupsResponse:
        """A page."""
        asked = await paged(work, request, BY_NAME_OR_TIME, equal={"name": request.name})
        page = await self._groups.page(work, asked.selection)
        response = pb.ListGroupsResponse()
        fill(response, "groups", map(group_message, page.records), page, asked)
        return response

    async def create_group(self, work: Work, request: pb.CreateGroupRequest) -> pb.Group:
        """A folder of `parent`, or an organization when that is empty."""
        parent = None
        if request.parent:
            parent = await resolve_group(work.records, request.parent, field="parent")
        group = _filled(work.blank_group(parent), request.group)
        return group_message(await self._groups.create(work, group))

    async def update_group(self, work: Work, request: pb.UpdateGroupRequest) -> pb.Group:
        """What the mask names."""
        before = await self._groups.get(work, Uidp(request.group.uid))
        message = patched(group_message(before), request.group, request.update_mask, _SETTABLE)
        return group_message(await self._groups.update(work, before, _filled(before, message)))

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
        group = await resolve_group(work.records, request.group_uid, field="group_uid")
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
        uid=group.id,
        name=group.name,
        description=group.description,
        resource_limits=group.resource_limits,
        verified=group.verified,
        create_time=timestamp(group.created_at),
        update_time=timestamp(group.updated_at),
        kind=pb.OrgKind.Name(group.kind.value),
        status=pb.OrgStatus.Name(group.status.value),
    )


def _filled(base: Group, message: pb.Group) -> Group:
    return replace(
        base,
        name=message.name,
        description=message.description,
        resource_limits=dict(message.resource_limits),
        verified=message.verified,
        kind=organization_kind(message.kind),
        status=organization_status(message.status),
    )
