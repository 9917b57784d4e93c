"""chainguard.platform.iam.v2.RolesService."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, cast

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import BY_NAME_OR_TIME, fill, paged
from broker.api.masks import patched
from broker.api.values import timestamp
from broker.contract.capabilities import CapabilityNumbers
from broker.contract.proto.capabilities.capabilities_pb2 import Capability
from broker.contract.proto.iam.v2 import roles_pb2 as pb
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.iam.model import Role
from broker.iam.uidp import Uidp

_SETTABLE: Final = ("name", "description", "capabilities")


class RolesV2:
    """Sets of capabilities, which are numbers here."""

    service = "chainguard.platform.iam.v2.RolesService"

    def __init__(self, roles: Roles, numbers: CapabilityNumbers) -> None:
        self._roles = roles
        self._numbers = numbers

    async def get_role(self, work: Work, request: pb.GetRoleRequest) -> pb.Role:
        """A built-in one, or one where the caller may list roles."""
        uidp = Uidp.parse(request.uid, field="uid")
        if not uidp.is_root:
            work.caller.expect(["roles.list"], uidp)
        return self._message(await self._roles.get(work, uidp))

    async def list_roles(self, work: Work, request: pb.ListRolesRequest) -> pb.ListRolesResponse:
        """A page, built-in ones among them."""
        asked = await paged(work, request, BY_NAME_OR_TIME, equal={"name": request.name})
        page = await self._roles.page(work, asked.selection)
        response = pb.ListRolesResponse()
        fill(response, "roles", map(self._message, page.records), page, asked)
        return response

    async def create_role(self, work: Work, request: pb.CreateRoleRequest) -> pb.Role:
        """A custom role of the group `parent`."""
        blank = Role(
            id=Uidp(request.parent).child(work.random),
            name="",
            capabilities=frozenset(),
            created_at=work.now,
            updated_at=work.now,
        )
        role = await self._roles.create(work, self._filled(blank, request.role))
        return self._message(role)

    async def update_role(self, work: Work, request: pb.UpdateRoleRequest) -> pb.Role:
        """What the mask names."""
        before = await self._roles.get(work, Uidp(request.role.uid))
        message = patched(self._message(before), request.role, request.update_mask, _SETTABLE)
        after = self._filled(before, message)
        return self._message(await self._roles.update(work, before, after))

    async def delete_role(self, work: Work, request: pb.DeleteRoleRequest) -> Empty:
        """With every binding that gives it."""
        await self._roles.delete(work, Uidp(request.uid))
        return Empty()

    def _message(self, role: Role) -> pb.Role:
        return pb.Role(
            uid=role.id,
            name=role.name,
            description=role.description,
            capabilities=capability_numbers(self._numbers, role.capabilities),
            create_time=timestamp(role.created_at),
            update_time=timestamp(role.updated_at),
        )

    def _filled(self, base: Role, message: pb.Role) -> Role:
        return replace(
            base,
            name=message.name,
            description=message.description,
            capabilities=frozenset(map(self._numbers.name, message.capabilities)),
        )


def capability_numbers(numbers: CapabilityNumbers, names: Iterable[str]) -> list[Capability]:
    """In order."""
    # the enum is open: an operator's own capabilities are numbers that it does not have
    return cast("list[Capability]", sorted(map(numbers.number, names)))
