"""chainguard.platform.iam.RoleBindings."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from broker.api.bindings import MAX_BATCH, ShownBinding, joined
from broker.api.lists import whole
from broker.api.v1.groups import group_message
from broker.api.v1.roles import role_message
from broker.api.values import optional_uidp, timestamp
from broker.contract.proto.iam.v1 import role_bindings_pb2 as pb
from broker.directory.role_bindings import RoleBindings, renewed
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.errors import Invalid
from broker.iam.model import RoleBinding
from broker.iam.uidp import Uidp


class RoleBindingsV1:
    """Which identity holds which role where."""

    service = "chainguard.platform.iam.RoleBindings"

    def __init__(self, bindings: RoleBindings, roles: Roles) -> None:
        self._bindings = bindings
        self._roles = roles

    async def create(self, work: Work, request: pb.CreateRoleBindingRequest) -> pb.RoleBinding:
        """At the group `parent`."""
        binding = _new(work, Uidp(request.parent), request.role_binding, "role_binding")
        await self._bindings.create(work, [binding])
        return binding_message(binding)

    async def create_batch(
        self, work: Work, request: pb.CreateRoleBindingBatchRequest
    ) -> pb.RoleBindingBatch:
        """At the group `parent`, all of them or none."""
        if not 1 <= len(request.role_bindings) <= MAX_BATCH:
            raise Invalid(
                "field_invalid", f"role_bindings: expected 1 to {MAX_BATCH}", field="role_bindings"
            )
        parent = Uidp(request.parent)
        bindings = [
            _new(work, parent, each, f"role_bindings[{n}]")
            for n, each in enumerate(request.role_bindings)
        ]
        await self._bindings.create(work, bindings)
        return pb.RoleBindingBatch(role_bindings=map(binding_message, bindings))

    async def update(self, work: Work, request: pb.RoleBinding) -> pb.RoleBinding:
        """Identity and role; one that is left out stays."""
        before = await self._bindings.get(work, Uidp(request.id))
        after = renewed(
            before,
            identity=optional_uidp(request.identity, field="identity"),
            role=optional_uidp(request.role, field="role"),
        )
        return binding_message(await self._bindings.update(work, before, after))

    async def list(self, work: Work, request: pb.RoleBindingFilter) -> pb.RoleBindingList:
        """All that the filter selects, with what they join."""
        selection = await whole(work, request.uidp, ids=[request.id])
        page = await self._bindings.page(work, selection)
        shown = await joined(work, self._roles, page.records)
        return pb.RoleBindingList(items=map(_item, shown))

    async def delete(self, work: Work, request: pb.DeleteRoleBindingRequest) -> Empty:
        """Not the last owner's."""
        await self._bindings.delete(work, Uidp(request.id))
        return Empty()


def binding_message(binding: RoleBinding) -> pb.RoleBinding:
    """The record on the wire."""
    return pb.RoleBinding(
        id=binding.id, identity=binding.identity, group=binding.group, role=binding.role
    )


def _new(work: Work, parent: Uidp, message: pb.RoleBinding, field: str) -> RoleBinding:
    return RoleBinding(
        id=parent.child(work.random),
        identity=Uidp.parse(message.identity, field=f"{field}.identity"),
        role=Uidp.parse(message.role, field=f"{field}.role"),
        created_at=work.now,
    )


def _item(shown: ShownBinding) -> pb.RoleBindingList.Binding:
    binding, identity = shown.binding, shown.identity
    return pb.RoleBindingList.Binding(
        id=binding.id,
        group=group_message(shown.group) if shown.group else None,
        identity=binding.identity,
        role=role_message(shown.role) if shown.role else None,
        email=identity.profile.email if identity else "",
        claim_match_issuer=identity.issuer if identity else "",
        claim_match_subject=identity.subject if identity else "",
        created_at=timestamp(binding.created_at),
        email_unverified=identity.profile.email_unverified if identity else "",
    )
