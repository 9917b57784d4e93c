"""chainguard.platform.iam.v2.RoleBindingsService."""

from __future__ import annotations

from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.bindings import MAX_BATCH, ShownBinding, joined
from broker.api.lists import fill, paged
from broker.api.masks import patched
from broker.api.scopes import resolve_group
from broker.api.values import optional_uidp, timestamp
from broker.contract.proto.iam.v2 import role_bindings_pb2 as pb
from broker.directory.role_bindings import RoleBindings, renewed
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.errors import Invalid
from broker.iam.model import RoleBinding
from broker.iam.uidp import Uidp

_SETTABLE: Final = ("identity_uid", "role_uid")
_ORDER: Final = {
    "uid": "id",
    "identity_uid": "identity",
    "role_uid": "role",
    "create_time": "created_at",
}


class RoleBindingsV2:
    """Which identity holds which role where."""

    service = "chainguard.platform.iam.v2.RoleBindingsService"

    def __init__(self, bindings: RoleBindings, roles: Roles) -> None:
        self._bindings = bindings
        self._roles = roles

    async def get_role_binding(
        self, work: Work, request: pb.GetRoleBindingRequest
    ) -> pb.RoleBinding:
        """One, with what it joins."""
        return await self._shown(work, await self._bindings.get(work, Uidp(request.uid)))

    async def create_role_binding(
        self, work: Work, request: pb.CreateRoleBindingRequest
    ) -> pb.RoleBinding:
        """At the group `parent`."""
        binding = _new(work, Uidp(request.parent), request.role_binding, "", "role_binding")
        await self._bindings.create(work, [binding])
        return await self._shown(work, binding)

    async def delete_role_binding(self, work: Work, request: pb.DeleteRoleBindingRequest) -> Empty:
        """Not the last owner's."""
        await self._bindings.delete(work, Uidp(request.uid))
        return Empty()

    async def list_role_bindings(
        self, work: Work, request: pb.ListRoleBindingsRequest
    ) -> pb.ListRoleBindingsResponse:
        """A page. `identity`, `group`, `role`: of this one."""
        group = ""
        if request.group:
            group = await resolve_group(work.records, request.group, field="group")
        equal = {"identity": request.identity, "role": request.role, "group": group}
        asked = await paged(work, request, _ORDER, equal=equal)
        page = await self._bindings.page(work, asked.selection)
        shown = await joined(work, self._roles, page.records)
        response = pb.ListRoleBindingsResponse()
        fill(response, "role_bindings", map(_message, shown), page, asked)
        return response

    async def batch_create_role_bindings(
        self, work: Work, request: pb.BatchCreateRoleBindingsRequest
    ) -> pb.BatchCreateRoleBindingsResponse:
        """At the group `parent`, all of them or none. `role_uid` is for those without a role."""
        if not 1 <= len(request.requests) <= MAX_BATCH:
            raise Invalid("field_invalid", f"requests: expected 1 to {MAX_BATCH}", field="requests")
        parent = Uidp(request.parent)
        bindings = []
        for n, each in enumerate(request.requests):
            field = f"requests[{n}]"
            if each.parent not in ("", parent):
                # the caller's right was checked at the parent of the batch alone
                raise Invalid(
                    "field_invalid",
                    f"{field}.parent: expected the batch's parent, or nothing",
                    field=f"{field}.parent",
                )
            role = request.role_uid
            bindings.append(_new(work, parent, each.role_binding, role, f"{field}.role_binding"))
        await self._bindings.create(work, bindings)
        shown = await joined(work, self._roles, bindings)
        return pb.BatchCreateRoleBindingsResponse(role_bindings=map(_message, shown))

    async def update_role_binding(
        self, work: Work, request: pb.UpdateRoleBindingRequest
    ) -> pb.RoleBinding:
        """Identity, role or both, as the mask says."""
        before = await self._bindings.get(work, Uidp(request.role_binding.uid))
        current = pb.RoleBinding(identity_uid=before.identity, role_uid=before.role)
        message = patched(current, _named(request), request.update_mask, _SETTABLE)
        after = renewed(
            before,
            identity=optional_uidp(message.identity_uid, field="role_binding.identity_uid"),
            role=optional_uidp(message.role_uid, field="role_binding.role_uid"),
        )
        return await self._shown(work, await self._bindings.update(work, before, after))

    async def _shown(self, work: Work, binding: RoleBinding) -> pb.RoleBinding:
        (shown,) = await joined(work, self._roles, [binding])
        return _message(shown)


def _new(work: Work, parent: Uidp, message: pb.RoleBinding, role: str, field: str) -> RoleBinding:
    """Identity and role by their UIDPs, or as the messages that lists show."""
    identity = message.identity_uid or message.identity.uid
    return RoleBinding(
        id=parent.child(work.random),
        identity=Uidp.parse(identity, field=f"{field}.identity_uid"),
        role=Uidp.parse(message.role_uid or message.role.uid or role, field=f"{field}.role_uid"),
        created_at=work.now,
    )


def _named(request: pb.UpdateRoleBindingRequest) -> pb.RoleBinding:
    """The binding with identity and role by their UIDPs, also where they came as the messages that
    lists show; the mask then names them so.
    """
    patch, mask = request.role_binding, request.update_mask
    for name, joined_uid in (("identity", patch.identity.uid), ("role", patch.role.uid)):
        by_uid = f"{name}_uid"
        if joined_uid and not getattr(patch, by_uid):
            setattr(patch, by_uid, joined_uid)
            rest = [path for path in mask.paths if path.partition(".")[0] != name]
            if len(rest) != len(mask.paths):
                mask.paths[:] = [*rest, by_uid]
    return patch


def _message(shown: ShownBinding) -> pb.RoleBinding:
    binding = shown.binding
    return pb.RoleBinding(
        uid=binding.id,
        identity=_identity(shown),
        group=_group(shown),
        role=_role(shown),
        create_time=timestamp(binding.created_at),
        identity_uid=binding.identity,
        role_uid=binding.role,
    )


def _identity(shown: ShownBinding) -> pb.RoleBindingIdentity:
    identity = shown.identity
    if identity is None:
        return pb.RoleBindingIdentity(uid=shown.binding.identity)
    return pb.RoleBindingIdentity(
        uid=identity.id,
        name=identity.name,
        description=identity.description,
        subject=identity.subject,
        issuer=identity.issuer,
        email=identity.profile.email,
    )


def _group(shown: ShownBinding) -> pb.RoleBindingGroup:
    group = shown.group
    if group is None:
        return pb.RoleBindingGroup(uid=shown.binding.group)
    return pb.RoleBindingGroup(uid=group.id, name=group.name, description=group.description)


def _role(shown: ShownBinding) -> pb.RoleBindingRole:
    role = shown.role
    if role is None:
        return pb.RoleBindingRole(uid=shown.binding.role)
    return pb.RoleBindingRole(uid=role.id, name=role.name, description=role.description)
