"""chainguard.platform.iam.v2.GroupInvitesService."""

from __future__ import annotations

from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import fill, paged
from broker.api.v2.roles import capability_numbers
from broker.api.values import duration, timestamp
from broker.contract.capabilities import CapabilityNumbers
from broker.contract.proto.iam.v2 import group_invites_pb2 as pb
from broker.directory.group_invites import GroupInvites
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.iam.model import GroupInvite, Role
from broker.iam.uidp import Uidp

_ORDER: Final = {
    "uid": "id",
    "role_uid": "role",
    "email": "email",
    "key_id": "key_id",
    "expiration_time": "expires_at",
    "create_time": "created_at",
}


class GroupInvitesV2:
    """Offers to hold a role at a group."""

    service = "chainguard.platform.iam.v2.GroupInvitesService"

    def __init__(self, invites: GroupInvites, roles: Roles, numbers: CapabilityNumbers) -> None:
        self._invites = invites
        self._roles = roles
        self._numbers = numbers

    async def create_group_invite(
        self, work: Work, request: pb.CreateGroupInviteRequest
    ) -> pb.GroupInvite:
        """The code is in the answer, and nowhere else."""
        asked = request.group_invite
        role = Uidp.parse(asked.role_uid or asked.role.uid, field="group_invite.role_uid")
        ttl = duration(asked.ttl, field="group_invite.ttl") if asked.HasField("ttl") else None
        invite, code = await self._invites.create(
            work,
            Uidp(request.parent),
            role=role,
            ttl=ttl,
            email=asked.email,
            single_use=asked.single_use,
        )
        message = self._message(invite, await self._roles.get(work, role))
        message.code = code
        return message

    async def get_group_invite(
        self, work: Work, request: pb.GetGroupInviteRequest
    ) -> pb.GroupInvite:
        """One, without its code."""
        invite = await self._invites.get(work, Uidp(request.uid))
        roles = await self._roles.many(work, [invite.role])
        return self._message(invite, roles.get(invite.role))

    async def delete_group_invite(self, work: Work, request: pb.DeleteGroupInviteRequest) -> Empty:
        """Its code is worth nothing from now on."""
        await self._invites.delete(work, Uidp(request.uid))
        return Empty()

    async def list_group_invites(
        self, work: Work, request: pb.ListGroupInvitesRequest
    ) -> pb.ListGroupInvitesResponse:
        """A page, without codes."""
        asked = await paged(work, request, _ORDER, equal={"key_id": request.key_id})
        page = await self._invites.page(work, asked.selection)
        roles = await self._roles.many(work, {invite.role for invite in page.records})
        messages = [self._message(invite, roles.get(invite.role)) for invite in page.records]
        response = pb.ListGroupInvitesResponse()
        fill(response, "group_invites", messages, page, asked)
        return response

    def _message(self, invite: GroupInvite, role: Role | None) -> pb.GroupInvite:
        message = pb.GroupInvite(
            uid=invite.id,
            role_uid=invite.role,
            role=self._role(role) if role else None,
            email=invite.email,
            expiration_time=timestamp(invite.expires_at),
            single_use=invite.single_use,
            key_id=invite.key_id,
            create_time=timestamp(invite.created_at),
        )
        message.ttl.FromTimedelta(invite.expires_at - invite.created_at)
        return message

    def _role(self, role: Role) -> pb.GroupInviteRole:
        return pb.GroupInviteRole(
            uid=role.id,
            name=role.name,
            description=role.description,
            capabilities=capability_numbers(self._numbers, role.capabilities),
        )
