"""chainguard.platform.iam.GroupInvites."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.api.scopes import resolve_group
from broker.api.v1.roles import role_message
from broker.api.values import duration, timestamp
from broker.contract.proto.common.v1.uidp_pb2 import UIDPFilter
from broker.contract.proto.iam.v1 import group_invites_pb2 as pb
from broker.directory.group_invites import GroupInvites
from broker.directory.groups import Groups
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.iam.model import GroupInvite, Role
from broker.iam.uidp import Uidp


class GroupInvitesV1:
    """Offers to hold a role at a group."""

    service = "chainguard.platform.iam.GroupInvites"

    def __init__(self, invites: GroupInvites, groups: Groups, roles: Roles) -> None:
        self._invites = invites
        self._groups = groups
        self._roles = roles

    async def create(self, work: Work, request: pb.GroupInviteRequest) -> pb.GroupInvite:
        """The code is in the answer, and nowhere else."""
        return await self._create(work, Uidp(request.group), request)

    async def create_with_group(self, work: Work, request: pb.GroupInviteRequest) -> pb.GroupInvite:
        """An organization with the name that stands in `group`, which the caller owns, and the
        invite to it.
        """
        organization = replace(work.blank_group(None), name=request.group)
        await self._groups.create(work, organization)
        return await self._create(work, organization.id, request)

    async def list(self, work: Work, request: pb.GroupInviteFilter) -> pb.GroupInviteList:
        """All that the filter selects, without codes."""
        place = UIDPFilter()
        if request.group:
            place.children_of = await resolve_group(work.records, request.group, field="group")
        selection = await whole(work, place, ids=[request.id], equal={"key_id": request.key_id})
        page = await self._invites.page(work, selection)
        roles = await self._roles.many(work, {invite.role for invite in page.records})
        return pb.GroupInviteList(
            items=[_stored(invite, roles.get(invite.role)) for invite in page.records]
        )

    async def delete(self, work: Work, request: pb.DeleteGroupInviteRequest) -> Empty:
        """Its code is worth nothing from now on."""
        await self._invites.delete(work, Uidp(request.id))
        return Empty()

    async def _create(
        self, work: Work, group: Uidp, request: pb.GroupInviteRequest
    ) -> pb.GroupInvite:
        role = Uidp.parse(request.role, field="role")
        invite, code = await self._invites.create(
            work,
            group,
            role=role,
            ttl=duration(request.ttl, field="ttl") if request.HasField("ttl") else None,
            email=request.email,
            single_use=request.single_use,
        )
        return pb.GroupInvite(
            id=invite.id,
            expiration=timestamp(invite.expires_at),
            key_id=invite.key_id,
            role=role_message(await self._roles.get(work, role)),
            code=code,
        )


def _stored(invite: GroupInvite, role: Role | None) -> pb.StoredGroupInvite:
    return pb.StoredGroupInvite(
        id=invite.id,
        expiration=timestamp(invite.expires_at),
        key_id=invite.key_id,
        role=role_message(role) if role else None,
        email=invite.email,
        created_at=timestamp(invite.created_at),
        single_use=invite.single_use,
    )
