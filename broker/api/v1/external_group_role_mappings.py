"""chainguard.platform.iam.ExternalGroupRoleMappings."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.api.scopes import resolve_group
from broker.api.values import timestamp
from broker.contract.proto.iam.v1 import external_group_role_mappings_pb2 as pb
from broker.directory.group_role_mappings import GroupRoleMappings
from broker.directory.work import Work
from broker.iam.model import GroupRoleMapping
from broker.iam.uidp import Uidp


class ExternalGroupRoleMappingsV1:
    """Roles that members of a provider's group hold while they are logged in."""

    service = "chainguard.platform.iam.ExternalGroupRoleMappings"

    def __init__(self, mappings: GroupRoleMappings) -> None:
        self._mappings = mappings

    async def create(
        self, work: Work, request: pb.CreateExternalGroupRoleMappingRequest
    ) -> pb.ExternalGroupRoleMapping:
        """Below `parent_id`: the provider, or its group."""
        message = request.mapping
        mapping = GroupRoleMapping(
            id=Uidp(request.parent_id).child(work.random),
            identity_provider=Uidp.parse(
                message.identity_provider_uidp, field="mapping.identity_provider_uidp"
            ),
            external_group=message.external_group_id,
            role=Uidp.parse(message.role_uidp, field="mapping.role_uidp"),
            scope=await resolve_group(work.records, message.scope, field="mapping.scope"),
            created_at=work.now,
        )
        return mapping_message(await self._mappings.create(work, mapping))

    async def get(
        self, work: Work, request: pb.GetExternalGroupRoleMappingRequest
    ) -> pb.ExternalGroupRoleMapping:
        """One."""
        return mapping_message(await self._mappings.get(work, Uidp(request.uid)))

    async def list(
        self, work: Work, request: pb.ExternalGroupRoleMappingFilter
    ) -> pb.ExternalGroupRoleMappingList:
        """All that the filter selects."""
        selection = await whole(
            work, request.uidp, equal={"identity_provider": request.identity_provider_uidp}
        )
        page = await self._mappings.page(work, selection)
        return pb.ExternalGroupRoleMappingList(items=map(mapping_message, page.records))

    async def delete(self, work: Work, request: pb.DeleteExternalGroupRoleMappingRequest) -> Empty:
        """One."""
        await self._mappings.delete(work, [Uidp(request.id)])
        return Empty()

    async def batch_delete(
        self, work: Work, request: pb.BatchDeleteExternalGroupRoleMappingsRequest
    ) -> pb.BatchDeleteExternalGroupRoleMappingsResponse:
        """Several of `parent_id`, a group or a provider: all of them or none."""
        ids = [Uidp.parse(uidp, field="ids") for uidp in request.ids]
        deleted = await self._mappings.delete(work, ids, parent=Uidp(request.parent_id))
        return pb.BatchDeleteExternalGroupRoleMappingsResponse(
            parent_id=request.parent_id, items=map(mapping_message, deleted)
        )


def mapping_message(mapping: GroupRoleMapping) -> pb.ExternalGroupRoleMapping:
    """The record on the wire."""
    return pb.ExternalGroupRoleMapping(
        id=mapping.id,
        identity_provider_uidp=mapping.identity_provider,
        external_group_id=mapping.external_group,
        role_uidp=mapping.role,
        scope=mapping.scope,
        created_at=timestamp(mapping.created_at),
    )
