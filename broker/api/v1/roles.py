"""chainguard.platform.iam.Roles."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.contract.proto.common.v1.uidp_pb2 import UIDPFilter
from broker.contract.proto.iam.v1 import roles_pb2 as pb
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.errors import Invalid
from broker.iam.model import Role
from broker.iam.uidp import Uidp


class RolesV1:
    """Sets of capabilities."""

    service = "chainguard.platform.iam.Roles"

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    async def create(self, work: Work, request: pb.CreateRoleRequest) -> pb.Role:
        """A custom role of the group `parent_id`."""
        parent = Uidp(request.parent_id)
        role = Role(
            id=parent.child(work.random),
            name=request.role.name,
            description=request.role.description,
            capabilities=frozenset(request.role.capabilities),
            created_at=work.now,
            updated_at=work.now,
        )
        return role_message(await self._roles.create(work, role))

    async def update(self, work: Work, request: pb.Role) -> pb.Role:
        """The whole record."""
        before = await self._roles.get(work, Uidp(request.id))
        after = replace(
            before,
            name=request.name,
            description=request.description,
            capabilities=frozenset(request.capabilities),
        )
        return role_message(await self._roles.update(work, before, after))

    async def list(self, work: Work, request: pb.RoleFilter) -> pb.RoleList:
        """Built-in ones too, unless the filter says otherwise; `parent: "/"`: only those."""
        selection = await whole(
            work, _place(request), ids=[request.id], equal={"name": request.name}
        )
        page = await self._roles.page(work, selection)
        return pb.RoleList(items=map(role_message, page.records))

    async def delete(self, work: Work, request: pb.DeleteRoleRequest) -> Empty:
        """With every binding that gives it."""
        await self._roles.delete(work, Uidp(request.id))
        return Empty()


def role_message(role: Role) -> pb.Role:
    """The record on the wire; its capabilities in order."""
    return pb.Role(
        id=role.id,
        name=role.name,
        description=role.description,
        capabilities=sorted(role.capabilities),
    )


def _place(request: pb.RoleFilter) -> UIDPFilter:
    """The filter with `parent`, which is `uidp.children_of` by another name, taken in."""
    place = UIDPFilter()
    place.CopyFrom(request.uidp)
    if request.parent:
        if place.children_of not in ("", request.parent):
            raise Invalid("field_invalid", "parent: differs from uidp.children_of", field="parent")
        place.children_of = request.parent
    return place
